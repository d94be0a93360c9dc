// Tree: the entries of one process in one directory, used as hard as it can: every step() does
// something to some of them and checks every answer against what it remembers. One thread only.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "check.h"

inline constexpr std::size_t kMaxEntries = 60;
inline constexpr std::size_t kMaxFile = 96 * 1024;
inline constexpr std::size_t kBlock = 4096;

enum class Type { kFile, kDirectory, kSymlink, kFifo };

struct Node {
  Type type = Type::kFile;
  std::string data;  // a file's contents or a symlink's target
  mode_t mode = 0;
  unsigned links = 1;
  std::map<std::string, std::string> xattrs;
};
using NodePtr = std::shared_ptr<Node>;

mode_t type_bits(Type type);

class Tree {
 public:
  // What it makes has names that begin with `tag`.
  Tree(std::string directory, std::mt19937& random, std::string tag)
      : directory_(std::move(directory)), random_(random), tag_(std::move(tag)) {}

  const std::string& directory() const { return directory_; }
  void step();

  // Everything that was made, and nothing else that begins with our tag, is in `directory`: our own
  // (`is_view`) or the same below the view. What a step that threw was about may be as it was
  // before or after the step, but nothing else.
  void verify(const std::string& directory, bool is_view) const;

 private:
  using Entries = std::map<std::string, NodePtr>;

  unsigned pick(unsigned below) {
    return below == 0 ? 0 : static_cast<unsigned>(random_() % below);
  }
  std::string fresh() { return tag_ + std::to_string(++names_); }
  std::string place(const std::string& name) const { return directory_ + "/" + name; }
  // The same, of an entry that the step at hand is about.
  std::string path(const std::string& name) {
    touched_.insert(name);
    return place(name);
  }
  std::string bytes(std::size_t size);
  // Some entry of the type, or end().
  Entries::iterator some(Type type);
  Entries::iterator some_file_of(std::size_t at_least);
  void add(const std::string& name, Type type, std::string data, mode_t mode);
  void check_status(const std::string& name, const Node& node) const;
  void check_data(const std::string& name, const Node& node) const;
  void check_gone(const std::string& name) const;

  static void verify_xattrs(const std::string& path, const Node& node, bool is_view);
  static void verify_contents(const std::string& path, const Node& node);
  void verify_names(const std::string& directory) const;
  void verify_entry(const std::string& directory, const std::string& name, const Node& node,
                    bool is_view) const;
  void verify_touched(const std::string& directory, bool is_view) const;
  bool is_unsure(const NodePtr& node) const;

  // tree_names.cpp
  void create();
  void create_existing();
  void make_directory();
  void remove_directory();
  void fill_directory();
  void unlink_some();
  void make_symlink();
  void make_link();
  void link_existing();
  void make_fifo();
  void unnamed_file();
  void list();

  // tree_renames.cpp
  void rename_fresh();
  void rename_over();
  void rename_noreplace();
  void rename_away_and_back();
  void exchange();

  // tree_data.cpp
  void unlinked_file();
  void append();
  void overwrite();
  void change_size();
  void allocate();
  void copy_range();
  void map_shared();
  void direct();
  void synchronise();
  void execute();

  // tree_attributes.cpp
  void change_xattrs();
  void change_mode();
  void change_owner();
  void change_times();
  void filesystem();

  std::string directory_;
  std::mt19937& random_;
  std::string tag_;
  unsigned names_ = 0;
  Entries entries_;
  std::set<std::string> touched_;  // of the step at hand, or of one that threw
  NodePtr moving_;  // by a rename at hand: under one of the touched names it is there
};
