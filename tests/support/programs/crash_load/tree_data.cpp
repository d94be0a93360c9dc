// What files contain.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "tree.h"

void Tree::unlinked_file() {
  operation = "an unlinked open file";
  const std::string name = fresh();
  Fd file = open_file(path(name), O_CREAT | O_EXCL | O_RDWR, 0600);
  must(::unlink(path(name).c_str()), path(name), "unlink");
  std::string data;
  for (unsigned i = 0; i < 3; ++i) {
    const std::string more = bytes(1 + pick(3000));
    write_all(file.get(), more, static_cast<off_t>(data.size()), path(name));
    data += more;
    expect_data(read_some(file.get(), kMaxFile, 0, path(name)), data, path(name));
    struct stat status {};
    must(::fstat(file.get(), &status), path(name), "fstat");
    expect(status.st_nlink == 0, path(name), "has a link");
    expect(status.st_size == static_cast<off_t>(data.size()), path(name), "is of another size");
  }
  must(::ftruncate(file.get(), 1), path(name), "ftruncate");
  expect_data(read_some(file.get(), kMaxFile, 0, path(name)), data.substr(0, 1), path(name));
  file.close(path(name));
}

void Tree::append() {
  operation = "append";
  const auto file = some(Type::kFile);
  if (file == entries_.end() || file->second->data.size() > kMaxFile) return;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_WRONLY | O_APPEND);
  for (unsigned i = 0, count = 1 + pick(4); i < count; ++i) {
    const std::string more = bytes(1 + pick(2000));
    const ssize_t put = must(::write(open.get(), more.data(), more.size()), where, "write");
    expect(put == static_cast<ssize_t>(more.size()), where, "a short write");
    file->second->data += more;
  }
  open.close(where);
  check_status(file->first, *file->second);
  check_data(file->first, *file->second);
}

void Tree::overwrite() {
  operation = "pwrite";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR);
  const std::size_t at = pick(static_cast<unsigned>(data.size()) + 5000);
  const std::string more = bytes(1 + pick(8000));
  write_all(open.get(), more, static_cast<off_t>(at), where);
  if (data.size() < at + more.size()) data.resize(at + more.size(), '\0');
  data.replace(at, more.size(), more);
  expect_data(read_some(open.get(), more.size(), static_cast<off_t>(at), where), more, where);
  open.close(where);
  check_data(file->first, *file->second);
}

void Tree::change_size() {
  operation = "truncate";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string where = path(file->first);
  const std::size_t size = pick(static_cast<unsigned>(file->second->data.size()) + 3000);
  if (pick(2) == 0) {
    must(::truncate(where.c_str(), static_cast<off_t>(size)), where, "truncate");
  } else {
    Fd open = open_file(where, O_WRONLY);
    must(::ftruncate(open.get(), static_cast<off_t>(size)), where, "ftruncate");
    open.close(where);
  }
  file->second->data.resize(size, '\0');
  check_status(file->first, *file->second);
  check_data(file->first, *file->second);
}

void Tree::allocate() {
  operation = "fallocate";
  const auto file = some_file_of(100);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  const Fd open = open_file(where, O_RDWR);
  const auto allocate = [&](int mode, std::size_t from, std::size_t size, const char* call) {
    must(::fallocate(open.get(), mode, static_cast<off_t>(from), static_cast<off_t>(size)), where,
         call);
  };
  allocate(FALLOC_FL_KEEP_SIZE, 0, data.size() + 70000, "fallocate KEEP_SIZE");
  check_status(file->first, *file->second);
  const std::size_t from = pick(static_cast<unsigned>(data.size()));
  const std::size_t size = 1 + pick(static_cast<unsigned>(data.size() - from));
  if (pick(2) == 0) {
    allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, size, "fallocate PUNCH_HOLE");
  } else {
    allocate(FALLOC_FL_ZERO_RANGE, from, size, "fallocate ZERO_RANGE");
  }
  data.replace(from, size, std::string(size, '\0'));
  if (data.size() < kMaxFile) {
    const std::size_t more = 1 + pick(3000);
    allocate(0, data.size(), more, "fallocate");
    data.resize(data.size() + more, '\0');
  }
  check_status(file->first, *file->second);
  check_data(file->first, *file->second);
}

// From one file into another; the kernel may copy less than asked, but not nothing.
void Tree::copy_range() {
  operation = "copy_file_range";
  const auto from = some_file_of(100);
  const auto to = some(Type::kFile);
  if (from == entries_.end() || from->second == to->second) return;
  std::string& data = to->second->data;
  if (data.size() > kMaxFile) return;
  const std::size_t begin = pick(static_cast<unsigned>(from->second->data.size()));
  const std::string copy = from->second->data.substr(begin, 1 + pick(20000));
  const std::size_t at = pick(static_cast<unsigned>(data.size()) + 1000);

  const Fd in = open_file(path(from->first), O_RDONLY);
  const std::string where = path(to->first);
  const Fd out = open_file(where, O_RDWR);
  auto read_at = static_cast<off_t>(begin);
  auto write_at = static_cast<off_t>(at);
  for (std::size_t left = copy.size(); left > 0;) {
    const ssize_t copied = must(
        ::copy_file_range(in.get(), &read_at, out.get(), &write_at, left, 0), where, "the call");
    expect(copied > 0, where, "copies nothing");
    left -= static_cast<std::size_t>(copied);
  }
  if (data.size() < at + copy.size()) data.resize(at + copy.size(), '\0');
  data.replace(at, copy.size(), copy);
  check_status(to->first, *to->second);
  check_data(to->first, *to->second);
}

void Tree::map_shared() {
  operation = "mmap";
  const auto file = some_file_of(100);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR);
  void* const memory =
      ::mmap(nullptr, data.size(), PROT_READ | PROT_WRITE, MAP_SHARED, open.get(), 0);
  expect(memory != MAP_FAILED, where, std::string("mmap: ") + std::strerror(errno));
  const std::unique_ptr<void, std::function<void(void*)>> mapping(
      memory, [size = data.size()](void* mapped) { ::munmap(mapped, size); });
  expect_data(std::string(static_cast<char*>(memory), data.size()), data, where);
  const std::string more = bytes(50);
  const std::size_t at = pick(static_cast<unsigned>(data.size() - more.size()));
  std::memcpy(static_cast<char*>(memory) + at, more.data(), more.size());
  data.replace(at, more.size(), more);
  must(::msync(memory, data.size(), MS_SYNC), where, "msync");
  expect_data(read_some(open.get(), data.size() + 1, 0, where), data, where);
  open.close(where);
}

void Tree::direct() {
  operation = "O_DIRECT";
  const auto file = some_file_of(1);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR | O_DIRECT);
  const std::unique_ptr<char, decltype(&std::free)> block(
      static_cast<char*>(std::aligned_alloc(kBlock, kBlock)), std::free);
  const std::string more = bytes(kBlock);
  const std::size_t at = pick(4) * kBlock;
  std::memcpy(block.get(), more.data(), kBlock);
  const ssize_t put =
      must(::pwrite(open.get(), block.get(), kBlock, static_cast<off_t>(at)), where, "pwrite");
  expect(put == static_cast<ssize_t>(kBlock), where, "a short direct write");
  std::memset(block.get(), 0, kBlock);
  const ssize_t got =
      must(::pread(open.get(), block.get(), kBlock, static_cast<off_t>(at)), where, "pread");
  expect_data(std::string(block.get(), static_cast<std::size_t>(got)), more, where);
  if (data.size() < at + kBlock) data.resize(at + kBlock, '\0');
  data.replace(at, kBlock, more);
  open.close(where);
  check_data(file->first, *file->second);
}

void Tree::synchronise() {
  operation = "fsync";
  const auto file = some(Type::kFile);
  if (file == entries_.end() || pick(8) != 0) return;
  Fd open = open_file(path(file->first), O_WRONLY);
  must(::fsync(open.get()), path(file->first), "fsync");
  open.close(path(file->first));
}

// Nobody has it open for writing any more: ETXTBSY would be a lie.
void Tree::execute() {
  operation = "execve";
  if (pick(4) != 0) return;
  const std::string name = fresh();
  const std::string script = "#!/bin/sh\nexit 7\n";
  Fd file = open_file(path(name), O_CREAT | O_EXCL | O_WRONLY, 0755);
  write_all(file.get(), script, 0, path(name));
  file.close(path(name));
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);  // what the shell says of a lost view
    ::execl(path(name).c_str(), name.c_str(), nullptr);
    ::_exit(errno);
  }
  int status = 0;
  must(::waitpid(child, &status, 0), path(name), "waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) != 7) {
    // Of execve(2); or 2, of the shell that cannot read a view that is lost. Not stat(2), which the
    // kernel may answer from what it remembers.
    (void)open_file(path(name), O_RDONLY);
    throw_failure(path(name), "execve", WEXITSTATUS(status));
  }
  expect(WIFEXITED(status), path(name), "was killed");
  must(::unlink(path(name).c_str()), path(name), "unlink");
}
