// Every operation of a view with a store whose call number 1, 2, 3 … fails, until none is left: the
// error comes out, nothing leaks, and everything is as it was before. Where only the answer could
// not be told after a change of attributes or data, the change has been made in full instead.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "faulty_store.h"
#include "sys/credentials.h"
#include "sys/process.h"
#include "vfs/claim.h"
#include "vfs/kept_file.h"
#include "vfs/mount.h"
#include "vfs/op_attr.h"
#include "vfs/op_create.h"
#include "vfs/op_io.h"
#include "vfs/op_lookup.h"
#include "vfs/op_open.h"
#include "vfs/op_remove.h"
#include "vfs/op_xattr.h"
#include "vfs/state_sections.h"

namespace cvfs {
namespace {

constexpr Caller kCaller{HostUid{1000}, HostGid{1000}, 0, 022};
constexpr Caller kContainerRoot{HostUid{0}, HostGid{0}, 0, 022};
constexpr StoredUid kTenantUid{1500};
constexpr StoredGid kTenantGid{1500};

template <class T>
Result<void> only_error(const Result<T>& result) {
  if (!result) return fail(result.error());
  return {};
}

// A view of a directory of its own, without a kernel.
class View {
 public:
  explicit View(bool is_virtual) {
    char name[] = "/var/tmp/cvfs-fault-XXXXXX";
    path_ = ::mkdtemp(name);
    EXPECT_EQ(::chown(path_.c_str(), kTenantUid.value, kTenantGid.value), 0);
    UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::uint64_t mount_id = sys::status_of(directory.get())->mount_id;
    auto store =
        std::make_unique<FaultyStore>(std::move(directory), mount_id, kTenantUid, kTenantGid);
    store_ = store.get();
    MountParts parts;
    parts.state = std::make_shared<StateMemory>(std::move(*make_state()));
    parts.store = std::move(store);
    const SubordinateIds ranges{{{200000, 65536}}, {{200000, 65536}}};
    parts.identity = std::make_unique<Identity>(
        UserNamespaceMap{}, is_virtual
                                ? StoreMap::only_root(kTenantUid, kTenantGid)
                                : StoreMap::make(kTenantUid, kTenantGid, ranges, "test").value());
    parts.owners = is_virtual ? make_virtual_ownership(*store_, *parts.identity)
                              : make_map_ownership(*store_, *parts.identity);
    parts.passthrough = std::make_unique<Passthrough>(-1, kTenantUid);
    mount_ = std::move(*make_mount(std::move(parts)));
    slot_ = std::make_unique<JournalSlot>(*mount_->journal);
  }
  ~View() { std::filesystem::remove_all(path_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  Mount& mount() { return *mount_; }
  FaultyStore& store() { return *store_; }
  const std::string& path() const { return path_; }

  Intent begin() { return slot_->begin(++unique_, 1, 1, false); }

  // Looked up for good, as the kernel does.
  NodeId node(NodeId parent, const char* name) {
    Intent intent = begin();
    Entry entry = std::move(*op_lookup(*mount_, intent, parent, name));
    entry.lookup.commit();
    return entry.lookup.node();
  }
  HandleId handle(NodeId node, int flags) {
    Intent intent = begin();
    OpenedFile opened = std::move(*op_open(*mount_, intent, kCaller, node, flags, false));
    opened.handle.commit();
    return opened.handle.id();
  }

  // All that is there, as it is shown; and, under owner=virtual, whether it has its label.
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      found[entry.path().lexically_relative(path_)] = shown(entry.path());
    }
    return found;
  }

 private:
  std::string shown(const std::filesystem::path& path) {
    const File file(UniqueFd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)));
    const auto status = store_->status(file);
    const auto attributes = mount_->owners->shown(file, *status);
    char text[200];
    std::snprintf(text, sizeof text, "%o %u:%u %llu bytes, %u links", attributes->status.mode,
                  attributes->uid.value, attributes->gid.value,
                  static_cast<unsigned long long>(status->is_directory() ? 0 : status->size),
                  status->link_count);
    std::string whole = text;
    for (const char* name : {"user.one", "user.containers.override_stat",
                             "trusted.cvfs.override_stat", "trusted.cvfs.unclaimed"}) {
      char value[100];
      const ssize_t size = ::lgetxattr(path.c_str(), name, value, sizeof value);
      if (size >= 0)
        whole += std::string(" ") + name + "=" + std::string(value, static_cast<std::size_t>(size));
    }
    return whole;
  }

  std::string path_;
  FaultyStore* store_ = nullptr;
  std::unique_ptr<Mount> mount_;
  std::unique_ptr<JournalSlot> slot_;
  std::uint64_t unique_ = 0;
};

// What an operation finds: in the directory `d` the file `f` of five bytes, `dir`, `link`, and `g`.
struct Scene {
  explicit Scene(bool is_virtual) : view(is_virtual) {
    make(op_mkdir(view.mount(), (intent = view.begin()), kCaller, kRootNode, "d", 0777));
    directory = view.node(kRootNode, "d");
    for (const char* name : {"f", "g"}) {
      make(op_create(view.mount(), (intent = view.begin()), kCaller, directory, name,
                     O_RDWR | O_EXCL, 0666));
    }
    make(op_mkdir(view.mount(), (intent = view.begin()), kCaller, directory, "dir", 0777));
    make(op_symlink(view.mount(), (intent = view.begin()), kCaller, directory, "link", "f"));
    file = view.node(directory, "f");
    other = view.node(directory, "g");
    link = view.node(directory, "link");
    file_handle = view.handle(file, O_RDWR);
    other_handle = view.handle(other, O_RDWR);
    Intent opening = view.begin();
    OpenedFile opened = std::move(*op_opendir(view.mount(), opening, directory, O_RDONLY));
    opened.handle.commit();
    directory_handle = opened.handle.id();
    make(op_mkdir(view.mount(), (intent = view.begin()), kContainerRoot, kRootNode, "fresh", 0755));
    fresh = view.node(kRootNode, "fresh");
    mark_unclaimed(view.mount(), fresh, **view.mount().pin(fresh));
    const std::byte text[5] = {};
    make(op_write(view.mount(), (intent = view.begin()), kCaller, file_handle, text, 0, false,
                  true));
    make(op_setxattr(view.mount(), (intent = view.begin()), kCaller, file, "user.one", text, 0,
                     false));
  }

  template <class T>
  void make(T result) {
    ASSERT_TRUE(result);
  }

  Mount& mount() { return view.mount(); }

  View view;
  Intent intent;
  NodeId directory = 0;
  NodeId fresh = 0;  // an unclaimed volume
  NodeId file = 0;
  NodeId other = 0;
  NodeId link = 0;
  HandleId file_handle = 0;
  HandleId other_handle = 0;
  HandleId directory_handle = 0;
};

struct Operation {
  const char* name;
  std::function<Result<void>(Scene&, Intent&)> run;
  bool may_be_done = false;  // although it failed: to do it again does no harm
};

AttributeChange change_of(const std::function<void(AttributeChange&)>& set) {
  AttributeChange change;
  set(change);
  return change;
}

Result<void> change(Scene& s, Intent& i, HandleId handle,
                    const std::function<void(AttributeChange&)>& set) {
  return only_error(op_setattr(s.mount(), i, kCaller, s.file, change_of(set), handle));
}

std::vector<Operation> making_operations() {
  return {
      {"create",
       [](Scene& s, Intent& i) {
         return only_error(
             op_create(s.mount(), i, kCaller, s.directory, "new", O_RDWR | O_EXCL, 0644));
       }},
      {"create of what exists",
       [](Scene& s, Intent& i) {
         return only_error(op_create(s.mount(), i, kCaller, s.directory, "f", O_RDWR, 0644));
       }},
      {"tmpfile",
       [](Scene& s, Intent& i) {
         return only_error(op_tmpfile(s.mount(), i, kCaller, s.directory, O_RDWR, 0644));
       }},
      {"mkdir",
       [](Scene& s, Intent& i) {
         return only_error(op_mkdir(s.mount(), i, kCaller, s.directory, "new", 0755));
       }},
      {"mknod",
       [](Scene& s, Intent& i) {
         return only_error(op_mknod(s.mount(), i, kCaller, s.directory, "new", S_IFIFO | 0644, 0));
       }},
      {"symlink",
       [](Scene& s, Intent& i) {
         return only_error(op_symlink(s.mount(), i, kCaller, s.directory, "new", "target"));
       }},
      {"link",
       [](Scene& s, Intent& i) {
         return only_error(op_link(s.mount(), i, kCaller, s.file, s.directory, "new"));
       }},
      {"unlink",
       [](Scene& s, Intent& i) { return op_unlink(s.mount(), i, kCaller, s.directory, "g"); }},
      {"rmdir",
       [](Scene& s, Intent& i) { return op_rmdir(s.mount(), i, kCaller, s.directory, "dir"); }},
      {"rename",
       [](Scene& s, Intent& i) {
         return op_rename(s.mount(), i, kCaller, s.directory, "f", s.directory, "g", 0);
       }},
      {"exchange",
       [](Scene& s, Intent& i) {
         return op_rename(s.mount(), i, kCaller, s.directory, "f", s.directory, "dir",
                          RENAME_EXCHANGE);
       }},
      {"whiteout",
       [](Scene& s, Intent& i) {
         return op_rename(s.mount(), i, kCaller, s.directory, "f", s.directory, "new",
                          RENAME_WHITEOUT);
       }},
  };
}

std::vector<Operation> claiming_operations() {
  return {
      {"create in a fresh volume",
       [](Scene& s, Intent& i) {
         return only_error(op_create(s.mount(), i, kCaller, s.fresh, "new", O_RDWR, 0644));
       }},
      {"mkdir in a fresh volume",
       [](Scene& s, Intent& i) {
         return only_error(op_mkdir(s.mount(), i, kCaller, s.fresh, "new", 0755));
       }},
      {"mknod in a fresh volume",
       [](Scene& s, Intent& i) {
         return only_error(op_mknod(s.mount(), i, kCaller, s.fresh, "new", S_IFIFO | 0644, 0));
       }},
      {"symlink in a fresh volume",
       [](Scene& s, Intent& i) {
         return only_error(op_symlink(s.mount(), i, kCaller, s.fresh, "new", "target"));
       }},
      {"link into a fresh volume",
       [](Scene& s, Intent& i) {
         return only_error(op_link(s.mount(), i, kCaller, s.file, s.fresh, "new"));
       }},
      {"rename into a fresh volume",
       [](Scene& s, Intent& i) {
         return op_rename(s.mount(), i, kCaller, s.directory, "f", s.fresh, "new", 0);
       }},
  };
}

std::vector<Operation> attribute_operations() {
  return {
      {"lookup",
       [](Scene& s, Intent& i) { return only_error(op_lookup(s.mount(), i, s.directory, "dir")); }},
      {"getattr", [](Scene& s, Intent&) { return only_error(op_getattr(s.mount(), s.directory)); }},
      {"readlink", [](Scene& s, Intent&) { return only_error(op_readlink(s.mount(), s.link)); }},
      {"statfs", [](Scene& s, Intent&) { return only_error(op_statfs(s.mount(), s.directory)); }},
      {"chmod",
       [](Scene& s, Intent& i) { return change(s, i, 0, [](auto& c) { c.mode = 0600; }); }},
      {"chown",
       [](Scene& s, Intent& i) { return change(s, i, 0, [](auto& c) { c.gid = HostGid{1001}; }); }},
      {"truncate",
       [](Scene& s, Intent& i) { return change(s, i, 0, [](auto& c) { c.size = 1; }); }},
      {"ftruncate",
       [](Scene& s, Intent& i) {
         return change(s, i, s.file_handle, [](auto& c) { c.size = 1; });
       }},
      {"utimens",
       [](Scene& s, Intent& i) {
         return change(s, i, 0, [](auto& c) { c.times = TimeChange{{1, 2}, {3, 4}}; });
       }},
      {"getxattr",
       [](Scene& s, Intent&) { return only_error(op_getxattr(s.mount(), s.file, "user.one")); }},
      {"setxattr",
       [](Scene& s, Intent& i) {
         return op_setxattr(s.mount(), i, kCaller, s.other, "user.one", {}, 0, false);
       }},
      {"setxattr CREATE",
       [](Scene& s, Intent& i) {
         return op_setxattr(s.mount(), i, kCaller, s.other, "user.one", {}, XATTR_CREATE, false);
       }},
      {"removexattr",
       [](Scene& s, Intent& i) { return op_removexattr(s.mount(), i, s.file, "user.one"); }},
      {"listxattr",
       [](Scene& s, Intent&) { return only_error(op_listxattr(s.mount(), kCaller, s.file)); }},
  };
}

std::vector<Operation> data_operations() {
  return {
      {"open",
       [](Scene& s, Intent& i) {
         return only_error(op_open(s.mount(), i, kCaller, s.other, O_RDWR, false));
       }},
      {"open O_TRUNC",
       [](Scene& s, Intent& i) {
         return only_error(op_open(s.mount(), i, kCaller, s.file, O_RDWR | O_TRUNC, false));
       }},
      {"opendir",
       [](Scene& s, Intent& i) {
         return only_error(op_opendir(s.mount(), i, s.directory, O_RDONLY));
       }},
      {"read",
       [](Scene& s, Intent&) {
         std::byte data[10];
         return only_error(op_read(s.mount(), s.file_handle, data, 0));
       }},
      {"write",
       [](Scene& s, Intent& i) {
         const std::byte data[10] = {};
         return only_error(op_write(s.mount(), i, kCaller, s.file_handle, data, 0, false, false));
       }},
      {"append",
       [](Scene& s, Intent& i) {
         const std::byte data[10] = {};
         return only_error(op_write(s.mount(), i, kCaller, s.file_handle, data, 0, true, false));
       }},
      {"fsync", [](Scene& s, Intent&) { return op_fsync(s.mount(), s.file_handle, false); }},
      {"fallocate",
       [](Scene& s, Intent&) {
         return op_fallocate(s.mount(), kCaller, s.file_handle, 0, 0, 9000);
       }},
      {"lseek",
       [](Scene& s, Intent&) {
         return only_error(op_lseek(s.mount(), s.file_handle, 0, SEEK_DATA));
       }},
      {"copy_file_range",
       [](Scene& s, Intent&) {
         return only_error(
             op_copy_file_range(s.mount(), kCaller, s.file_handle, 0, s.other_handle, 0, 5));
       }},
      {"readdir",
       [](Scene& s, Intent&) {
         return op_readdir(s.mount(), s.directory_handle, 0, 4096,
                           [](const DirectoryEntry&) { return true; });
       }},
  };
}

// What must not grow by an operation that failed.
struct Held {
  explicit Held(Scene& s)
      : inodes(s.mount().inodes.live()),
        handles(s.mount().handles.open()),
        descriptors(sys::open_descriptors()->size()) {}
  std::uint64_t inodes;
  std::uint64_t handles;
  std::size_t descriptors;
};

// The same operation where nothing fails: what it comes to.
std::map<std::string, std::string> outcome_of(const Operation& operation, bool is_virtual) {
  Scene scene(is_virtual);
  Intent intent = scene.view.begin();
  const auto done = operation.run(scene, intent);
  EXPECT_TRUE(done) << operation.name << ": errno " << (done ? 0 : done.error().value);
  return scene.view.contents();
}

// True: there was a call `number` to fail.
bool fails_well(const Operation& operation, bool is_virtual, int number, int error) {
  using Contents = std::map<std::string, std::string>;
  SCOPED_TRACE(std::string(operation.name) + ", call " + std::to_string(number) + " fails with " +
               strerrorname_np(error));
  Scene scene(is_virtual);
  const auto before = scene.view.contents();
  const Held held(scene);
  scene.mount().files->drop(scene.link);  // as if its reference had made room for others
  Intent intent = scene.view.begin();
  scene.view.store().fail_call(number, error);
  const Result<void> done = operation.run(scene, intent);
  scene.view.store().work();
  if (!scene.view.store().has_failed()) return false;
  const Held after(scene);
  EXPECT_EQ(after.inodes, held.inodes);
  EXPECT_EQ(after.handles, held.handles);
  EXPECT_LE(after.descriptors, held.descriptors);
  const Contents found = scene.view.contents();
  if (done) {
    // A whiteout that could not get its label says what it says all the same.
    if (std::string_view(operation.name) == "whiteout") return true;
    Contents wanted = outcome_of(operation, is_virtual);
    // A volume that could not be given to who made something in it is the next one's.
    if (wanted.contains("fresh/new")) wanted["fresh"] = found.at("fresh");
    EXPECT_EQ(found, wanted) << "it said success";
    return true;
  }
  EXPECT_EQ(done.error().value, error);
  if (operation.may_be_done && found == outcome_of(operation, is_virtual)) return true;
  EXPECT_EQ(found, before);
  return true;
}

std::vector<Operation> repeatable(std::vector<Operation> operations) {
  for (Operation& operation : operations) operation.may_be_done = true;
  return operations;
}

void test_all(const std::vector<Operation>& operations, bool is_virtual) {
  for (const Operation& operation : operations) {
    outcome_of(operation, is_virtual);
    for (const int error : {ENOSPC, EIO, EDQUOT, EMFILE, ENOMEM}) {
      for (int number = 1; fails_well(operation, is_virtual, number, error); ++number) {
      }
    }
  }
}

class Faults : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  // A serving thread gives up capabilities for good.
  static void run(const std::vector<Operation>& operations) {
    std::thread([&] {
      sys::prepare_serving_thread();
      test_all(operations, GetParam());
    }).join();
  }
};

TEST_P(Faults, OfMakingAndRemovingNamesLeaveNothing) {
  run(making_operations());
}

TEST_P(Faults, OfClaimsClaimNothing) {
  run(claiming_operations());
}

TEST_P(Faults, OfAttributesLeaveNothing) {
  run(repeatable(attribute_operations()));
}

TEST_P(Faults, OfDataLeaveNothing) {
  run(repeatable(data_operations()));
}

// A process dies between keeping what it is about to remove and removing it, or right after.
bool is_kept_after_death(const char* name, bool is_removed) {
  Scene scene(false);
  Mount& mount = scene.mount();
  const NodeId node = scene.view.node(scene.directory, name);
  const PinnedFile directory = std::move(*mount.pin(scene.directory));
  const FileId id = *mount.store->id_at(*directory, name);
  Intent intent = scene.view.begin();
  alignas(KeptFile) std::byte place[sizeof(KeptFile)];
  new (place) KeptFile(mount, intent, scene.directory, id);  // runs no destructor
  EXPECT_TRUE(!is_removed || mount.store->unlink(*directory, name));
  take_back(mount, intent);
  const std::size_t kept = mount.files->kept_for_good() - 1;  // but for the root
  const bool is_kept = (*mount.inodes.find(node))->held_until_forget;
  EXPECT_EQ(kept, is_kept ? 1U : 0U);
  return is_kept;
}

TEST_P(Faults, WhatADeadProcessKeptStaysOnlyIfItLostItsName) {
  std::thread([] {
    sys::prepare_serving_thread();
    EXPECT_FALSE(is_kept_after_death("f", false));
    EXPECT_TRUE(is_kept_after_death("f", true));
  }).join();
}

INSTANTIATE_TEST_SUITE_P(Owner, Faults, testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "virtual" : "map"; });

}  // namespace
}  // namespace cvfs
