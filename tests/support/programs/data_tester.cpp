// data_tester VIEW BACKING OPERATIONS SEED [shared|own]: changes one file in every way that data
// can be changed and compares it with what is in memory. VIEW and BACKING are two paths of the same
// file: through a view, and on what backs it (also the same path twice: then it is no test of a
// view).
//
//   shared   both are read and written in turn: under passthrough they have one page cache
//   own      only VIEW is written, BACKING read: without passthrough the view has a cache of its
//   own
//
// Prints what was wrong, and the operations before that; ends with 0, 1, or 2 for a wrong call.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr long kMostBytes = 512 * 1024;
constexpr long kBlock = 4096;
constexpr std::size_t kRemembered = 30;

std::deque<std::string> history;
std::mt19937_64 engine;

long below(long count) {
  return static_cast<long>(engine() % static_cast<unsigned long>(count));
}

void remember(const char* what, const char* where, long offset, long length) {
  char line[128];
  std::snprintf(line, sizeof line, "%s on the %s: %ld + %ld", what, where, offset, length);
  history.emplace_back(line);
  if (history.size() > kRemembered) history.pop_front();
}

[[noreturn]] void complain(const std::string& what) {
  std::printf("FAIL %s\nthe operations before, the last one last:\n", what.c_str());
  for (const std::string& line : history) std::printf("  %s\n", line.c_str());
  std::exit(1);
}

template <class Number>
Number must(Number result, const char* call) {
  if (result < 0) complain(std::string(call) + ": " + strerrorname_np(errno));
  return result;
}

// One way to the file, with a descriptor for each kind of I/O.
struct Way {
  const char* name;
  std::string path;
  int plain = -1;
  int direct = -1;
  int appending = -1;

  void reopen() {
    for (int* fd : {&plain, &direct, &appending}) {
      if (*fd >= 0) close(*fd);
    }
    plain = must(open(path.c_str(), O_RDWR), "open");
    direct = must(open(path.c_str(), O_RDWR | O_DIRECT), "open O_DIRECT");
    appending = must(open(path.c_str(), O_WRONLY | O_APPEND), "open O_APPEND");
  }
};

class Tester {
 public:
  Tester(Way view, Way backing, bool is_shared)
      : view_(std::move(view)), backing_(std::move(backing)), is_shared_(is_shared) {
    view_.reopen();
    backing_.reopen();
    must(ftruncate(view_.plain, 0), "ftruncate");
    buffer_ = static_cast<char*>(std::aligned_alloc(kBlock, kMostBytes));
  }
  ~Tester() { std::free(buffer_); }
  Tester(const Tester&) = delete;
  Tester& operator=(const Tester&) = delete;

  void step();
  // All of it, by both ways.
  void check_all();

 private:
  Way& writer() { return is_shared_ && below(2) == 0 ? backing_ : view_; }
  Way& reader() { return below(2) == 0 ? backing_ : view_; }
  long size() const { return static_cast<long>(model_.size()); }

  // A range of which at least the first byte is in the file.
  bool choose_inside(long& offset, long& length) const;
  static void choose_any(long& offset, long& length);

  void fill(long length);
  void put(long offset, long length);
  void zero(long offset, long length);
  void compare(const char* found, long offset, long length, const Way& way) const;
  void compare_sizes();

  void read_plain();
  void read_direct();
  void read_mapped();
  void write_plain();
  void write_direct();
  void write_appending();
  void write_mapped();
  void truncate();
  void allocate();
  void punch();
  void zero_range();
  void copy();
  void sync_or_reopen();

  Way view_;
  Way backing_;
  bool is_shared_;
  std::vector<char> model_;
  char* buffer_;
};

bool Tester::choose_inside(long& offset, long& length) const {
  if (model_.empty()) return false;
  offset = below(size());
  length = std::min(1 + below(30'000), size() - offset);
  return true;
}

void Tester::choose_any(long& offset, long& length) {
  offset = below(kMostBytes - 40'000);
  length = 1 + (below(2) == 0 ? below(30'000) : below(300));
}

void Tester::fill(long length) {
  for (long i = 0; i < length; ++i) buffer_[i] = static_cast<char>('a' + below(26));
}

// What is in the buffer, also in the model.
void Tester::put(long offset, long length) {
  if (offset + length > size()) model_.resize(static_cast<std::size_t>(offset + length));
  std::copy_n(buffer_, length, model_.begin() + offset);
}

// As far as there is a file.
void Tester::zero(long offset, long length) {
  const long end = std::min(offset + length, size());
  if (offset < end) std::fill(model_.begin() + offset, model_.begin() + end, '\0');
}

void Tester::compare(const char* found, long offset, long length, const Way& way) const {
  for (long i = 0; i < length; ++i) {
    const char wanted = model_[static_cast<std::size_t>(offset + i)];
    if (found[i] == wanted) continue;
    complain("the " + std::string(way.name) + " has " + std::to_string(found[i]) + " instead of " +
             std::to_string(wanted) + " at " + std::to_string(offset + i) + " of " +
             std::to_string(size()));
  }
}

void Tester::compare_sizes() {
  for (const Way* way : {&view_, &backing_}) {
    struct stat status {};
    must(fstat(way->plain, &status), "fstat");
    if (status.st_size == size()) continue;
    complain("the " + std::string(way->name) + " is " + std::to_string(status.st_size) +
             " long instead of " + std::to_string(size()));
  }
}

void Tester::read_plain() {
  long offset = 0;
  long length = 0;
  choose_any(offset, length);
  const Way& way = reader();
  remember("pread", way.name, offset, length);
  const long got =
      must(pread(way.plain, buffer_, static_cast<std::size_t>(length), offset), "pread");
  const long wanted = std::clamp(size() - offset, 0L, length);
  if (got != wanted) complain("pread gives " + std::to_string(got) + " bytes");
  compare(buffer_, offset, got, way);
}

void Tester::read_direct() {
  const long offset = below(kMostBytes / kBlock - 8) * kBlock;
  const long length = (1 + below(8)) * kBlock;
  const Way& way = reader();
  remember("direct read", way.name, offset, length);
  const long got =
      must(pread(way.direct, buffer_, static_cast<std::size_t>(length), offset), "direct read");
  const long wanted = std::clamp(size() - offset, 0L, length);
  if (got != wanted) complain("a direct read gives " + std::to_string(got) + " bytes");
  compare(buffer_, offset, got, way);
}

// A mapping of the whole pages that the range lies in.
class Mapping {
 public:
  Mapping(int fd, long offset, long length, int protection)
      : start_(offset / kBlock * kBlock),
        length_(static_cast<std::size_t>(offset + length - start_)),
        memory_(mmap(nullptr, length_, protection, MAP_SHARED, fd, start_)) {
    if (memory_ == MAP_FAILED) must(-1, "mmap");
  }
  ~Mapping() { munmap(memory_, length_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  char* at(long offset) const { return static_cast<char*>(memory_) + (offset - start_); }
  void sync() const { must(msync(memory_, length_, MS_SYNC), "msync"); }

 private:
  long start_;
  std::size_t length_;
  void* memory_;
};

void Tester::read_mapped() {
  long offset = 0;
  long length = 0;
  if (!choose_inside(offset, length)) return;
  const Way& way = reader();
  remember("mmap read", way.name, offset, length);
  const Mapping mapping(way.plain, offset, length, PROT_READ);
  compare(mapping.at(offset), offset, length, way);
}

void Tester::write_mapped() {
  long offset = 0;
  long length = 0;
  if (!choose_inside(offset, length)) return;
  const Way& way = writer();
  remember("mmap write", way.name, offset, length);
  fill(length);
  const Mapping mapping(way.plain, offset, length, PROT_READ | PROT_WRITE);
  std::copy_n(buffer_, length, mapping.at(offset));
  // A view's own page cache is written to the backing when it is told to.
  if (!is_shared_) mapping.sync();
  put(offset, length);
}

void Tester::write_plain() {
  long offset = 0;
  long length = 0;
  choose_any(offset, length);
  const Way& way = writer();
  remember("pwrite", way.name, offset, length);
  fill(length);
  const long done =
      must(pwrite(way.plain, buffer_, static_cast<std::size_t>(length), offset), "pwrite");
  if (done != length) complain("pwrite wrote " + std::to_string(done) + " bytes");
  put(offset, length);
}

void Tester::write_direct() {
  const long offset = below(kMostBytes / kBlock - 8) * kBlock;
  const long length = (1 + below(8)) * kBlock;
  const Way& way = writer();
  remember("direct write", way.name, offset, length);
  fill(length);
  const long done =
      must(pwrite(way.direct, buffer_, static_cast<std::size_t>(length), offset), "direct write");
  if (done != length) complain("a direct write wrote " + std::to_string(done) + " bytes");
  put(offset, length);
}

void Tester::write_appending() {
  const long length = 1 + below(5000);
  if (size() + length > kMostBytes) return;
  const Way& way = writer();
  remember("append", way.name, size(), length);
  fill(length);
  must(write(way.appending, buffer_, static_cast<std::size_t>(length)), "append");
  put(size(), length);
}

void Tester::truncate() {
  const long length = below(kMostBytes);
  const Way& way = writer();
  remember("truncate", way.name, 0, length);
  must(below(2) == 0 ? ftruncate(way.plain, length) : ::truncate(way.path.c_str(), length),
       "truncate");
  model_.resize(static_cast<std::size_t>(length));
}

void Tester::allocate() {
  long offset = 0;
  long length = 0;
  choose_any(offset, length);
  const Way& way = writer();
  const bool keeps_size = below(2) == 0;
  remember(keeps_size ? "fallocate KEEP_SIZE" : "fallocate", way.name, offset, length);
  must(fallocate(way.plain, keeps_size ? FALLOC_FL_KEEP_SIZE : 0, offset, length), "fallocate");
  if (!keeps_size && offset + length > size()) {
    model_.resize(static_cast<std::size_t>(offset + length));
  }
}

void Tester::punch() {
  long offset = 0;
  long length = 0;
  choose_any(offset, length);
  const Way& way = writer();
  remember("fallocate PUNCH_HOLE", way.name, offset, length);
  must(fallocate(way.plain, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length), "punch");
  zero(offset, length);
}

void Tester::zero_range() {
  long offset = 0;
  long length = 0;
  choose_any(offset, length);
  const Way& way = writer();
  const bool keeps_size = below(2) == 0;
  remember(keeps_size ? "fallocate ZERO_RANGE|KEEP_SIZE" : "fallocate ZERO_RANGE", way.name, offset,
           length);
  must(fallocate(way.plain, FALLOC_FL_ZERO_RANGE | (keeps_size ? FALLOC_FL_KEEP_SIZE : 0), offset,
                 length),
       "zero range");
  if (!keeps_size && offset + length > size()) {
    model_.resize(static_cast<std::size_t>(offset + length));
  }
  zero(offset, length);
}

void Tester::copy() {
  long from = 0;
  long length = 0;
  if (!choose_inside(from, length)) return;
  const long to = below(kMostBytes - 40'000);
  if (std::abs(from - to) < length) return;  // they may not overlap
  const Way& way = writer();
  remember("copy_file_range", way.name, from, length);
  remember("  to", way.name, to, length);
  off_t in = from;
  off_t out = to;
  const long done =
      must(copy_file_range(way.plain, &in, way.plain, &out, static_cast<std::size_t>(length), 0),
           "copy_file_range");
  std::copy_n(model_.begin() + from, done, buffer_);
  put(to, done);
}

void Tester::sync_or_reopen() {
  Way& way = writer();
  switch (below(4)) {
    case 0:
      remember("reopen", way.name, 0, 0);
      return way.reopen();
    case 1:
      remember("fadvise DONTNEED", way.name, 0, 0);
      must(posix_fadvise(way.plain, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
      return;
    default:
      remember("fsync", way.name, 0, 0);
      must(fsync(way.plain), "fsync");
  }
}

void Tester::step() {
  using Operation = void (Tester::*)();
  static constexpr Operation kOperations[] = {
      &Tester::read_plain,   &Tester::read_plain,      &Tester::read_direct,
      &Tester::read_mapped,  &Tester::read_mapped,     &Tester::write_plain,
      &Tester::write_plain,  &Tester::write_direct,    &Tester::write_mapped,
      &Tester::write_mapped, &Tester::write_appending, &Tester::truncate,
      &Tester::allocate,     &Tester::punch,           &Tester::zero_range,
      &Tester::copy,         &Tester::sync_or_reopen,
  };
  (this->*kOperations[below(std::size(kOperations))])();
  compare_sizes();
}

void Tester::check_all() {
  for (const Way* way : {&view_, &backing_}) {
    remember("read of all", way->name, 0, size());
    const long got = must(pread(way->plain, buffer_, kMostBytes, 0), "pread");
    if (got != size()) complain("a read of all gives " + std::to_string(got) + " bytes");
    compare(buffer_, 0, got, *way);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: data_tester VIEW BACKING OPERATIONS SEED shared|own\n");
    return 2;
  }
  engine.seed(std::strtoull(argv[4], nullptr, 0));
  close(must(open(argv[1], O_RDWR | O_CREAT, 0666), "open"));
  Tester tester({"view", argv[1]}, {"backing", argv[2]}, std::strcmp(argv[5], "shared") == 0);
  const long operations = std::atol(argv[3]);
  for (long i = 0; i < operations; ++i) {
    tester.step();
    if (i % 50 == 0) tester.check_all();
  }
  tester.check_all();
  std::printf("ok %ld operations\n", operations);
}
