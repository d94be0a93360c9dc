// Rows of text in aligned columns. One thread.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace cvfs {

// Columns two blanks apart, as wide as their longest text (in characters of UTF-8), each line after
// `indent`; nothing after the last column's text.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows,
                 const std::string& indent = "");

}  // namespace cvfs
