// A manual page in man(7)'s macros. A value; one thread.
#pragma once

#include <string>
#include <string_view>

namespace cvfs {

class Roff {
 public:
  // "CVFS", 1, "cvfs 0.1.0"
  Roff(const std::string& title, int section, const std::string& version);

  void heading(const std::string& text);
  void subheading(const std::string& text);
  void paragraph(std::string_view text);
  // A term and what it means, which stands to its right.
  void item(std::string_view term, std::string_view meaning);
  // As it is, line by line.
  void verbatim(std::string_view text);

  const std::string& text() const { return text_; }

  // Without anything that a formatter would take for its own.
  static std::string escaped(std::string_view text);

 private:
  std::string text_;
};

}  // namespace cvfs
