#pragma once

#include "locks/lock_table.h"

namespace cvfs {

constexpr auto kRead = LockType::kRead;
constexpr auto kWrite = LockType::kWrite;

}  // namespace cvfs
