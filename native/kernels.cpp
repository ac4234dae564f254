// The three kernels: forward, hidden, weights. Compiled once for each instruction set, into the namespace VARIANT.
//
// Each element is summed by one thread in one fixed order, whatever the tile, the block or the number of threads,
// so results are equal to the bit. Columns of a panel beyond the layer's width are 0 and stay 0.
#include "types.h"

namespace backtalk {
namespace VARIANT {

#include "vector.h"

#include "activations.h"
#include "outputs.h"
#include "product.h"
#include "panels.h"
#include "softmax.h"
#include "dropout.h"
#include "norms.h"

// A product over panels: out(tile of ROWS rows) = start + in * w, in [panel][rows][NR] with `inputs` columns
template <class T, int ROWS, int VECTORS>
static inline void tile_product(
    const T *in, int64_t panel_step, int64_t inputs, const T *w, const T *start, T *__restrict out) {
    Vector<T> accumulator[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) accumulator[r][v] = start ? load(start + v * LANES<T>) : Vector<T>{};
    for (int64_t k = 0; k < inputs; k += NR<T>, in += panel_step, w += NR<T> * NR<T>)
        multiply<T, ROWS, VECTORS, NR<T>, 1>(in, w, least(NR<T>, inputs - k), accumulator);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) store(out + r * NR<T> + v * LANES<T>, accumulator[r][v]);
}

template <class T, int ROWS>
static inline void tile_product(
    int vectors, const T *in, int64_t panel_step, int64_t inputs, const T *w, const T *start, T *out) {
    if (vectors == 2)
        tile_product<T, ROWS, 2>(in, panel_step, inputs, w, start, out);
    else
        tile_product<T, ROWS, 1>(in, panel_step, inputs, w, start, out);
}

// The same for 1 ... MR rows: as tiles of 8, 4, 2 and 1. rows counts what is left, and how many are done comes back.
template <class T>
static inline int64_t some_rows(
    int64_t rows, int vectors, const T *in, int64_t panel_step, int64_t inputs, const T *w, const T *start, T *out) {
    if constexpr (MR >= 8)
        if (rows >= 8) return tile_product<T, 8>(vectors, in, panel_step, inputs, w, start, out), 8;
    if (rows >= 4) return tile_product<T, 4>(vectors, in, panel_step, inputs, w, start, out), 4;
    if (rows >= 2) return tile_product<T, 2>(vectors, in, panel_step, inputs, w, start, out), 2;
    return tile_product<T, 1>(vectors, in, panel_step, inputs, w, start, out), 1;
}

constexpr int64_t AHEAD = 8;  // examples whose memory is asked for before they are copied

// x in panels: h_0, the rows of the batch in the order of the shuffle
template <class T>
static void gather(Job<T> &job, int64_t first, int64_t last) {
    const int64_t columns = job.layers[0].inputs, panels = panels_of<T>(columns);
    for (int64_t n = first; n < last; ++n) {
        const int64_t row = job.order ? job.order[n] : n;
        if (job.order && n + AHEAD < last)  // a shuffled row is far away
            for (int64_t c = 0; c < columns; c += 64 / int64_t(sizeof(T)))
                __builtin_prefetch(job.X + job.order[n + AHEAD] * columns + c);
        for (int64_t p = 0; p < panels; ++p) copy_in(job.X, row, columns, p, 1, job.x + (p * job.rows + n) * NR<T>);
    }
}

// g at rows first ... last - 1 of one panel, in place; g' to d where backward will ask for it
template <class T>
static inline void activate_tile(const Job<T> &job, const Layer<T> &layer, int64_t panel, int64_t at, int64_t rows) {
    T *h = layer.h + at;
    const bool slope = job.backward && layer.activation != RELU && layer.activation != IDENTITY;
    activate<T>(layer.activation, layer.parameter, rows * NR<T>, h, slope ? layer.d + at : nullptr);
    clear_beyond(layer.outputs, panel, rows, h);
}

// forward: a_i = W_i h_{i-1} + b_i, h_i = g(a_i)
template <class T>
static void forward(Job<T> &job, int i, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[i];
    const bool output = i == job.depth - 1;
    const T *in = i ? job.layers[i - 1].h : job.x;
    const int64_t panels = panels_of<T>(layer.outputs), step = job.rows * NR<T>;
    const int64_t height = round_up(layer.inputs, MR) * NR<T>;
    for (int64_t p = 0; p < panels; ++p) {
        const int vectors = vectors_of<T>(p, layer.outputs);
        for (int64_t n = first, done; n < last; n += done) {
            const int64_t at = p * step + n * NR<T>;
            T *tile = layer.h + at;
            if (layer.given_a)
                copy_in(layer.given_a, n, layer.outputs, p, done = least(MR, last - n), tile);
            else
                done = some_rows(last - n, vectors, in + n * NR<T>, step, layer.inputs, layer.w + p * height,
                                 layer.b + p * NR<T>, tile);
            copy_out(tile, done, p, layer.outputs, layer.out_a, n);
            if (output || layer.activation == HOST) continue;
            activate_tile(job, layer, p, at, done);
            copy_out(tile, done, p, layer.outputs, layer.out_h, n);
        }
    }
}

// A user's own g and g': the caller computes them, on rows that it can read
template <class T>
static void ask_host(Job<T> &job, int i, int64_t first, int64_t last, T *scratch) {
    const Layer<T> &layer = job.layers[i];
    const int64_t panels = panels_of<T>(layer.outputs), step = job.rows * NR<T>, width = layer.outputs;
    T *given = scratch, *result = scratch + job.block * width;
    for (int64_t p = 0; p < panels; ++p)
        copy_out(layer.h + p * step + first * NR<T>, last - first, p, width, given, 0);
    for (int derivative = 0; derivative <= int(job.backward); ++derivative) {
        if (!job.host(job.host_context, i, derivative, last - first, given, result)) job.host_failed = true;
        T *to = derivative ? layer.d : layer.h;
        for (int64_t p = 0; p < panels; ++p) {
            copy_in(result, 0, width, p, last - first, to + p * step + first * NR<T>);
            if (!derivative)
                copy_out(layer.h + p * step + first * NR<T>, last - first, p, width, layer.out_h, first);
        }
    }
}

// The talk to the output units: yhat = O(a_L), the loss, grad_{a_L} (and grad_yhat)
template <class T>
static void output(Job<T> &job, int64_t first, int64_t last, T *scratch) {
    if (job.loss == CROSS_ENTROPY) return softmax_with_cross_entropy(job, first, last);
    const Layer<T> &layer = job.layers[job.depth - 1];
    const int64_t units = layer.outputs, panels = panels_of<T>(units), width = panels * NR<T>;
    const int64_t step = job.rows * NR<T>;
    T *yhat = scratch, *grad = yhat + width, *wanted = grad + width;
    __builtin_memset(grad, 0, width * sizeof(T));
    for (int64_t n = first; n < last; ++n) {
        for (int64_t p = 0; p < panels; ++p)
            __builtin_memcpy(yhat + p * NR<T>, layer.h + p * step + n * NR<T>, NR<T> * sizeof(T));
        if (!job.backward) {
            output_only(job.loss, yhat, units);
        } else {
            const int64_t example = job.order ? job.order[n] : n;
            const T weight = T(double(job.weight ? job.weight[example] : T(1)) / job.weight_sum);
            const Row<T> row = {units, job.target + example * units, weight, yhat, grad,
                                layer.out_grad_h ? wanted : nullptr};
            job.losses[n] = share(loss_of_row(job.loss, job.loss_parameter, row), weight);
            for (int64_t p = 0; p < panels; ++p)
                __builtin_memcpy(layer.d + p * step + n * NR<T>, grad + p * NR<T>, NR<T> * sizeof(T));
            if (layer.out_grad_a) __builtin_memcpy(layer.out_grad_a + n * units, grad, units * sizeof(T));
            if (layer.out_grad_h) __builtin_memcpy(layer.out_grad_h + n * units, wanted, units * sizeof(T));
        }
        if (layer.out_h) __builtin_memcpy(layer.out_h + n * units, yhat, units * sizeof(T));
    }
}

// hidden: grad_{h_i} = W_{i+1}^T grad_{a_{i+1}}, grad_{a_i} = grad_{h_i} * g'(a_i); i = -1 stands for the input
template <class T>
static void hidden(Job<T> &job, int i, int64_t first, int64_t last) {
    const Layer<T> &above = job.layers[i + 1];
    const int64_t units = above.inputs, panels = panels_of<T>(units), step = job.rows * NR<T>;
    const int64_t height = round_up(above.outputs, MR) * NR<T>;
    Layer<T> *layer = i >= 0 ? &job.layers[i] : nullptr;
    T *out = layer ? layer->out_grad_h : job.out_grad_x;
    alignas(64) T tile[MR * NR<T>];
    const bool measure = job.measure && layer;
    // g' of these follows from h, and with dropout that of a ReLU still does: a silent unit has h = 0
    const bool relu = layer && layer->activation == RELU;
    const bool plain = layer && layer->activation == IDENTITY && !layer->level;
    for (int64_t chunk = first / SUM_ROWS; measure && chunk * SUM_ROWS < last; ++chunk)
        layer->unit_sums[chunk] = {0, 0};
    for (int64_t p = 0; p < panels; ++p) {
        const int vectors = vectors_of<T>(p, units);
        Vector<T> peak[2] = {};
        for (int64_t n = first, done; n < last; n += done) {
            done = some_rows(last - n, vectors, above.d + n * NR<T>, step, above.outputs, above.wt + p * height,
                             static_cast<const T *>(nullptr), tile);
            copy_out(tile, done, p, units, out, n);
            if (!layer) continue;
            T *d = layer->d + p * step + n * NR<T>;
            const T *h = layer->h + p * step + n * NR<T>;
            Vector<T> squares_a = {}, squares_h = {};
            const Vector<T> zero = {}, active = spread<T>(layer->scale);
            for (int64_t e = 0; e < done * NR<T>; e += LANES<T>) {
                const int v = e / LANES<T> % 2;
                if (v >= vectors) continue;
                const Vector<T> grad_h = load(tile + e);
                const Vector<T> slope = relu ? (load(h + e) <= T(0) ? zero : active) : plain ? active : load(d + e);
                const Vector<T> grad_a = grad_h * slope;
                store(d + e, grad_a);
                if (measure) {
                    squares_a += grad_a * grad_a;
                    squares_h += grad_h * grad_h;
                    const Vector<T> size = absolute<T>(slope);
                    peak[v] = size <= peak[v] ? peak[v] : size;
                }
            }
            copy_out(d, done, p, units, layer->out_grad_a, n);
            if (!measure) continue;
            UnitSums &sums = layer->unit_sums[n / SUM_ROWS];
            sums.grad_a += sum_lanes<T>(squares_a);
            sums.grad_h += sum_lanes<T>(squares_h);
        }
        if (!measure) continue;
        T *to = layer->peak + (first / SUM_ROWS * panels + p) * NR<T>;
        for (int v = 0; v < 2; ++v) store(to + v * LANES<T>, peak[v]);
    }
}

template <class T>
static void rows(Job<T> &job, int64_t first, int64_t last, T *scratch) {
    gather(job, first, last);
    for (int i = 0; i < job.depth; ++i) {
        forward(job, i, first, last);
        if (i == job.depth - 1) break;
        if (job.layers[i].activation == HOST) ask_host(job, i, first, last, scratch);
        if (job.layers[i].level) drop_out(job, i, first, last);
    }
    output(job, first, last, scratch);
    if (!job.backward) return;
    for (int i = job.depth - 2; i >= 0; --i) hidden(job, i, first, last);
    if (job.out_grad_x) hidden(job, -1, first, last);
    if (job.norms) judge_rows(job, first, last);
}

// The squares of a gradient, in double: those of float neither overflow nor vanish
template <class T>
struct Squares {
    double sums[LANES<T>] = {};
    inline __attribute__((always_inline)) void add(Vector<T> gradient, double unit) {
        for (int lane = 0; lane < LANES<T>; ++lane) {
            const double g = double(gradient[lane]) * unit;
            sums[lane] += g * g;
        }
    }
    double sum() const {
        double total = 0;
        for (double part : sums) total += part;
        return total;
    }
};

// One register of parameters: from the gradient to what is added to the parameter
template <Rule RULE, class T>
static inline Vector<T> update_of(const Update<T> &u, Vector<T> gradient, T *s1, T *s2) {
    if constexpr (RULE == ADAM) {
        const Vector<T> m = u.beta_1 * load(s1) + u.rest_1 * gradient;
        const Vector<T> v = u.beta_2 * load(s2) + u.rest_2 * gradient * gradient;
        store(s1, m);
        store(s2, v);
        return -u.step * m / (root_lanes<T>(v) * u.root_correction + u.epsilon);
    } else if constexpr (RULE == MOMENTUM || RULE == NESTEROV) {
        const Vector<T> velocity = u.momentum * load(s1) - u.learning_rate * gradient;
        store(s1, velocity);
        return RULE == MOMENTUM ? velocity : u.momentum * velocity - u.learning_rate * gradient;
    } else {
        return -u.learning_rate * gradient;
    }
}

// grad_{W_i} = grad_{a_i} h_{i-1}^T for MR inputs (transposed: a row of W^T is an input) and one panel of outputs,
// and the update
template <Rule RULE, bool CLIPS, class T, int VECTORS>
static inline void weights_tile(Job<T> &job, const Layer<T> &layer, const T *h, const T *d, int64_t panel,
                                int64_t strip, UpdateSums *sums) {
    const int64_t offset = (panel * round_up(layer.inputs, MR) + strip * MR) * NR<T>;
    constexpr bool UPDATES = RULE != WRITE_OUT && RULE != NORM;  // where it does not, there is no state to point into
    T *w = layer.w + offset, *s1 = UPDATES ? layer.w1 + offset : nullptr, *s2 = UPDATES ? layer.w2 + offset : nullptr;
    if (UPDATES && job.prefetch)  // on their way while the product runs
        for (int line = 0; line < MR * NR<T>; line += 64 / int(sizeof(T))) {
            __builtin_prefetch(w + line, 1);
            if (RULE != SGD) __builtin_prefetch(s1 + line, 1);
            if (RULE == ADAM) __builtin_prefetch(s2 + line, 1);
        }
    Vector<T> gradient[MR][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) gradient[r][v] = Vector<T>{};
    if constexpr (UPDATES && CLIPS) {
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) gradient[r][v] = load(layer.g + offset + r * NR<T> + v * LANES<T>);
    } else {
        multiply<T, MR, VECTORS, 1, NR<T>>(h, d, job.batch, gradient);
    }
    if constexpr (RULE == WRITE_OUT) {
        alignas(64) T tile[MR * NR<T>];
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
            for (int v = 0; v < 2; ++v) store(tile + r * NR<T> + v * LANES<T>, gradient[r][v % VECTORS]);
        return write_out(tile, layer, panel, strip, layer.out_grad_w);
    }
    const Update<T> u = job.update;
    if constexpr (RULE == NORM) {
        Squares<T> squares;
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) {
                const int e = r * NR<T> + v * LANES<T>;
                store(layer.g + offset + e, gradient[r][v]);
                squares.add(gradient[r][v] + u.l2_penalty * load(w + e), u.norm_unit);
            }
        sums->gradient += squares.sum();
        return;
    }
    Vector<T> squares[3] = {};
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) {
            const int e = r * NR<T> + v * LANES<T>;
            const Vector<T> before = load(w + e), g = gradient[r][v] + u.l2_penalty * before;
            const Vector<T> clipped = CLIPS ? g * u.scale : g;
            const Vector<T> after = before * u.keep + update_of<RULE>(u, clipped, s1 + e, s2 + e);
            store(w + e, after);
            if (sums) {
                squares[0] += g * g;
                squares[1] += before * before;
                squares[2] += (after - before) * (after - before);
            }
        }
    if (sums) {
        sums->gradient += sum_lanes<T>(squares[0]);
        sums->weight += sum_lanes<T>(squares[1]);
        sums->update += sum_lanes<T>(squares[2]);
    }
    if (layer.wt) {
        // W for the talk below: panels of inputs, a row for each output
        const int64_t input = strip * MR, output = panel * NR<T>, room = round_up(layer.outputs, MR);
        T *to = layer.wt + (input / NR<T> * room + output) * NR<T> + input % NR<T>;
        write_transposed(w, least(room - output, VECTORS * LANES<T>), to, NR<T>);
    }
}

// grad_{b_i}: grad_{a_i} summed over the batch; one panel, and its update
template <Rule RULE, bool CLIPS, class T>
static inline void biases(
    Job<T> &job, const Layer<T> &layer, const T *d, int64_t panel, int vectors, UpdateSums *sums) {
    const Update<T> u = job.update;
    for (int v = 0; v < vectors; ++v) {
        const int64_t e = panel * NR<T> + v * LANES<T>;
        Vector<T> gradient = {};
        for (int64_t n = 0; n < job.batch; ++n) gradient += load(d + n * NR<T> + v * LANES<T>);
        if constexpr (RULE == WRITE_OUT) {
            __builtin_memcpy(layer.out_grad_b + e, &gradient, least(LANES<T>, layer.outputs - e) * sizeof(T));
        } else if constexpr (RULE == NORM) {
            Squares<T> squares;
            squares.add(gradient, u.norm_unit);
            sums->gradient += squares.sum();
        } else {
            const Vector<T> clipped = CLIPS ? gradient * u.scale : gradient;
            store(layer.b + e, load(layer.b + e) + update_of<RULE>(u, clipped, layer.b1 + e, layer.b2 + e));
        }
    }
}

template <Rule RULE, bool CLIPS, class T>
static void weights_by(Job<T> &job, int i, int64_t panel, int64_t first, int64_t last, UpdateSums *sums) {
    const Layer<T> &layer = job.layers[i];
    const int64_t step = job.rows * NR<T>;
    const T *in = i ? job.layers[i - 1].h : job.x, *d = layer.d + panel * step;
    const int vectors = vectors_of<T>(panel, layer.outputs);
    if (sums) *sums = {0, 0, 0};
    if (first == 0) biases<RULE, CLIPS>(job, layer, d, panel, vectors, sums);
    for (int64_t strip = first; strip < last; ++strip) {
        const int64_t input = strip * MR;
        const T *h = in + input / NR<T> * step + input % NR<T>;
        if (vectors == 2)
            weights_tile<RULE, CLIPS, T, 2>(job, layer, h, d, panel, strip, sums);
        else
            weights_tile<RULE, CLIPS, T, 1>(job, layer, h, d, panel, strip, sums);
    }
}

template <Rule RULE, class T>
static void update_by(Job<T> &job, int i, int64_t panel, int64_t first, int64_t last, UpdateSums *sums) {
    if (job.layers[i].g)
        weights_by<RULE, true>(job, i, panel, first, last, sums);
    else
        weights_by<RULE, false>(job, i, panel, first, last, sums);
}

// weights: the talk to the weights of one panel of outputs, and to its biases with the first strip
template <class T>
static void weights(Job<T> &job, Rule rule, int layer, int64_t panel, int64_t first, int64_t last, UpdateSums *sums) {
    switch (rule) {
        case WRITE_OUT: return weights_by<WRITE_OUT, false>(job, layer, panel, first, last, sums);
        case SGD: return update_by<SGD>(job, layer, panel, first, last, sums);
        case MOMENTUM: return update_by<MOMENTUM>(job, layer, panel, first, last, sums);
        case NESTEROV: return update_by<NESTEROV>(job, layer, panel, first, last, sums);
        case ADAM: return update_by<ADAM>(job, layer, panel, first, last, sums);
        case NORM: return weights_by<NORM, false>(job, layer, panel, first, last, sums);
    }
}

extern const Kernels<float> single;
extern const Kernels<double> twice;
const Kernels<float> single = {NR<float>, MR, rows<float>, weights<float>, pack<float>, unpack<float>};
const Kernels<double> twice = {NR<double>, MR, rows<double>, weights<double>, pack<double>, unpack<double>};

}  // namespace VARIANT
}  // namespace backtalk
