// Dropout: the masks of dropout.py, to the bit. Included by kernels.cpp inside the namespace of one instruction set.

constexpr int DRAWS = 16;           // of 16 bits each, in one block of the generator
constexpr int64_t DRAWN_ROWS = 16;  // drawn before the first is read: a word that was just written is read late
__extension__ typedef unsigned __int128 Wide;

// Block number `block` (from 0) of Philox4x64-10 (Salmon et al. 2011), as numpy.random.Philox counts: it adds 1 to the
// counter before each block. Counter (block + 1, layer, step, 0), key (seed, 0).
static inline __attribute__((always_inline)) void draw(
    uint64_t block, uint64_t layer, uint64_t step, uint64_t seed, uint16_t *draws) {
    uint64_t counter[4] = {block + 1, layer, step, 0}, key[2] = {seed, 0};
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const Wide one = Wide(0xD2E7470EE14C6C93) * counter[0], other = Wide(0xCA5A826395121157) * counter[2];
        counter[0] = uint64_t(other >> 64) ^ counter[1] ^ key[0];
        counter[2] = uint64_t(one >> 64) ^ counter[3] ^ key[1];
        counter[1] = uint64_t(other);
        counter[3] = uint64_t(one);
        key[0] += 0x9E3779B97F4A7C15;
        key[1] += 0xBB67AE8584CAA73B;
    }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (int j = 0; j < DRAWS; ++j) draws[j] = uint16_t(counter[j / 4] >> (j % 4 * 16));
#else
    __builtin_memcpy(draws, counter, sizeof counter);
#endif
}

// The units whose draws these are, in row n. By a product, not by a choice: a NaN in a silent unit stays visible, as it
// does by the formulas.
template <class T>
static inline void mask_units(
    const Layer<T> &layer, int64_t unit, const uint16_t *draws, int64_t n, int64_t step, bool slope) {
    // draw - level is below 0 for a silent unit. In whole numbers, since compilers make branches of a choice between
    // floating-point ones, and these would be guessed wrong every other time.
    typedef typename Lane<T>::Type Word;
    const Word level = Word(layer.level);
    Word scale;
    __builtin_memcpy(&scale, &layer.scale, sizeof scale);
    alignas(64) Word mask[DRAWS];
    for (int j = 0; j < DRAWS; ++j) mask[j] = ~((draws[j] - level) >> (8 * sizeof(Word) - 1)) & scale;
    for (int j = 0; j < DRAWS && unit < layer.outputs; j += LANES<T>, unit += LANES<T>) {
        const int64_t at = unit / NR<T> * step + n * NR<T> + unit % NR<T>;
        Vector<T> m;
        __builtin_memcpy(&m, mask + j, sizeof m);
        store(layer.h + at, load(layer.h + at) * m);
        if (slope) store(layer.d + at, layer.activation == IDENTITY ? m : load(layer.d + at) * m);
        if (layer.bend) store(layer.bend + at, load(layer.bend + at) * m);
    }
}

// h_i = m_i * g(a_i) at rows first ... last - 1, and g' * m_i in d where backward reads it
template <class T>
static void drop_out(Job<T> &job, int i, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[i];
    const int64_t step = job.rows * NR<T>, blocks = (layer.outputs + DRAWS - 1) / DRAWS;
    const bool slope = job.backward && layer.activation != RELU;
    for (int64_t block = 0; block < blocks; ++block)
        for (int64_t begin = first; begin < last; begin += DRAWN_ROWS) {
            const int64_t rows = least(DRAWN_ROWS, last - begin);
            alignas(64) uint16_t draws[DRAWN_ROWS][DRAWS];
            for (int64_t r = 0; r < rows; ++r)
                draw((job.first_row + begin + r) * blocks + block, uint64_t(i + 1), job.step, job.seed, draws[r]);
            for (int64_t r = 0; r < rows; ++r) mask_units(layer, block * DRAWS, draws[r], begin + r, step, slope);
        }
    for (int64_t p = 0; p < panels_of<T>(layer.outputs); ++p)
        copy_out(layer.h + p * step + first * NR<T>, last - first, p, layer.outputs, layer.out_h, first);
}
