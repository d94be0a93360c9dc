#include "held.h"

#include <sys/stat.h>

#include "tree.h"

namespace {

constexpr std::size_t kHeldEntries = 150;

}  // namespace

Held::Held(const std::string& directory, std::mt19937& random)
    : random_(random), directory_(directory + "/held"), unlinked_path_(directory + "/unlinked") {
  operation = "held files";
  must(::mkdir(directory_.c_str(), 0700), directory_, "mkdir");
  for (std::size_t i = 0; i < kHeldEntries; ++i) {
    const std::string name = "held-entry-" + std::to_string(i);
    Fd file = open_file(directory_ + "/" + name, O_CREAT | O_EXCL | O_WRONLY, 0600);
    wanted_.insert(name);
  }
  listing_ = open_file(directory_, O_RDONLY | O_DIRECTORY);
  reopen_unlinked();
}

void Held::step() {
  read_on();
  use_unlinked();
}

void Held::verify(const std::string& directory) const {
  const std::string path = directory + "/held";
  const Fd open = open_file(path, O_RDONLY | O_DIRECTORY);
  expect(set_of(read_names(open.get(), path, 1000), path) == wanted_, path, "lists other names");
}

void Held::reopen_unlinked() {
  file_ = open_file(unlinked_path_, O_CREAT | O_EXCL | O_RDWR, 0600);
  must(::unlink(unlinked_path_.c_str()), unlinked_path_, "unlink");
  data_.clear();
}

void Held::use_unlinked() {
  operation = "a held unlinked file";
  if (random_() % 50 == 0) reopen_unlinked();
  const std::string more(1 + random_() % 500, static_cast<char>('a' + random_() % 26));
  if (data_.size() > kMaxFile) {
    must(::ftruncate(file_.get(), 10), unlinked_path_, "ftruncate");
    data_.resize(10);
  }
  write_all(file_.get(), more, static_cast<off_t>(data_.size()), unlinked_path_);
  data_ += more;
  struct stat status {};
  must(::fstat(file_.get(), &status), unlinked_path_, "fstat");
  expect(status.st_nlink == 0, unlinked_path_, "has a link");
  expect(status.st_size == static_cast<off_t>(data_.size()), unlinked_path_, "another size");
  expect_data(read_some(file_.get(), kMaxFile * 2, 0, unlinked_path_), data_, unlinked_path_);
}

// Some names at a time, sometimes going back to a position and reading the same again.
void Held::read_on() {
  operation = "a held directory";
  const off_t before = must(::lseek(listing_.get(), 0, SEEK_CUR), directory_, "telldir");
  const auto names = read_names(listing_.get(), directory_, 1 + random_() % 9);
  if (names.empty()) {
    expect(set_of(found_, directory_) == wanted_, directory_, "does not list all of its names");
    found_.clear();
    must(::lseek(listing_.get(), 0, SEEK_SET), directory_, "rewinddir");
    return;
  }
  if (random_() % 3 == 0) {
    must(::lseek(listing_.get(), before, SEEK_SET), directory_, "seekdir");
    expect(read_names(listing_.get(), directory_, names.size()) == names, directory_,
           "gives other names after seekdir");
  }
  found_.insert(found_.end(), names.begin(), names.end());
}
