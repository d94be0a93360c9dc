// How `cvfs status` shows views to a person. What an answer lacks is "-". Pure.
#pragma once

#include <ostream>
#include <vector>

#include "cli/view_answers.h"

namespace cvfs {

// A line a view, under headings: those that give no answer, too.
void print_status_table(std::ostream& out, const std::vector<ViewAnswer>& answers);

// Everything about one view that has answered.
void print_status_block(std::ostream& out, const ViewAnswer& answer);

}  // namespace cvfs
