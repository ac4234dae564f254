// The talk to the output units for softmax with cross-entropy, stage by stage over the rows of a block: each stage is
// short, so that the processor works on several rows at once. Included by kernels.cpp.

constexpr int64_t SOFTMAX_ROWS = 32;

// f(register of unit j, j + 1, ..., its place behind the row's first unit) for every register of a row that holds units
template <class T, class F>
static inline void each_register(int64_t units, int64_t panel_step, F f) {
    for (int64_t j = 0; j < units; j += LANES<T>) f(j, j / NR<T> * panel_step + j % NR<T>);
}

// Which lanes of the register at unit j hold units
template <class T>
static inline typename Registers<T>::Bits inside(int64_t j, int64_t units) {
    return lane_numbers<T>() < int(units - j < LANES<T> ? units - j : LANES<T>);
}

// e^(a_j - max a) to `to`, with max and sum for each row
template <class T>
static inline void exponentials(const T *a, T *to, int64_t units, int64_t step, int64_t rows, T *most, T *sum) {
    const Vector<T> lowest = spread<T>(-T(__builtin_inf())), zero = {};
    for (int64_t r = 0; r < rows; ++r) {
        Vector<T> peaks = lowest;
        each_register<T>(units, step, [&](int64_t j, int64_t at) {
            const Vector<T> next = inside<T>(j, units) ? load(a + r * NR<T> + at) : lowest;
            peaks = next > peaks ? next : peaks;
        });
        most[r] = largest_lane<T>(peaks);
    }
    for (int64_t r = 0; r < rows; ++r) {
        Vector<T> sums = {};
        each_register<T>(units, step, [&](int64_t j, int64_t at) {
            const Vector<T> e = power<T>(load(a + r * NR<T> + at) - most[r]).exp();
            const Vector<T> kept = inside<T>(j, units) ? e : zero;
            store(to + r * NR<T> + at, kept);
            sums += kept;
        });
        sum[r] = sum_lanes<T>(sums);
    }
}

// What is known of each of SOFTMAX_ROWS rows
template <class T>
struct SoftmaxRows {
    alignas(64) T most[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];  // max a; sum of e^(a_j - max a)
    alignas(64) T scale[SOFTMAX_ROWS], log_sum[SOFTMAX_ROWS];
    alignas(64) T rest[SOFTMAX_ROWS];   // 1 - yhat of the unit that is certain, or 1 if none is
    alignas(64) T loss[SOFTMAX_ROWS];   // without what the row weighs
    T given[SOFTMAX_ROWS];  // what it weighs
};

// f(place of a register's first row) for registers over SOFTMAX_ROWS rows
template <class T, class F>
static inline void over_rows(F f) {
    for (int64_t r = 0; r < SOFTMAX_ROWS; r += LANES<T>) f(r);
}

// grad_a from yhat, for labels: t_j is 1 at the label
template <class T>
static inline void talk_of_labels(Job<T> &job, int64_t begin, int64_t rows, SoftmaxRows<T> &of) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    const int64_t units = layer.outputs, step = job.rows * NR<T>;
    T *d = layer.d + begin * NR<T>;
    const int64_t *labels = job.labels + begin;
    for (int64_t r = 0; r < rows; ++r) {
        const int64_t at = r * NR<T> + labels[r] / NR<T> * step + labels[r] % NR<T>;
        of.loss[r] = of.log_sum[r] - (layer.h[begin * NR<T> + at] - of.most[r]);
        for (int64_t j = 0; layer.out_grad_h && j < units; ++j) {
            const T yhat = d[r * NR<T> + j / NR<T> * step + j % NR<T>];
            layer.out_grad_h[(begin + r) * units + j] = share(-quotient(T(j == labels[r]), yhat), of.given[r]);
        }
        const T yhat = d[at];
        d[at] = yhat - yhat;  // 0 for a number, and NaN stays NaN
    }
    for (int64_t r = 0; r < rows; ++r) {
        Vector<T> sums = {};
        each_register<T>(units, step, [&](int64_t, int64_t at) { sums += load(d + r * NR<T> + at); });
        of.rest[r] = sum_lanes<T>(sums);
        d[r * NR<T> + labels[r] / NR<T> * step + labels[r] % NR<T>] = T(0) - of.rest[r];
    }
    for (int64_t r = 0; r < rows; ++r) {  // a loop of its own: a number that was just written is read late
        const T weight = of.given[r] > 0 ? of.given[r] : T(0);
        each_register<T>(units, step, [&](int64_t, int64_t at) {
            store(d + r * NR<T> + at, load(d + r * NR<T> + at) * weight);
        });
    }
}

// grad_a from yhat, for targets of any kind
template <class T>
static inline void talk_of_targets(Job<T> &job, int64_t begin, int64_t rows, SoftmaxRows<T> &of) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    const int64_t units = layer.outputs, step = job.rows * NR<T>;
    const Vector<T> zero = {};
    for (int64_t r = 0; r < rows; ++r) {
        const int64_t n = begin + r;
        const T *a = layer.h + n * NR<T>, *targets = job.target + (job.order ? job.order[n] : n) * units;
        T *row = layer.d + n * NR<T>;
        const T weight = of.given[r] > 0 ? of.given[r] : T(0);
        const auto target = [&](int64_t j) {  // the register at unit j
            Vector<T> t = {};
            __builtin_memcpy(&t, targets + j, least(units - j, LANES<T>) * sizeof(T));
            return t;
        };
        for (int64_t j = 0; layer.out_grad_h && j < units; ++j)
            layer.out_grad_h[n * units + j] =
                share(-quotient(targets[j], row[j / NR<T> * step + j % NR<T>]), of.given[r]);
        Vector<T> sums = {}, losses = {};
        each_register<T>(units, step, [&](int64_t j, int64_t at) {
            const Vector<T> yhat = load(row + at), t = target(j);
            sums += t == T(1) ? yhat - yhat : yhat;  // 0 for a number, and NaN stays NaN
            // halves: the distance of two numbers may be larger than any
            const Vector<T> half = (load(a + at) * T(0.5) - of.most[r] * T(0.5)) - of.log_sum[r] * T(0.5);
            losses -= t == T(0) ? zero : T(2) * t * half;
        });
        of.rest[r] = sum_lanes<T>(sums);
        const Vector<T> others = zero - of.rest[r];
        each_register<T>(units, step, [&](int64_t j, int64_t at) {
            const Vector<T> t = target(j), grad = t == T(1) ? others : load(row + at) - t;
            store(row + at, grad * weight);
        });
        T entropy = 0;  // of t, which is 0 where a unit is certain
        for (int64_t j = 0; job.loss == KL_DIVERGENCE && j < units; ++j)
            if (targets[j] > 0) entropy -= targets[j] * log_of(targets[j]);
        of.loss[r] = sum_lanes<T>(losses) - entropy;
    }
}

// Rows first ... last - 1: yhat, l = -sum_j t_j log yhat_j with log yhat_j = (a_j - max a) - log sum, which is finite for
// every finite a, and grad_a = (yhat - t) w. Where t_j = 1, yhat_j - 1 is written as -(the sum of the others), whose
// digits yhat_j has rounded away. The KL divergence is less than l by the entropy of t, and has the same gradients.
template <class T>
static void softmax_with_cross_entropy(Job<T> &job, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    const int64_t units = layer.outputs, step = job.rows * NR<T>;
    const Vector<T> zero = {};
    const T mean_weight = T(1 / job.weight_sum);
    SoftmaxRows<T> of;
    for (int64_t r = 0; r < SOFTMAX_ROWS; ++r) of.sum[r] = of.rest[r] = 1, of.loss[r] = 0;  // also of rows that are none
    for (int64_t begin = first; begin < last; begin += SOFTMAX_ROWS) {
        const int64_t rows = least(SOFTMAX_ROWS, last - begin);
        const T *a = layer.h + begin * NR<T>;
        T *d = layer.d + begin * NR<T>;
        exponentials(a, d, units, step, rows, of.most, of.sum);
        over_rows<T>([&](int64_t r) {
            store(of.scale + r, T(1) / load(of.sum + r));
            store(of.log_sum + r, log_lanes<T>(load(of.sum + r)));
        });
        for (int64_t r = 0; r < rows; ++r) {
            T *row = d + r * NR<T>;
            const T scale = of.scale[r];
            each_register<T>(units, step, [&](int64_t, int64_t at) { store(row + at, load(row + at) * scale); });
            if (layer.out_h)
                for (int64_t j = 0; j < units; ++j)
                    layer.out_h[(begin + r) * units + j] = row[j / NR<T> * step + j % NR<T>];
        }
        if (!job.backward) continue;
        for (int64_t r = 0; r < rows; ++r)
            of.given[r] = job.weight ? T(double(job.weight[job.order ? job.order[begin + r] : begin + r]) / job.weight_sum)
                                     : mean_weight;
        if (job.target)
            talk_of_targets(job, begin, rows, of);
        else
            talk_of_labels(job, begin, rows, of);
        over_rows<T>([&](int64_t r) {  // -log(1 - rest), if that keeps more digits
            const Vector<T> rest = load(of.rest + r), few = rest < T(0.5) ? rest : zero;
            const Vector<T> of_few = twice_atanh<T>(few / (T(2) - few));
            store(of.loss + r, rest < T(0.5) ? of_few : load(of.loss + r));
        });
        for (int64_t r = 0; r < rows; ++r) {
            job.losses[begin + r] = share(of.loss[r], of.given[r]);
            if (layer.out_grad_a)
                for (int64_t j = 0; j < units; ++j)
                    layer.out_grad_a[(begin + r) * units + j] = d[r * NR<T> + j / NR<T> * step + j % NR<T>];
        }
    }
}
