#include "base/operator_error.h"

namespace cvfs {
namespace {

std::string shown(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

std::string OperatorError::message() const {
  std::string text = shown(object.empty() ? what : object + ": " + what);
  if (!hint.empty()) text += "\n  try: " + shown(hint);
  return text;
}

}  // namespace cvfs
