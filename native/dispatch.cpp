#include "dispatch.h"

#ifdef WITH_X86_LEVELS
#include "processor.h"
#endif

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

static const Processor &processor() {
    static const Processor found;
    return found;
}
#endif
DECLARE(portable)

const std::vector<Variant> &variants() {
    static const std::vector<Variant> table = {
#ifdef WITH_X86_LEVELS
        {"x86-64-v4", [] { return processor().has_v4(); }, &v4::f32, &v4::f64, &v4::curvature},
        {"x86-64-v3", [] { return processor().has_v3(); }, &v3::f32, &v3::f64, &v3::curvature},
        {"x86-64-v2", [] { return processor().has_v2(); }, &v2::f32, &v2::f64, &v2::curvature},
#endif
        {"portable", [] { return true; }, &portable::f32, &portable::f64, &portable::curvature},
    };
    return table;
}

}  // namespace backtalk
