// The register tile that all three kernels share, products made of it, and the transposition of small blocks.
// Included by kernels.cpp inside the namespace of one instruction set.

template <class T>
constexpr int NR = 2 * LANES<T>;  // columns of a panel: two registers
constexpr int MR = STRIP_ROWS;    // rows of W^T that are updated and transposed together
constexpr int TILE = TILE_ROWS;   // rows of a tile of the products in forward and hidden

static inline int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }
static inline int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// accumulator[r][v] += sum over k of a[r * ROW + k * STEP] * b[k * NR + v * lanes], k = 0 ... steps - 1, in this order
template <class T, int ROWS, int VECTORS, int ROW, int STEP>
static inline __attribute__((always_inline)) void multiply(
    const T *__restrict a, const T *__restrict b, int64_t steps, Vector<T> (&accumulator)[ROWS][VECTORS]) {
    for (int64_t k = 0; k < steps; ++k) {
        Vector<T> column[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) column[v] = load(b + v * LANES<T>);
#pragma GCC unroll 16
        for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) accumulator[r][v] += a[r * ROW] * column[v];
        a += STEP;
        b += NR<T>;
    }
}

// how many registers of the last panel hold columns at all
template <class T>
static inline int vectors_of(int64_t panel, int64_t columns) {
    return columns - panel * NR<T> > LANES<T> ? 2 : 1;
}

// A product over panels: out(tile of ROWS rows) = start + in * w, in [panel][rows][NR] with `inputs` columns. start: null
// for 0, or one row for all (start_step = 0), or one for each.
template <class T, int ROWS, int VECTORS>
static inline void tile_product(const T *in, int64_t panel_step, int64_t inputs, const T *w, const T *start,
                                int64_t start_step, T *out) {
    Vector<T> accumulator[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v)
            accumulator[r][v] = start ? load(start + r * start_step + v * LANES<T>) : Vector<T>{};
    for (int64_t k = 0; k < inputs; k += NR<T>, in += panel_step, w += NR<T> * NR<T>)
        multiply<T, ROWS, VECTORS, NR<T>, 1>(in, w, least(NR<T>, inputs - k), accumulator);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) store(out + r * NR<T> + v * LANES<T>, accumulator[r][v]);
}

// The height of the next tile, where `rows` are left. No row is left alone: 8 rows are 4 and 4, and not 6 and 2.
static inline int64_t tile_height(int64_t rows) {
    if (rows >= TILE && !(TILE == 6 && rows == 8)) return TILE;
    return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

// Inputs whose panel of w, of 16 KiB, stays in the first cache while the rows go by
template <class T>
constexpr int64_t INPUTS_AT_ONCE = (1 << 14) / int64_t(sizeof(T)) / NR<T>;

// One panel of a product, for `rows` rows: each element is summed in the order of the inputs, from its start on
template <class T, int VECTORS>
static inline void panel_product(int64_t rows, const T *in, int64_t panel_step, int64_t inputs, const T *w, const T *start,
                                 int64_t start_step, T *out) {
    for (int64_t k = 0; k < inputs; k += INPUTS_AT_ONCE<T>) {
        const int64_t count = least(INPUTS_AT_ONCE<T>, inputs - k);
        for (int64_t n = 0, done; n < rows; n += done) {
            done = tile_height(rows - n);
            const T *from = in + k / NR<T> * panel_step + n * NR<T>;
            T *to = out + n * NR<T>;
            const T *begin = k ? to : start ? start + n * start_step : nullptr;
            const int64_t step = k ? NR<T> : start_step;
            if (done == TILE)
                tile_product<T, TILE, VECTORS>(from, panel_step, count, w + k * NR<T>, begin, step, to);
            else if (done == 4)
                tile_product<T, 4, VECTORS>(from, panel_step, count, w + k * NR<T>, begin, step, to);
            else if (done == 2)
                tile_product<T, 2, VECTORS>(from, panel_step, count, w + k * NR<T>, begin, step, to);
            else
                tile_product<T, 1, VECTORS>(from, panel_step, count, w + k * NR<T>, begin, step, to);
        }
    }
}

// From one row for all, or from 0
template <class T>
static inline void panel_product(int vectors, int64_t rows, const T *in, int64_t panel_step, int64_t inputs, const T *w,
                                 const T *start, T *out) {
    if (vectors == 2)
        panel_product<T, 2>(rows, in, panel_step, inputs, w, start, 0, out);
    else
        panel_product<T, 1>(rows, in, panel_step, inputs, w, start, 0, out);
}

// Added to what stands in `out`
template <class T>
static inline void add_panel_product(int vectors, int64_t rows, const T *in, int64_t panel_step, int64_t inputs,
                                     const T *w, T *out) {
    if (vectors == 2)
        panel_product<T, 2>(rows, in, panel_step, inputs, w, out, NR<T>, out);
    else
        panel_product<T, 1>(rows, in, panel_step, inputs, w, out, NR<T>, out);
}

// Square blocks of MR x MR are transposed in registers, by exchanging lanes at distance 1, 2, 4, ...
template <class T>
struct Lane;
template <>
struct Lane<float> {
    typedef int32_t Type;
};
template <>
struct Lane<double> {
    typedef int64_t Type;
};

template <class T>
struct Strip {
    typedef T Value __attribute__((vector_size(MR * sizeof(T))));
    typedef typename Lane<T>::Type Index __attribute__((vector_size(MR * sizeof(T))));
};

template <class T>
static inline __attribute__((always_inline)) void transpose(typename Strip<T>::Value (&rows)[MR]) {
    typedef typename Strip<T>::Index Index;
#pragma GCC unroll 4
    for (int distance = 1; distance < MR; distance *= 2) {
        Index low, high;
        for (int lane = 0; lane < MR; ++lane) {
            low[lane] = lane & distance ? MR + lane - distance : lane;
            high[lane] = lane & distance ? MR + lane : lane + distance;
        }
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r) {
            if (r & distance) continue;
            const auto one = rows[r], other = rows[r + distance];
            rows[r] = shuffle(one, other, low);
            rows[r + distance] = shuffle(one, other, high);
        }
    }
}

// to[column * stride + r] = tile[r * NR + column], for MR rows and the given columns, rounded up to MR
template <class T>
static inline void write_transposed(const T *tile, int64_t columns, T *to, int64_t stride) {
    typedef typename Strip<T>::Value Value;
    for (int64_t c = 0; c < columns; c += MR) {
        Value rows[MR];
        for (int r = 0; r < MR; ++r) __builtin_memcpy(&rows[r], tile + r * NR<T> + c, sizeof(Value));
        transpose<T>(rows);
        for (int r = 0; r < MR; ++r) __builtin_memcpy(to + (c + r) * stride, &rows[r], sizeof(Value));
    }
}
