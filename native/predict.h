// Prediction: rows through a layer, of which nothing is kept but what the next layer reads. Every element is summed in
// the order of forward.h, from b through the inputs, so yhat has the same bits. Here h stands row by row, and the first
// layer reads the caller's X where it lies. Included by kernels.cpp inside the namespace of one instruction set.

constexpr int64_t PREDICTED_BLOCK = 64 / TILE * TILE;  // rows that go through all layers together

// Element (row r, column c of panel p) stands at r * row + p * panel + c
template <class T>
struct Place {
    T *data;
    int64_t row, panel;
    Place at(int64_t r, int64_t p) const { return {data + r * row + p * panel, row, panel}; }
};

// out = start + in * w for ROWS rows and PANELS panels
template <class T, int ROWS, int PANELS>
static inline void predict_tile(const T *in, int64_t in_step, int64_t inputs, Place<const T> w, Place<const T> start,
                                Place<T> out) {
    Vector<T> sums[ROWS][2 * PANELS];
    const auto column = [](int v) { return v % 2 * LANES<T>; };
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < 2 * PANELS; ++v) sums[r][v] = load(start.at(r, v / 2).data + column(v));
    for (int64_t k = 0; k < inputs; ++k) {
        Vector<T> weights[2 * PANELS];
#pragma GCC unroll 8
        for (int v = 0; v < 2 * PANELS; ++v) weights[v] = load(w.at(k, v / 2).data + column(v));
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < 2 * PANELS; ++v) sums[r][v] += in[r * in_step + k] * weights[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < 2 * PANELS; ++v) store(out.at(r, v / 2).data + column(v), sums[r][v]);
}

// ROWS rows through so many panels: few rows take several at once, whose sums hide one another's latency. A function
// of its own, since GCC keeps some of the sums in memory where it is part of a larger one.
template <class T, int ROWS>
static __attribute__((noinline)) void predict_tiles(const T *in, int64_t in_step, int64_t inputs, int64_t panels,
                                                    Place<const T> w, Place<const T> start, Place<T> out) {
    constexpr int PANELS = ROWS == 1 ? 4 : ROWS == 2 ? 2 : 1;
    int64_t p = 0;
    for (; p + PANELS <= panels; p += PANELS)
        predict_tile<T, ROWS, PANELS>(in, in_step, inputs, w.at(0, p), start.at(0, p), out.at(0, p));
    if constexpr (PANELS == 4)
        for (; p + 2 <= panels; p += 2)
            predict_tile<T, ROWS, 2>(in, in_step, inputs, w.at(0, p), start.at(0, p), out.at(0, p));
    for (; p < panels; ++p)
        predict_tile<T, ROWS, 1>(in, in_step, inputs, w.at(0, p), start.at(0, p), out.at(0, p));
}

template <class T, int ROWS = TILE>
static inline int64_t some_tiles(int64_t rows, const T *in, int64_t in_step, int64_t inputs, int64_t panels,
                                 Place<const T> w, Place<const T> start, Place<T> out) {
    if constexpr (ROWS > 1)
        if (rows < ROWS) return some_tiles<T, ROWS - 1>(rows, in, in_step, inputs, panels, w, start, out);
    predict_tiles<T, ROWS>(in, in_step, inputs, panels, w, start, out);
    return ROWS;
}

// a_i = W_i h_{i-1} + b_i, of so many panels from the first on
template <class T>
static void predict_sums(const Layer<T> &layer, const T *in, int64_t in_step, int64_t rows, int64_t first,
                         int64_t panels, Place<T> out) {
    const Place<const T> w = {layer.w, NR<T>, round_up(layer.inputs, MR) * NR<T>}, b = {layer.b, 0, NR<T>};
    const bool few = rows <= TILE;  // which read W once, straight ahead
    const int64_t part = few ? layer.inputs : least(INPUTS_AT_ONCE<T>, layer.inputs);
    const int64_t most = few ? panels : INPUTS_AT_ONCE<T> / part;
    for (int64_t k = 0; k < layer.inputs; k += part)
        for (int64_t p = first; p < first + panels; p += most)
            for (int64_t r = 0, group = least(most, first + panels - p); r < rows;) {
                const Place<T> to = out.at(r, p);
                const Place<const T> start = k ? Place<const T>{to.data, to.row, to.panel} : b.at(0, p);
                r += some_tiles<T>(rows - r, in + r * in_step + k, in_step, least(part, layer.inputs - k), group,
                                   w.at(k, p), start, to);
            }
}

// h_i = g(a_i), of so many panels from the first on, row by row
template <class T>
static void predict_hidden(const Layer<T> &layer, const T *in, int64_t in_step, int64_t rows, int64_t first,
                           int64_t panels, T *h, int64_t h_step) {
    predict_sums<T>(layer, in, in_step, rows, first, panels, {h, h_step, NR<T>});
    const int64_t whole = h_step == panels * NR<T> ? rows : 1;
    for (int64_t r = 0; r < rows; r += whole)
        activate<T>(layer.activation, layer.parameter, whole * panels * NR<T>, h + r * h_step + first * NR<T>, nullptr);
}

// Rows in panels to a row-major array; each register through change(register, row)
template <class T, class F>
static inline void write_rows(const T *in, int64_t step, int64_t units, int64_t rows, T *out, F change) {
    // A whole register that ends beyond its row is overwritten by the next rows, where there are any
    const int64_t whole = rows - (LANES<T> + units - 1) / units;
    for (int64_t r = 0; r < rows; ++r)
        each_register<T>(units, step, [&](int64_t j, int64_t at) {
            const Vector<T> values = change(load(in + r * NR<T> + at), r);
            if (r < whole) store(out + r * units + j, values);
            else __builtin_memcpy(out + r * units + j, &values, least(LANES<T>, units - j) * sizeof(T));
        });
}

// yhat = O(a_L), row-major, and a_L where it is wanted. room: for the rows in panels, twice for softmax
template <class T>
static void predict_output(const Layer<T> &layer, const T *in, int64_t in_step, int64_t rows, T *room, T *a, T *yhat) {
    const int64_t units = layer.outputs, panels = panels_of<T>(units), step = rows * NR<T>;
    const auto same = [](Vector<T> values, int64_t) { return values; };
    predict_sums<T>(layer, in, in_step, rows, 0, panels, {room, NR<T>, step});
    if (a) write_rows(room, step, units, rows, a, same);
    if (layer.activation != SOFTMAX) {
        activate<T>(layer.activation, layer.parameter, panels * step, room, nullptr);
        return write_rows(room, step, units, rows, yhat, same);
    }
    T *powers = room + panels * step, most[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    for (int64_t begin = 0; begin < rows; begin += SOFTMAX_ROWS) {
        const int64_t count = least(SOFTMAX_ROWS, rows - begin), at = begin * NR<T>;
        exponentials(room + at, powers + at, units, step, count, most, sum);
        write_rows(powers + at, step, units, count, yhat + begin * units,
                   [&](Vector<T> power, int64_t r) { return power * (T(1) / sum[r]); });
    }
}
