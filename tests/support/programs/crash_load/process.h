// Process: one of crash_load's processes: works, survives losses if asked, and counts what was
// unexpected. One thread only.
#pragma once

#include <random>
#include <string>

struct Task {
  std::string root;     // the directory to work in
  std::string backing;  // the same below the view; empty: none
  unsigned seconds = 0;
  bool survives_losses = false;
};

class Process {
 public:
  Process(const Task& task, unsigned index, unsigned seed)
      : task_(task), index_(index), random_(seed + index) {}

  // Returns the exit code.
  int run();

 private:
  class Work;

  void begin_anew(time_t end);
  void work_until(time_t end, Work& work);
  void verify(const Work& work);
  void await_view() const;
  void note_loss(const std::string& what);

  const Task& task_;
  unsigned index_;
  std::mt19937 random_;
  unsigned tries_ = 0;
  unsigned long steps_ = 0;
  unsigned losses_ = 0;
  int errors_ = 0;
};
