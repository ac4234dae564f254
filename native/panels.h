// Between the caller's row-major arrays and panels: [panel][row][NR].
// Included by kernels.cpp inside the namespace of one instruction set.

template <class T>
static inline int64_t panels_of(int64_t columns) {
    return (columns + NR<T> - 1) / NR<T>;
}

// tile[r][column] of a layer's panel to the caller's row-major array
template <class T>
static inline void copy_out(const T *tile, int64_t rows, int64_t panel, int64_t columns, T *out, int64_t row) {
    if (!out) return;
    const int64_t count = least(NR<T>, columns - panel * NR<T>);
    for (int64_t r = 0; r < rows; ++r)
        __builtin_memcpy(out + (row + r) * columns + panel * NR<T>, tile + r * NR<T>, count * sizeof(T));
}

template <class T>
static inline void copy_in(const T *in, int64_t row, int64_t columns, int64_t panel, int64_t rows, T *tile) {
    const int64_t count = least(NR<T>, columns - panel * NR<T>);
    for (int64_t r = 0; r < rows; ++r) {
        if (count == NR<T>) {  // of a known size: two registers instead of a call
            __builtin_memcpy(tile + r * NR<T>, in + (row + r) * columns + panel * NR<T>, NR<T> * sizeof(T));
            continue;
        }
        __builtin_memcpy(tile + r * NR<T>, in + (row + r) * columns + panel * NR<T>, count * sizeof(T));
        __builtin_memset(tile + r * NR<T> + count, 0, (NR<T> - count) * sizeof(T));
    }
}

template <class T>
static inline void clear_beyond(int64_t columns, int64_t panel, int64_t rows, T *tile) {
    const int64_t count = columns - panel * NR<T>;
    if (count >= NR<T>) return;
    for (int64_t r = 0; r < rows; ++r) __builtin_memset(tile + r * NR<T> + count, 0, (NR<T> - count) * sizeof(T));
}

// One tile of W^T or of its gradient to the caller's row-major W
template <class T>
static inline void write_out(const T *tile, const Layer<T> &layer, int64_t panel, int64_t strip, T *W) {
    const int64_t columns = least(layer.outputs - panel * NR<T>, NR<T>), rows = least(MR, layer.inputs - strip * MR);
    T *out = W + panel * NR<T> * layer.inputs + strip * MR;
    const int64_t whole = rows == MR ? columns / MR * MR : 0;
    write_transposed(tile, whole, out, layer.inputs);
    for (int64_t c = whole; c < columns; ++c)
        for (int64_t r = 0; r < rows; ++r) out[c * layer.inputs + r] = tile[r * NR<T> + c];
}

// Row-major (outputs, inputs) to [panel][input][NR] and to the mirror image for the talk below: blocks of MR x MR are
// transposed, and what is left at the edges goes one by one
template <class T>
static void pack(const T *W, const T *b, Layer<T> &layer) {
    const int64_t room = round_up(layer.outputs, MR), height = round_up(layer.inputs, MR);
    for (int64_t output = 0; output < layer.outputs; output += MR) {
        const int64_t outputs = least(MR, layer.outputs - output);
        __builtin_memcpy(layer.b + output, b + output, outputs * sizeof(T));
        for (int64_t input = 0; input < layer.inputs; input += MR) {
            const int64_t inputs = least(MR, layer.inputs - input);
            typename Strip<T>::Value block[MR] = {};
            for (int64_t r = 0; r < outputs; ++r)
                __builtin_memcpy(&block[r], W + (output + r) * layer.inputs + input, inputs * sizeof(T));
            if (layer.wt)
                for (int64_t r = 0; r < MR; ++r)
                    __builtin_memcpy(layer.wt + (input / NR<T> * room + output + r) * NR<T> + input % NR<T>, &block[r],
                                     sizeof block[r]);
            transpose<T>(block);
            for (int64_t r = 0; r < MR; ++r)
                __builtin_memcpy(layer.w + (output / NR<T> * height + input + r) * NR<T> + output % NR<T>, &block[r],
                                 sizeof block[r]);
        }
    }
}

template <class T>
static void unpack(const Layer<T> &layer, T *W, T *b) {
    __builtin_memcpy(b, layer.b, layer.outputs * sizeof(T));
    const int64_t height = round_up(layer.inputs, MR);
    for (int64_t panel = 0; panel < panels_of<T>(layer.outputs); ++panel)
        for (int64_t strip = 0; strip * MR < layer.inputs; ++strip)
            write_out(layer.w + (panel * height + strip * MR) * NR<T>, layer, panel, strip, W);
}
