// The register tile that all three kernels share, products made of it, and the transposition of small blocks.
// Included by kernels.cpp inside the namespace of one instruction set.

template <class T>
constexpr int NR = 2 * LANES<T>;  // columns of a panel: two registers
constexpr int MR = STRIP_ROWS;    // rows of a tile

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
