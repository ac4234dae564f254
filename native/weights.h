// weights: the talk to the weights, which ends in the optimizer's update.
// Included by kernels.cpp inside the namespace of one instruction set.

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
