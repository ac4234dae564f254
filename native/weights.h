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

// A sum of many parts, which keeps what each addition rounds away (Knuth's two-sum)
template <class T>
struct Total {
    Vector<T> sum = {}, lost = {};
    inline __attribute__((always_inline)) void add(Vector<T> part) {
        const Vector<T> next = sum + part, added = next - sum;
        lost += (sum - (next - added)) + (part - added);
        sum = next;
    }
    inline __attribute__((always_inline)) Vector<T> value() const {  // of a sum that is not finite, `lost` is NaN
        return lost == lost ? sum + lost : sum;
    }
};

// Sums over the batch are made in parts of so many rows, and of so many parts: one running sum loses a digit with every
// ten times more rows. The rows of a part, of a panel of h and of one of d, fill the first cache.
constexpr int64_t ROWS_OF_PART = 256, PARTS_OF_SUM = 16;

// f(place of a register) for each register of some rows of a panel
template <class T, int VECTORS, class F>
static inline __attribute__((always_inline)) void over_registers(int64_t rows, F f) {
    for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) f(r * NR<T> + v * LANES<T>);
}

// The sum over some rows of d h^T, for a tile of inputs
template <class T, int ROWS, int VECTORS>
static inline void tile_of_gradient(const T *h, const T *d, int64_t rows, T *gradient) {
    Vector<T> sums[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) sums[r][v] = Vector<T>{};
    multiply<T, ROWS, VECTORS, 1, NR<T>>(h, d, rows, sums);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) store(gradient + r * NR<T> + v * LANES<T>, sums[r][v]);
}

// The same for `height` inputs of a panel, whole strips
template <class T, int VECTORS>
static inline void part_of_gradient(const T *h, const T *d, int64_t rows, int64_t height, T *gradient) {
    for (int64_t input = 0, done; input < height; input += done) {
        done = tile_height(height - input);
        if (done == TILE)
            tile_of_gradient<T, TILE, VECTORS>(h + input, d, rows, gradient + input * NR<T>);
        else
            tile_of_gradient<T, 4, VECTORS>(h + input, d, rows, gradient + input * NR<T>);
    }
}

// What follows in the sum after its first part, which stands in `gradient`
template <class T, int VECTORS>
static __attribute__((noinline)) void add_more_parts(
    const T *h, const T *d, int64_t batch, int64_t height, T *gradient) {
    alignas(64) T part[NR<T> * NR<T>];
    Total<T> totals[NR<T>][VECTORS];
    const auto total_at = [&](int64_t e) -> Total<T> & { return totals[e / NR<T>][e % NR<T> / LANES<T>]; };
    const auto add_up = [&] {
        over_registers<T, VECTORS>(height, [&](int64_t e) {
            total_at(e).add(load(gradient + e));
            store(gradient + e, Vector<T>{});
        });
    };
    int64_t parts = 1;
    for (int64_t n = ROWS_OF_PART; n < batch; n += ROWS_OF_PART, ++parts) {
        if (parts % PARTS_OF_SUM == 0) add_up();
        part_of_gradient<T, VECTORS>(h + n * NR<T>, d + n * NR<T>, least(batch - n, ROWS_OF_PART), height, part);
        over_registers<T, VECTORS>(
            height, [&](int64_t e) { store(gradient + e, load(gradient + e) + load(part + e)); });
    }
    if (parts <= PARTS_OF_SUM) return;
    add_up();
    over_registers<T, VECTORS>(height, [&](int64_t e) { store(gradient + e, total_at(e).value()); });
}

// Over the whole batch
template <class T, int VECTORS>
static inline void whole_gradient(const T *h, const T *d, int64_t batch, int64_t height, T *gradient) {
    part_of_gradient<T, VECTORS>(h, d, least(batch, ROWS_OF_PART), height, gradient);
    if (batch > ROWS_OF_PART) add_more_parts<T, VECTORS>(h, d, batch, height, gradient);
}

// The sum of the rows of a panel of d
template <class T>
static inline void sum_of_rows(const T *d, int64_t batch, Total<T> (&totals)[2]) {
    for (int64_t first = 0; first < batch; first += SUM_ROWS) {
        Vector<T> parts[2] = {};
        for (int64_t n = first; n < least(first + SUM_ROWS, batch); ++n)
            for (int v = 0; v < 2; ++v) parts[v] += load(d + n * NR<T> + v * LANES<T>);
        for (int v = 0; v < 2; ++v) totals[v].add(parts[v]);
    }
}

// W^T, `height` inputs of a panel of outputs from one on, to W for the talk below: panels of inputs, a row for each output
template <class T>
static inline void write_mirror(const T *w, const Layer<T> &layer, int64_t panel, int64_t input, int64_t height, T *wt) {
    const int64_t output = panel * NR<T>, room = round_up(layer.outputs, MR);
    T *to = wt + (input / NR<T> * room + output) * NR<T> + input % NR<T>;
    const int64_t columns = vectors_of<T>(panel, layer.outputs) * LANES<T>;
    for (int64_t r = 0; r < height; r += MR)
        write_transposed(w + r * NR<T>, least(room - output, columns), to + r, NR<T>);
}

template <class T>
static inline __attribute__((always_inline)) Vector<T> kept(T *place, Vector<T> value) {
    store(place, value);
    return value;
}

// One register of parameters: from the gradient to what is added to the parameter, by the formulas of core/optimizers.
// state: the optimizer's arrays, of which this register stands at e.
template <Rule RULE, class T>
static inline __attribute__((always_inline)) Vector<T> update_of(
    const Update<T> &u, Vector<T> gradient, T *const *state, int64_t e) {
    const auto old = [=](int k) { return load(state[k] + e); };
    const auto mean = [&](int k) { return kept<T>(state[k] + e, u.beta_1 * old(k) + u.rest_1 * gradient); };
    const auto mean_square = [&](int k) {
        return kept<T>(state[k] + e, u.beta_2 * old(k) + u.rest_2 * gradient * gradient);
    };
    if constexpr (RULE == ADAM) {
        const Vector<T> m = mean(0), v = mean_square(1);
        return -u.step * m / (root_lanes<T>(v) * u.root_correction + u.epsilon);
    } else if constexpr (RULE == MOMENTUM || RULE == NESTEROV) {
        const Vector<T> velocity = kept<T>(state[0] + e, u.momentum * old(0) - u.learning_rate * gradient);
        return RULE == MOMENTUM ? velocity : u.momentum * velocity - u.learning_rate * gradient;
    } else if constexpr (RULE == ADAGRAD) {
        const Vector<T> sum = kept<T>(state[0] + e, old(0) + gradient * gradient);
        return -u.learning_rate * gradient / (root_lanes<T>(sum) + u.epsilon);
    } else if constexpr (RULE == RMSPROP || RULE == RMSPROP_MOMENTUM || RULE == RMSPROP_CENTERED || RULE == RMSPROP_BOTH) {
        Vector<T> spread = mean_square(0);
        if constexpr (RULE == RMSPROP_CENTERED || RULE == RMSPROP_BOTH) {
            const Vector<T> m = kept<T>(state[1] + e, u.beta_2 * old(1) + u.rest_2 * gradient), zero = {};
            spread = spread - m * m;
            spread = spread < T(0) ? zero : spread;  // rounding must not make a variance of 0 negative
        }
        Vector<T> step = gradient / (root_lanes<T>(spread) + u.epsilon);
        constexpr int LAST = states_of(RULE) - 1;
        if constexpr (RULE == RMSPROP_MOMENTUM || RULE == RMSPROP_BOTH)
            step = kept<T>(state[LAST] + e, u.momentum * old(LAST) + step);
        return -u.learning_rate * step;
    } else if constexpr (RULE == ADADELTA) {
        const Vector<T> v = mean_square(0), before = old(1);
        const Vector<T> step = root_lanes<T>(before + u.epsilon) / root_lanes<T>(v + u.epsilon) * gradient;
        store(state[1] + e, u.beta_2 * before + u.rest_2 * step * step);
        return -u.learning_rate * step;
    } else if constexpr (RULE == AMSGRAD) {
        const Vector<T> m = mean(0), v = mean_square(1), before = old(2);
        const Vector<T> largest = kept<T>(state[2] + e, before > v ? before : v);
        return -u.step * m / (root_lanes<T>(largest) * u.root_correction + u.epsilon);
    } else if constexpr (RULE == ADAMAX) {
        const Vector<T> m = mean(0), size = absolute<T>(gradient) + u.epsilon, before = u.beta_2 * old(1);
        return -u.step * m / kept<T>(state[1] + e, before > size ? before : size);
    } else if constexpr (RULE == NADAM) {
        const Vector<T> m = mean(0), v = mean_square(1);
        return -(u.step * m + u.gradient_step * gradient) / (root_lanes<T>(v) * u.root_correction + u.epsilon);
    } else if constexpr (RULE == LION) {
        const Vector<T> before = old(0), one = spread<T>(T(1));
        const Vector<T> ahead = u.beta_1 * before + u.rest_1 * gradient;
        store(state[0] + e, u.beta_2 * before + u.rest_2 * gradient);
        const Vector<T> down = ahead < T(0) ? -one : ahead;
        return -u.learning_rate * (ahead > T(0) ? one : down);
    } else {
        return -u.learning_rate * gradient;
    }
}

// grad_{W_i} = grad_{a_i} h_{i-1}^T for `height` inputs, whole strips of a panel of them (transposed: a row of W^T is an
// input), and one panel of outputs; and the update
template <Rule RULE, bool CLIPS, class T, int VECTORS>
static inline void weights_block(Job<T> &job, int i, const Layer<T> &layer, const T *h, const T *d, int64_t panel, int64_t input,
                                 int64_t height, UpdateSums *sums) {
    const int64_t offset = (panel * round_up(layer.inputs, MR) + input) * NR<T>;
    constexpr bool UPDATES = RULE != WRITE_OUT && RULE != NORM;
    constexpr int STATES = states_of(RULE);  // there are no others to point into
    T *w = layer.w + offset, *state[MOST_STATES] = {};
    for (int k = 0; k < STATES; ++k) state[k] = layer.w_state[k] + offset;
    if (UPDATES && job.prefetch)  // on their way while the product runs
        for (int64_t line = 0; line < height * NR<T>; line += 64 / int(sizeof(T))) {
            __builtin_prefetch(w + line, 1);
            for (int k = 0; k < STATES; ++k) __builtin_prefetch(state[k] + line, 1);
        }
    alignas(64) T found[NR<T> * NR<T>];
    const T *gradient = found;
    if constexpr (UPDATES && CLIPS) {
        gradient = layer.g + offset;
    } else {
        whole_gradient<T, VECTORS>(h, d, job.batch, height, found);
        if (job.deviation > 0) add_noise(job, i, panel, input, least(input + height, layer.inputs), found);
    }
    if constexpr (RULE == WRITE_OUT) {
        for (int64_t r = 0; r < height; r += MR)
            write_out(gradient + r * NR<T>, layer, panel, (input + r) / MR, layer.out_grad_w);
        return;
    }
    const Update<T> u = job.update;
    if constexpr (RULE == NORM) {
        Squares<T> squares;
        over_registers<T, VECTORS>(height, [&](int64_t e) {
            const Vector<T> g = load(gradient + e);
            store(layer.g + offset + e, g);
            squares.add(g + u.l2_penalty * load(w + e), u.norm_unit);
        });
        sums->gradient += squares.sum();
        return;
    }
    Vector<T> squares[3] = {};
    over_registers<T, VECTORS>(height, [&](int64_t e) {
        const Vector<T> before = load(w + e), g = load(gradient + e) + u.l2_penalty * before;
        const Vector<T> clipped = CLIPS ? g * u.scale : g;
        const Vector<T> after = before * u.keep + update_of<RULE>(u, clipped, state, e);
        store(w + e, after);
        if (sums) {
            squares[0] += g * g;
            squares[1] += before * before;
            squares[2] += (after - before) * (after - before);
        }
    });
    if (sums) {
        sums->gradient += sum_lanes<T>(squares[0]);
        sums->weight += sum_lanes<T>(squares[1]);
        sums->update += sum_lanes<T>(squares[2]);
    }
    if (layer.wt) write_mirror(w, layer, panel, input, height, layer.wt);
}

// grad_{b_i}: grad_{a_i} summed over the batch; one panel, and its update
template <Rule RULE, bool CLIPS, class T>
static inline void biases(
    Job<T> &job, int i, const Layer<T> &layer, const T *d, int64_t panel, int vectors, UpdateSums *sums) {
    const Update<T> u = job.update;
    Total<T> totals[2];
    sum_of_rows(d, job.batch, totals);
    alignas(64) T found[NR<T>];
    for (int v = 0; v < 2; ++v) store(found + v * LANES<T>, totals[v].value());
    if (job.deviation > 0) add_noise(job, i, panel, layer.inputs, layer.inputs + 1, found);
    for (int v = 0; v < vectors; ++v) {
        const int64_t e = panel * NR<T> + v * LANES<T>;
        const Vector<T> gradient = load(found + v * LANES<T>);
        if constexpr (RULE == WRITE_OUT) {
            __builtin_memcpy(layer.out_grad_b + e, &gradient, least(LANES<T>, layer.outputs - e) * sizeof(T));
        } else if constexpr (RULE == NORM) {
            Squares<T> squares;
            store(layer.g_b + e, gradient);
            squares.add(gradient, u.norm_unit);
            sums->gradient += squares.sum();
        } else {
            const Vector<T> clipped = CLIPS ? gradient * u.scale : gradient;
            store(layer.b + e, load(layer.b + e) + update_of<RULE>(u, clipped, layer.b_state, e));
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
    if (first == 0) biases<RULE, CLIPS>(job, i, layer, d, panel, vectors, sums);
    for (int64_t input = first * MR, height; input < last * MR; input += height) {
        height = least(last * MR, round_up(input + 1, NR<T>)) - input;
        const T *h = in + input / NR<T> * step + input % NR<T>;
        if (vectors == 2)
            weights_block<RULE, CLIPS, T, 2>(job, i, layer, h, d, panel, input, height, sums);
        else
            weights_block<RULE, CLIPS, T, 1>(job, i, layer, h, d, panel, input, height, sums);
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
#define UPDATE(kind, name, states) \
    case kind: return update_by<kind>(job, layer, panel, first, last, sums);
    switch (rule) {
        case WRITE_OUT: return weights_by<WRITE_OUT, false>(job, layer, panel, first, last, sums);
        case NORM: return weights_by<NORM, false>(job, layer, panel, first, last, sums);
        RULE_KINDS(UPDATE)
    }
#undef UPDATE
}
