#include "tree.h"

#include <iterator>

mode_t type_bits(Type type) {
  switch (type) {
    case Type::kFile:
      return S_IFREG;
    case Type::kDirectory:
      return S_IFDIR;
    case Type::kSymlink:
      return S_IFLNK;
    case Type::kFifo:
      return S_IFIFO;
  }
  return 0;
}

std::string Tree::bytes(std::size_t size) {
  std::string data(size, '\0');
  for (char& byte : data) byte = static_cast<char>('a' + pick(26));
  return data;
}

Tree::Entries::iterator Tree::some(Type type) {
  if (entries_.empty()) return entries_.end();
  auto at = std::next(entries_.begin(), pick(static_cast<unsigned>(entries_.size())));
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (at->second->type == type) return at;
    if (++at == entries_.end()) at = entries_.begin();
  }
  return entries_.end();
}

Tree::Entries::iterator Tree::some_file_of(std::size_t at_least) {
  const auto file = some(Type::kFile);
  return file != entries_.end() && file->second->data.size() >= at_least ? file : entries_.end();
}

void Tree::add(const std::string& name, Type type, std::string data, mode_t mode) {
  auto node = std::make_shared<Node>();
  node->type = type;
  node->data = std::move(data);
  node->mode = mode;
  entries_[name] = node;
  check_status(name, *node);
}

void Tree::check_status(const std::string& name, const Node& node) const {
  const struct stat status = status_of(place(name));
  expect((status.st_mode & S_IFMT) == type_bits(node.type), place(name), "is of another type");
  expect(status.st_uid == ::geteuid() && status.st_gid == ::getegid(), place(name),
         "belongs to " + std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid));
  if (node.type == Type::kDirectory) return;
  expect(
      status.st_nlink == node.links, place(name),
      "has " + std::to_string(status.st_nlink) + " links instead of " + std::to_string(node.links));
  if (node.type == Type::kSymlink) return;
  expect((status.st_mode & 07777) == node.mode, place(name), "has another mode");
  if (node.type != Type::kFile) return;
  expect(status.st_size == static_cast<off_t>(node.data.size()), place(name),
         "is of " + std::to_string(status.st_size) + " bytes instead of " +
             std::to_string(node.data.size()));
}

void Tree::check_data(const std::string& name, const Node& node) const {
  const Fd file = open_file(place(name), O_RDONLY);
  expect_data(read_some(file.get(), kMaxFile * 2, 0, place(name)), node.data, place(name));
}

void Tree::check_gone(const std::string& name) const {
  struct stat status {};
  must_fail(::lstat(place(name).c_str(), &status), ENOENT, place(name), "lstat");
}

void Tree::step() {
  using Operation = void (Tree::*)();
  static constexpr Operation kGrowing[] = {&Tree::create,       &Tree::make_directory,
                                           &Tree::make_symlink, &Tree::make_link,
                                           &Tree::make_fifo,    &Tree::unnamed_file};
  static constexpr Operation kOthers[] = {&Tree::create_existing,  &Tree::remove_directory,
                                          &Tree::fill_directory,   &Tree::unlink_some,
                                          &Tree::unlink_some,      &Tree::link_existing,
                                          &Tree::rename_fresh,     &Tree::rename_over,
                                          &Tree::rename_noreplace, &Tree::rename_away_and_back,
                                          &Tree::exchange,         &Tree::unlinked_file,
                                          &Tree::append,           &Tree::overwrite,
                                          &Tree::change_size,      &Tree::allocate,
                                          &Tree::copy_range,       &Tree::list,
                                          &Tree::change_xattrs,    &Tree::change_mode,
                                          &Tree::change_owner,     &Tree::change_times,
                                          &Tree::map_shared,       &Tree::direct,
                                          &Tree::synchronise,      &Tree::filesystem,
                                          &Tree::execute};
  if (pick(5) < 2 && entries_.size() < kMaxEntries) {
    (this->*kGrowing[pick(std::size(kGrowing))])();
  } else {
    (this->*kOthers[pick(std::size(kOthers))])();
  }
  touched_.clear();
  moving_.reset();
}
