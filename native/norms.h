// What one example has to say: the norms of its h_{i-1} and grad_{a_i}, whose product is that of its grad_{W_i}; and its
// part in the sum over the batch, clipped or weighed. Included by kernels.cpp inside the namespace of one instruction set.

static inline double root_of(double x) { return __builtin_sqrt(x); }

// Between these no square of an entry that matters overflows or vanishes
template <class T>
struct SafeSquares;
template <>
struct SafeSquares<float> {
    static constexpr double LOWEST = 1e-25, HIGHEST = 1e30;
};
template <>
struct SafeSquares<double> {
    static constexpr double LOWEST = 1e-280, HIGHEST = 1e300;
};

// One row of panels that are `step` apart, whatever the size of its entries: in units of the largest, in double
template <class T>
static double scaled_norm(const T *row, int64_t step, int64_t columns) {
    double largest = 0, sum = 0;
    for (int64_t c = 0; c < columns; ++c) {
        const double value = __builtin_fabs(double(row[c / NR<T> * step + c % NR<T>]));
        if (!(value <= largest)) largest = value;  // NaN is taken, and stays: nothing is above it or equal
        if (largest != largest) return largest;
    }
    if (largest == 0 || largest > __DBL_MAX__) return largest;
    for (int64_t c = 0; c < columns; ++c) {
        const double value = double(row[c / NR<T> * step + c % NR<T>]) / largest;
        sum += value * value;
    }
    return largest * root_of(sum);
}

constexpr int64_t PANELS_OF_SQUARES = 64;  // that are added up in T, before their sum goes into one in double

// The norm of each of some rows, panel by panel: from one panel to the next it is far
template <class T>
static void norms_of_rows(const T *in, int64_t step, int64_t columns, int64_t rows, double *norms) {
    const int64_t panels = panels_of<T>(columns);
    for (int64_t n = 0; n < rows; ++n) norms[n] = 0;
    for (int64_t first = 0; first < panels; first += PANELS_OF_SQUARES) {
        Vector<T> squares[MOST_ROWS] = {};
        for (int64_t p = first; p < least(first + PANELS_OF_SQUARES, panels); ++p)
            for (int64_t n = 0; n < rows; ++n)
                for (int v = 0; v < vectors_of<T>(p, columns); ++v) {  // what stands beyond the last column is 0
                    const Vector<T> value = load(in + p * step + n * NR<T> + v * LANES<T>);
                    squares[n] += value * value;
                }
        for (int64_t n = 0; n < rows; ++n) norms[n] += double(sum_lanes<T>(squares[n]));
    }
    for (int64_t n = 0; n < rows; ++n) {
        const bool safe = norms[n] > SafeSquares<T>::LOWEST && norms[n] < SafeSquares<T>::HIGHEST;
        norms[n] = safe ? root_of(norms[n]) : scaled_norm(in + n * NR<T>, step, columns);
    }
}

// sqrt(a^2 + b^2), and where the squares could leave the range by the library's own way, which is slow
static inline double norm_of(double a, double b) {
    const double squares = a * a + b * b;
    return squares > 1e-280 && squares < 1e300 ? root_of(squares) : __builtin_hypot(a, b);
}

constexpr double SMALLEST = 1e-30;  // of a part that keeps its digits in float
constexpr double STABILITY = 0.01;  // gamma of Bu et al. 2022, as in core/clipping.py

// What a gradient of this norm is multiplied by; a norm that is not finite makes the sum so
static inline double clip_factor(Clipping clipping, double norm, double most_norm) {
    if (!(norm <= __DBL_MAX__)) return __builtin_nan("");
    if (clipping == AUTOMATIC) return most_norm / (norm + STABILITY);
    return norm <= most_norm ? 1 : most_norm / norm;
}

// The norms of each row, for each layer; and grad_a times the row's part in the sum, where one was asked for
template <class T>
static void judge_rows(Job<T> &job, int64_t first, int64_t last) {
    const int64_t step = job.rows * NR<T>;
    for (int i = 0; i < job.depth; ++i) {
        const Layer<T> &layer = job.layers[i];
        const T *in = i ? job.layers[i - 1].h : job.x;
        norms_of_rows(in + first * NR<T>, step, layer.inputs, last - first, layer.out_norm_h + first);
        norms_of_rows(layer.d + first * NR<T>, step, layer.outputs, last - first, layer.out_norm_a + first);
    }
    const bool per_layer = job.clipping == PER_LAYER;  // the norms of L layers, each at most C/sqrt(L), have one of C
    const double most_norm = per_layer ? job.most_norm / root_of(job.depth) : job.most_norm;
    for (int64_t n = first; n < last; ++n) {
        const auto norm_at = [&](const Layer<T> &layer) { return layer.out_norm_a[n] * norm_of(layer.out_norm_h[n], 1); };
        double whole = 0;
        for (int i = 0; i < job.depth && most_norm > 0; ++i) whole = norm_of(whole, norm_at(job.layers[i]));
        for (int i = 0; i < job.depth; ++i) {
            const Layer<T> &layer = job.layers[i];
            double part = job.share * (job.parts ? job.parts[n] : 1);
            if (most_norm > 0) part *= clip_factor(job.clipping, per_layer ? norm_at(layer) : whole, most_norm);
            if (part == 1) continue;
            for (int64_t p = 0; p < panels_of<T>(layer.outputs); ++p) {
                T *d = layer.d + p * step + n * NR<T>;
                if (part >= SMALLEST)
                    for (int v = 0; v < 2; ++v) store(d + v * LANES<T>, load(d + v * LANES<T>) * T(part));
                else  // a part that a T may not hold
                    for (int e = 0; e < NR<T>; ++e) d[e] = part == 0 ? T(0) : T(double(d[e]) * part);
            }
            T *in = i ? job.layers[i - 1].h : job.x;  // no part, also of an h that is inf
            for (int64_t p = 0; part == 0 && p < panels_of<T>(layer.inputs); ++p)
                __builtin_memset(in + p * step + n * NR<T>, 0, NR<T> * sizeof(T));
        }
    }
}
