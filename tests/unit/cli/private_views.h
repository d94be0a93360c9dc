// PrivateViews: a machine of the test's own as far as `cvfs` looks: a mount namespace with an empty
// /run, real mounts of type fuse.cvfs that no process serves (to touch one is to hang), and real
// control sockets with answers of the test's choice. Root only. One thread.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "control/control_server.h"
#include "control/running_views.h"
#include "sys/fuse_device.h"

namespace cvfs {

// Answers at a view's socket until it is destroyed.
class ServedSocket {
 public:
  ServedSocket(std::uint32_t id, ControlServer::Handler handler)
      : server_(ControlServer::listen(control_socket_of(id)).value()),
        handler_(std::move(handler)) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) throw std::runtime_error("pipe2");
    stop_reader_.reset(ends[0]);
    stop_writer_.reset(ends[1]);
    loop_ = std::thread([this] { run(); });
  }
  ~ServedSocket() {
    stop_writer_.reset();
    loop_.join();
    server_.remove();
  }
  ServedSocket(const ServedSocket&) = delete;
  ServedSocket& operator=(const ServedSocket&) = delete;

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> polled = {{stop_reader_.get(), POLLIN, 0}};
      server_.add_to(polled);
      ::poll(polled.data(), polled.size(), server_.timeout_ms());
      if (polled.front().revents != 0) return;
      server_.serve(polled, handler_);
    }
  }

  ControlServer server_;
  ControlServer::Handler handler_;
  UniqueFd stop_reader_;
  UniqueFd stop_writer_;
  std::thread loop_;
};

class PrivateViews : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "no /dev/fuse here";
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(::mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"), 0);
  }

  void TearDown() override {
    sockets_.clear();
    devices_.clear();
    for (const std::string& target : mounted_) ::umount2(target.c_str(), MNT_DETACH);
    ::umount2("/run", MNT_DETACH);
  }

  // Returns the view's number.
  std::uint32_t mount(const std::string& source, const std::string& target) {
    std::filesystem::create_directories(target);
    devices_.push_back(sys::open_fuse_device().value());
    EXPECT_TRUE(sys::mount_fuse(devices_.back().get(), source, target, MS_NOSUID | MS_NODEV, true));
    mounted_.push_front(target);
    const std::vector<RunningView> views = find_running_views().value();
    for (const RunningView& view : views) {
      if (view.is_mounted() && view.targets.front() == target) return view.id;
    }
    ADD_FAILURE() << target << " is not among the views";
    return 0;
  }

  void serve(std::uint32_t id, ControlServer::Handler handler) {
    sockets_.push_back(std::make_unique<ServedSocket>(id, std::move(handler)));
  }

  void answer(std::uint32_t id, const std::string& line) {
    serve(id, [line](const ControlCommand&, int) { return std::optional(line); });
  }

 private:
  std::list<UniqueFd> devices_;
  std::list<std::string> mounted_;
  std::list<std::unique_ptr<ServedSocket>> sockets_;
};

}  // namespace cvfs
