// LockView: the locks of a view of one file, without a kernel that asks: a test sends the requests,
// and looks at what the backing's own kernel says of the file. For one thread.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/local_store.h"
#include "sys/file.h"
#include "sys/file_lock.h"
#include "vfs/claim.h"
#include "vfs/mount.h"
#include "vfs/op_lookup.h"
#include "vfs/op_open.h"
#include "vfs/state_sections.h"

namespace cvfs {

class LockView {
 public:
  static constexpr int kWaits = -1;

  explicit LockView(std::size_t most_owners = 10'000)
      : most_owners_(most_owners),
        memory_(
            static_cast<std::byte*>(::mmap(nullptr, LockSection::bytes(), PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
            LockSection::bytes()) {
    char name[] = "/var/tmp/cvfs-locks-XXXXXX";
    path_ = ::mkdtemp(name);
    mount_ = make_view();
    slot_ = std::make_unique<JournalSlot>(*mount_->journal);
    node = look_up("file");
    reads = open(node, O_RDONLY);
    writes = open(node, O_RDWR);
  }
  // Who dies leaves his descriptors to his successor: they are not FileLocks' to close.
  ~LockView() {
    const std::vector<int> left = locks_ ? locks_->descriptors() : std::vector<int>();
    locks_.reset();
    for (const int fd : left) {
      if (fd > STDERR_FILENO) ::close(fd);
    }
    std::filesystem::remove_all(path_);
    ::munmap(memory_.data(), memory_.size());
  }
  LockView(const LockView&) = delete;
  LockView& operator=(const LockView&) = delete;

  // Made when first asked for, in what the memory holds then.
  FileLocks& locks(bool adopt = false) {
    if (locks_) return *locks_;
    locks_ = std::make_unique<FileLocks>(*mount_, memory_, adopt, most_owners_);
    const auto note = [this](std::uint64_t reply_to, int error) {
      if (on_answer) on_answer(reply_to);
      const std::lock_guard lock(mutex_);
      answers_[reply_to] = error;
      answered_.notify_all();
    };
    locks_->answer_by(note, [note](NodeId, std::uint64_t reply_to) { note(reply_to, 0); });
    return *locks_;
  }

  // An errno or 0; kWaits: it is answered later.
  int ask(const LockRequest& request) {
    const auto answer = locks().change(request);
    if (answer) return *answer;
    const std::lock_guard lock(mutex_);
    const auto later = answers_.find(request.unique);
    return later == answers_.end() ? kWaits : later->second;
  }

  // kWaits: not within ten seconds.
  int answer_of(const LockRequest& request) {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, std::chrono::seconds(10),
                       [&] { return answers_.contains(request.unique); });
    return answers_.contains(request.unique) ? answers_[request.unique] : kWaits;
  }

  LockRequest request(std::uint64_t owner, LockType type, LockRange range, bool waits = false,
                      LockKind kind = LockKind::kRange) {
    LockRequest request;
    request.unique = request.reply_to = unique_ += 2;
    request.wish = {{node, owner, kind}, range, type};
    request.handle = type == LockType::kRead ? reads : writes;
    request.waits = waits;
    return request;
  }
  LockRequest whole(std::uint64_t owner, LockType type, bool waits = false) {
    LockRequest request = this->request(owner, type, {}, waits, LockKind::kWhole);
    request.handle = reads;
    return request;
  }

  NodeId look_up(const char* name) {
    UniqueFd(::open((path_ + "/" + name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    Intent intent = slot_->begin(++intents_, 1, 1, false);
    Entry entry = std::move(*op_lookup(*mount_, intent, kRootNode, name));
    entry.lookup.commit();
    return entry.lookup.node();
  }
  HandleId open(NodeId of, int flags) {
    Intent intent = slot_->begin(++intents_, 1, 1, false);
    const Caller caller{HostUid{0}, HostGid{0}, 0, 022};
    OpenedFile opened = std::move(*op_open(*mount_, intent, caller, of, flags, false));
    opened.handle.commit();
    return opened.handle.id();
  }

  // Of somebody else, on the backing.
  UniqueFd host() const { return UniqueFd(::open((path_ + "/file").c_str(), O_RDWR | O_CLOEXEC)); }
  static bool can_lock(int fd, LockType type, LockRange range) {
    const auto mode = type == LockType::kWrite ? sys::LockMode::kExclusive : sys::LockMode::kShared;
    const bool can = sys::lock_range(fd, mode, range.first, range.last).has_value();
    if (can) unlock(fd, range);
    return can;
  }
  static void lock(int fd, LockRange range) {
    (void)sys::lock_range(fd, sys::LockMode::kExclusive, range.first, range.last);
  }
  static void unlock(int fd, LockRange range = {}) {
    (void)sys::lock_range(fd, sys::LockMode::kUnlock, range.first, range.last);
  }

  // Called in the file's turn. Set before the first request.
  std::function<void(std::uint64_t reply_to)> on_answer;

  std::span<std::byte> memory() { return memory_; }
  NodeId node = 0;
  HandleId reads = 0;
  HandleId writes = 0;

 private:
  std::unique_ptr<Mount> make_view() {
    UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto store = std::move(*LocalStore::open(std::move(directory), StoredUid{0}, StoredGid{0}));
    MountParts parts;
    parts.state = std::make_shared<StateMemory>(std::move(*make_state()));
    parts.identity = std::make_unique<Identity>(UserNamespaceMap{},
                                                StoreMap::only_root(StoredUid{0}, StoredGid{0}));
    parts.owners = make_map_ownership(*store, *parts.identity);
    parts.store = std::move(store);
    parts.passthrough = std::make_unique<Passthrough>(-1, StoredUid{0});
    return std::move(*make_mount(std::move(parts)));
  }

  std::size_t most_owners_;
  std::span<std::byte> memory_;
  std::string path_;
  std::unique_ptr<Mount> mount_;
  std::unique_ptr<JournalSlot> slot_;
  std::unique_ptr<FileLocks> locks_;
  std::uint64_t unique_ = 0;
  std::uint64_t intents_ = 0;
  std::mutex mutex_;
  std::map<std::uint64_t, int> answers_;  // guarded by mutex_
  std::condition_variable answered_;
};

}  // namespace cvfs
