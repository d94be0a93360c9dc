// crash_load: several processes that use a directory as hard as they can and check every single
// answer: its errno, what it says, and what stands there afterwards. Whatever happens to the view
// meanwhile, none of them may notice.
//
//   crash_load [--losses] DIRECTORY BACKING SECONDS PROCESSES SEED [UID...]
//
// DIRECTORY is writable for everybody; BACKING is the same directory below the view ("-": none).
// Run by root, process i is the i-th UID, over and over (uid and gid); run by somebody else, all
// are theirs. Each works in directories of its own, and all of them in one that they share. In the
// end each compares all that it made with what it remembers, in DIRECTORY and in BACKING. Prints
// each unexpected answer (operation, path, what was wrong) and a summary; ends with 1 if there was
// one.
//
// --losses: the view may be lost altogether (ENOTCONN) and be mounted again. Each process that
// meets that prints "LOST", waits for the view, compares, and begins anew.
#include <grp.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "process.h"

namespace {

struct CommandLine {
  Task task;
  unsigned processes = 0;
  unsigned seed = 0;
  // Of the view's userns map: some of its ids, container root among them.
  std::vector<uid_t> uids{101000, 101001, 100000, 165535};
};

unsigned number(const char* text) {
  return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

bool parse(int argc, char** argv, CommandLine& line) {
  int at = 1;
  if (argc > at && std::strcmp(argv[at], "--losses") == 0) {
    line.task.survives_losses = true;
    ++at;
  }
  if (argc < at + 5) return false;
  line.task.root = argv[at];
  if (std::strcmp(argv[at + 1], "-") != 0) line.task.backing = argv[at + 1];
  line.task.seconds = number(argv[at + 2]);
  line.processes = number(argv[at + 3]);
  line.seed = number(argv[at + 4]);
  if (argc > at + 5) line.uids.clear();
  for (int i = at + 5; i < argc; ++i) line.uids.push_back(number(argv[i]));
  return true;
}

// Signals that interrupt whatever we wait for, and nothing may fail of it.
void be_interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  const itimerval often{{0, 7000}, {0, 7000}};
  if (::sigaction(SIGALRM, &action, nullptr) < 0 || ::setitimer(ITIMER_REAL, &often, nullptr) < 0) {
    std::perror("crash_load: setitimer");
  }
}

// The saved id stays root's, for the comparison with the backing.
bool become(uid_t id) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(id, id, id) == 0 &&
         ::setresuid(id, id, 0) == 0;
}

int run_process(const CommandLine& line, unsigned index) {
  ::umask(0);
  if (::geteuid() == 0 && !become(line.uids[index % line.uids.size()])) {
    std::perror("crash_load: setresuid");
    return 1;
  }
  if (index % 2 == 1) be_interrupted();
  const int code = Process(line.task, index, line.seed).run();
  std::fflush(stdout);
  return code;
}

// Another crash_load may have made it.
bool make_shared_directory(const std::string& root) {
  const std::string shared = root + "/shared";
  if (::mkdir(shared.c_str(), 0777) < 0) return errno == EEXIST;
  return ::chmod(shared.c_str(), 0777) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  if (!parse(argc, argv, line)) {
    std::fputs("usage: crash_load [--losses] DIRECTORY BACKING SECONDS PROCESSES SEED [UID...]\n",
               stderr);
    return 2;
  }
  if (!make_shared_directory(line.task.root)) {
    std::perror(line.task.root.c_str());
    return 1;
  }
  for (unsigned i = 0; i < line.processes; ++i) {
    if (::fork() == 0) ::_exit(run_process(line, i));
  }
  int code = 0;
  int status = 0;
  while (::wait(&status) > 0) {
    if (status != 0) code = 1;
  }
  return code;
}
