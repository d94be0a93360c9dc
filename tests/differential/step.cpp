#include "step.h"

#include <cstring>

namespace differential {

namespace {

template <class Number>
void put(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put(std::string& bytes, const std::string& text) {
  put(bytes, text.size());
  bytes += text;
}

class Reader {
 public:
  explicit Reader(const std::string& bytes) : at_(bytes.data()) {}
  template <class Number>
  void take(Number& number) {
    std::memcpy(&number, at_, sizeof number);
    at_ += sizeof number;
  }
  void take(std::string& text) {
    std::size_t size = 0;
    take(size);
    text.assign(at_, size);
    at_ += size;
  }

 private:
  const char* at_;
};

}  // namespace

std::string packed(const Step& step) {
  std::string bytes;
  put(bytes, step.operation);
  for (const int number :
       {step.actor, step.look ? 1 : 0, step.directory, step.slot, step.other_slot}) {
    put(bytes, number);
  }
  for (const std::string* text : {&step.path, &step.other_path, &step.text, &step.value}) {
    put(bytes, *text);
  }
  for (const std::int64_t number : {step.a, step.b, step.c}) put(bytes, number);
  return bytes;
}

Step unpacked(const std::string& bytes) {
  Reader reader(bytes);
  Step step;
  int look = 0;
  reader.take(step.operation);
  for (int* number : {&step.actor, &look, &step.directory, &step.slot, &step.other_slot}) {
    reader.take(*number);
  }
  for (std::string* text : {&step.path, &step.other_path, &step.text, &step.value}) {
    reader.take(*text);
  }
  for (std::int64_t* number : {&step.a, &step.b, &step.c}) reader.take(*number);
  step.look = look != 0;
  return step;
}

}  // namespace differential
