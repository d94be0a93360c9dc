#include "cli/roff.h"

#include <sstream>

namespace cvfs {

Roff::Roff(const std::string& title, int section, const std::string& version) {
  text_ = ".TH " + title + ' ' + std::to_string(section) + " \"\" \"" + version + "\"\n";
}

void Roff::heading(const std::string& text) {
  text_ += ".SH " + escaped(text) + '\n';
}

void Roff::subheading(const std::string& text) {
  text_ += ".SS " + escaped(text) + '\n';
}

void Roff::paragraph(std::string_view text) {
  text_ += ".PP\n" + escaped(text) + '\n';
}

void Roff::item(std::string_view term, std::string_view meaning) {
  text_ += ".TP\n.B " + escaped(term) + '\n' + escaped(meaning) + '\n';
}

void Roff::verbatim(std::string_view text) {
  text_ += ".PP\n.nf\n" + escaped(text) + "\n.fi\n";
}

std::string Roff::escaped(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  std::string all;
  while (std::getline(lines, line)) {
    if (!all.empty()) all += '\n';
    // A line that begins so would be a request.
    if (line.starts_with('.') || line.starts_with('\'')) all += "\\&";
    for (const char c : line) {
      if (c == '\\') {
        all += "\\e";
      } else if (c == '-') {
        all += "\\-";
      } else {
        all += c;
      }
    }
    if (line.empty()) all += "\\&";
  }
  return all;
}

}  // namespace cvfs
