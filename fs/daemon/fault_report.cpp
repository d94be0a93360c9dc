#include "daemon/fault_report.h"

#include <cstring>

#include "base/log.h"
#include "daemon/stack_text.h"
#include "sys/fuse_opcode.h"

namespace cvfs {

namespace {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

// Where it happened; of a signal that was sent, by whom.
std::string origin(const FaultRecord& fault) {
  if (fault.code > 0) return fmt::format("at {:#x} (code {})", fault.address, fault.code);
  if (fault.address == static_cast<std::uint64_t>(fault.pid)) return "that it sent itself";
  return fmt::format("from process {}", fault.address);
}

}  // namespace

std::vector<std::string> describe_fault(const FaultRecord& fault) {
  const std::string request =
      fault.unique == 0 ? "with no request at hand"
                        : "in " + sys::fuse_request_text(fault.opcode, fault.node, fault.unique);
  std::vector<std::string> lines = {fmt::format("worker {} died of {} {} {}", fault.pid,
                                                signal_name(fault.signal), origin(fault), request)};
  for (std::string& frame : describe_stack(fault.stack)) lines.push_back(std::move(frame));
  return lines;
}

std::optional<FaultReport> take_fault(const StateMemory& state) {
  FaultRecord& fault = FaultArea::in(state.section(Section::kFaults)).fault;
  if (fault.is_whole.exchange(0) == 0) return {};
  return FaultReport{describe_fault(fault), fault.unique};
}

}  // namespace cvfs
