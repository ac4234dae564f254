// The three kernels: forward, hidden, weights. Compiled once for each instruction set, into the namespace VARIANT.
//
// Each element is summed by one thread in one fixed order, whatever the tile, the block or the number of threads,
// so results are equal to the bit. Columns of a panel beyond the layer's width are 0 and stay 0.
#include <type_traits>

#include "types.h"

namespace backtalk {
namespace VARIANT {

#include "vector.h"
#include "activations.h"
#include "g_second.h"
#include "outputs.h"
#include "dual.h"
#include "closed_forms.h"
#include "product.h"
#include "panels.h"
#include "softmax.h"
#include "dropout.h"
#include "norms.h"
#include "noise.h"
#include "forward.h"
#include "backward.h"
#include "weights.h"
#include "curvature.h"
#include "adjoints.h"
#include "predict.h"

// Rows first ... last - 1 of the batch, through all layers and back
template <class T>
static void rows(Job<T> &job, int64_t first, int64_t last, T *scratch) {
    gather(job, first, last);
    for (int i = 0; i < job.depth; ++i) {
        forward(job, i, first, last);
        if (job.layers[i].activation == HOST) ask_host(job, i, first, last, scratch);
        if (i == job.depth - 1) break;
        if (job.layers[i].level) drop_out(job, i, first, last);
    }
    output(job, first, last, scratch);
    if (!job.backward) return;
    const Layer<T> &top = job.layers[job.depth - 1];
    for (int64_t p = 0; top.slope && p < panels_of<T>(top.outputs); ++p)
        copy_in(top.out_h, first, top.outputs, p, last - first, top.slope + (p * job.rows + first) * NR<T>);
    for (int i = job.depth - 2; i >= 0; --i) hidden(job, i, first, last);
    if (job.out_grad_x) hidden(job, -1, first, last);
    if (job.norms) judge_rows(job, first, last);
}

extern const Kernels<float> f32;
extern const Kernels<double> f64;
extern const CurvatureKernels<double> curvature;
template <class T>
constexpr Kernels<T> TABLE = {NR<T>, MR, rows<T>, weights<T>, pack<T>, unpack<T>,
                              PREDICTED_BLOCK, predict_hidden<T>, predict_output<T>, add_noise_in_a_row<T>};
const Kernels<float> f32 = TABLE<float>;
const Kernels<double> f64 = TABLE<double>;
const CurvatureKernels<double> curvature = {ROWS_OF_OUTPUT_ALONG * int64_t(sizeof(double)), rows_along<double>,
                                            weights_along<double>, pull_back<double>, across_clipped<double>,
                                            mirror_strips<double>};

}  // namespace VARIANT
}  // namespace backtalk
