// One ordered table of the builds of the kernels: the first that runs here is the default.
#pragma once
#include <vector>

#include "types.h"

namespace backtalk {

const std::vector<Variant> &variants();

}  // namespace backtalk
