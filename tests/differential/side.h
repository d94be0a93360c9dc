// Side: a directory, native or on a view, and the processes that work in it. Owns both: what is
// below it is removed in the end. For one thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "step.h"

namespace differential {

class Side {
 public:
  // Makes `base`/`name`, which belongs to the actors' root, and starts the actors there.
  Side(const std::string& base, const std::string& name, const Policy& policy, Where where);
  ~Side();
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  // Has the step's actor carry it out; collect() waits for what came out.
  void start(const Step& step);
  std::string collect();

  std::vector<std::string> tree() const;

 private:
  struct Worker {
    pid_t pid = -1;
    int connection = -1;  // a step goes there, what came out comes back
  };
  void start_worker(int number);
  [[noreturn]] void work(int number, int parent);

  std::string path_;
  Policy policy_;
  Where where_;
  int root_fd_ = -1;
  std::vector<Worker> workers_;
  const Worker* busy_ = nullptr;
};

}  // namespace differential
