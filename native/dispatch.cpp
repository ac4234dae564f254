#include "dispatch.h"

namespace backtalk {

#define DECLARE(variant)                             \
    namespace variant {                              \
    extern const Kernels<float> f32;                 \
    extern const Kernels<double> f64;                \
    extern const CurvatureKernels<double> curvature; \
    }

#ifdef WITH_X86_LEVELS
DECLARE(v4)
DECLARE(v3)
DECLARE(v2)

// __builtin_cpu_supports asks CPUID for the processor, and XGETBV whether the system saves the registers
static bool has_v2() {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("ssse3");
}
static bool has_v3() {
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
static bool has_v4() {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif
DECLARE(portable)

const std::vector<Variant> &variants() {
    static const std::vector<Variant> table = {
#ifdef WITH_X86_LEVELS
        {"x86-64-v4", has_v4, &v4::f32, &v4::f64, &v4::curvature},
        {"x86-64-v3", has_v3, &v3::f32, &v3::f64, &v3::curvature},
        {"x86-64-v2", has_v2, &v2::f32, &v2::f64, &v2::curvature},
#endif
        {"portable", [] { return true; }, &portable::f32, &portable::f64, &portable::curvature},
    };
    return table;
}

}  // namespace backtalk
