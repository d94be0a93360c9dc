#include "fuse/session.h"

#include <linux/fuse.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "fuse/libfuse.h"
#include "fuse/operations.h"
#include "fuse/request.h"
#include "sys/credentials.h"

namespace cvfs {

namespace {

// Where one thread receives its requests: a whole WRITE with its header, in pages that are there
// before the first request is.
class ReceiveBuffer {
 public:
  ReceiveBuffer() {
    memory_ = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    buffer_.mem = memory_;
    buffer_.mem_size = kSize;
  }
  ~ReceiveBuffer() { ::munmap(memory_, kSize); }
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  fuse_buf* get() { return &buffer_; }

 private:
  static constexpr std::size_t kSize = kMaxWrite + 2 * FUSE_MIN_READ_BUFFER;
  void* memory_;
  fuse_buf buffer_{};
};

}  // namespace

Result<std::unique_ptr<Session>> Session::adopt(UniqueFd device, Handshake handshake,
                                                Mount& mount) {
  std::unique_ptr<Session> session(new Session(mount, std::move(handshake)));
  char name[] = "cvfsd";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const fuse_lowlevel_ops operations = operation_table();
  session->session_ = fuse_session_new(&args, &operations, sizeof operations, &mount);
  fuse_opt_free_args(&args);
  if (session->session_ == nullptr) return fail(ENOMEM);

  // "/dev/fd/N" as a mountpoint tells libfuse to use a connection that is there already.
  const std::string connection = "/dev/fd/" + std::to_string(device.get());
  if (fuse_session_mount(session->session_, connection.c_str()) != 0) return fail(ENOMEM);
  (void)device.release();  // libfuse closes it with the session

  // libfuse answers this INIT, too; the kernel knows no such request any more and says ENOENT,
  // which libfuse passes over.
  fuse_buf init{};
  init.mem = session->handshake_.request.data();
  init.size = session->handshake_.request.size();
  fuse_session_process_buf(session->session_, &init);
  return session;
}

Session::~Session() {
  if (session_ != nullptr) fuse_session_destroy(session_);
}

void Session::serve_requests() {
  sys::prepare_serving_thread();
  ReceiveBuffer buffer;
  while (fuse_session_exited(session_) == 0) {
    const int received = fuse_session_receive_buf(session_, buffer.get());
    if (received == -EINTR || received == -EAGAIN) continue;
    if (received <= 0) break;  // unmounted (libfuse has marked the session as exited), or broken
    note_request(*buffer.get());
    fuse_session_process_buf(session_, buffer.get());
  }
}

Result<void> Session::serve(unsigned threads) {
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back([this] { serve_requests(); });
  std::jthread([this] { serve_requests(); }).join();
  others.clear();
  return {};
}

}  // namespace cvfs
