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

// Rows first ... last - 1: yhat, l = -sum_j t_j log yhat_j with log yhat_j = (a_j - max a) - log sum, which is finite for
// every finite a, and grad_a = (yhat - t) w. Where t_j = 1, yhat_j - 1 is written as -(the sum of the others), whose
// digits yhat_j has rounded away. The KL divergence is less than l by the entropy of t, and has the same gradients.
template <class T>
static void softmax_with_cross_entropy(Job<T> &job, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    const int64_t units = layer.outputs, step = job.rows * NR<T>;
    const Vector<T> zero = {};
    T most[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    for (int64_t begin = first; begin < last; begin += SOFTMAX_ROWS) {
        const int64_t rows = last - begin < SOFTMAX_ROWS ? last - begin : SOFTMAX_ROWS;
        const T *a = layer.h + begin * NR<T>;
        T *d = layer.d + begin * NR<T>;
        exponentials(a, d, units, step, rows, most, sum);
        for (int64_t r = 0; r < rows; ++r) {
            const int64_t n = begin + r, example = job.order ? job.order[n] : n;
            const T scale = T(1) / sum[r];
            T *row = d + r * NR<T>;
            each_register<T>(units, step, [&](int64_t, int64_t at) { store(row + at, load(row + at) * scale); });
            if (layer.out_h)
                for (int64_t j = 0; j < units; ++j) layer.out_h[n * units + j] = row[j / NR<T> * step + j % NR<T>];
            if (!job.backward) continue;
            const T given = T(double(job.weight ? job.weight[example] : T(1)) / job.weight_sum);
            const T weight = given > 0 ? given : T(0);
            const int64_t label = job.target ? -1 : job.labels[n];
            const T *targets = job.target ? job.target + example * units : nullptr;
            const auto target = [&](int64_t j) {  // the register at unit j
                Vector<T> t = {};
                if (targets)
                    __builtin_memcpy(&t, targets + j, (units - j < LANES<T> ? units - j : LANES<T>) * sizeof(T));
                return t;
            };
            const auto certain = [&](int64_t j) {
                return targets ? target(j) == T(1) : lane_numbers<T>() == int(label - j);
            };
            if (layer.out_grad_h)
                for (int64_t j = 0; j < units; ++j) {
                    const T t = targets ? targets[j] : T(j == label);
                    layer.out_grad_h[n * units + j] = share(-quotient(t, row[j / NR<T> * step + j % NR<T>]), given);
                }
            Vector<T> sums = {}, losses = {};
            each_register<T>(units, step, [&](int64_t j, int64_t at) {
                const Vector<T> yhat = load(row + at);
                sums += certain(j) ? yhat - yhat : yhat;  // 0 for a number, and NaN stays NaN
                if (!targets) return;
                const Vector<T> t = target(j);
                // halves: the distance of two numbers may be larger than any
                const Vector<T> half = (load(a + r * NR<T> + at) * T(0.5) - most[r] * T(0.5)) - log_of(sum[r]) * T(0.5);
                losses -= t == T(0) ? zero : T(2) * t * half;
            });
            const T rest = sum_lanes<T>(sums);  // 1 - yhat of the certain unit, or 1 where there is none
            const Vector<T> others = zero - rest;
            each_register<T>(units, step, [&](int64_t j, int64_t at) {
                const Vector<T> grad = certain(j) ? others : load(row + at) - target(j);
                store(row + at, grad * weight);
            });
            T entropy = 0;  // of t, which is 0 where a unit is certain
            for (int64_t j = 0; job.loss == KL_DIVERGENCE && j < units; ++j)
                if (targets[j] > 0) entropy -= targets[j] * log_of(targets[j]);
            const T loss = targets ? sum_lanes<T>(losses) - entropy
                                   : log_of(sum[r]) - (a[r * NR<T> + label / NR<T> * step + label % NR<T>] - most[r]);
            job.losses[n] = share(rest < T(0.5) ? -log1p_of(-rest) : loss, given);
            if (layer.out_grad_a)
                for (int64_t j = 0; j < units; ++j)
                    layer.out_grad_a[n * units + j] = row[j / NR<T> * step + j % NR<T>];
        }
    }
}
