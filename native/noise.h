// Noise for private steps: the numbers of core/noise.py, by ChaCha20 and the transform of Box and Muller.
// Included by kernels.cpp inside the namespace of one instruction set.

typedef uint32_t Words __attribute__((vector_size(VECTOR_BYTES)));
constexpr int BLOCKS = VECTOR_BYTES / 4;  // of the generator at once, one in each lane
constexpr int WORDS = 16;                 // of 32 bits in each of them
template <class T>
constexpr int DRAWN = WORDS * 4 / int(sizeof(T));  // numbers that follow from one block: a number takes its own width

static inline __attribute__((always_inline)) void quarter_round(Words &a, Words &b, Words &c, Words &d) {
    a += b, d ^= a, d = d << 16 | d >> 16;
    c += d, b ^= c, b = b << 12 | b >> 20;
    a += b, d ^= a, d = d << 8 | d >> 24;
    c += d, b ^= c, b = b << 7 | b >> 25;
}

// The blocks `counter`, counter + 1, ... of ChaCha20 (RFC 8439): word w of each of them in w
static inline __attribute__((always_inline)) void chacha(
    const uint32_t *key, uint32_t counter, const uint32_t *nonce, Words (&words)[WORDS]) {
    const Words zero = {};
    Words start[WORDS] = {zero + 0x61707865u, zero + 0x3320646eu, zero + 0x79622d32u, zero + 0x6b206574u};
    for (int k = 0; k < 8; ++k) start[4 + k] = zero + key[k];
    for (int k = 0; k < 3; ++k) start[13 + k] = zero + nonce[k];
    for (int lane = 0; lane < BLOCKS; ++lane) start[12][lane] = counter + uint32_t(lane);
    for (int k = 0; k < WORDS; ++k) words[k] = start[k];
    for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) quarter_round(words[k], words[4 + k], words[8 + k], words[12 + k]);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k)
            quarter_round(words[k], words[4 + (k + 1) % 4], words[8 + (k + 2) % 4], words[12 + (k + 3) % 4]);
    }
    for (int k = 0; k < WORDS; ++k) words[k] += start[k];
}

// Some lanes of words as numbers from 0 to 2^32
template <class T>
static inline Vector<T> numbers_of(const Words &words, int first) {
    typedef uint32_t Part __attribute__((vector_size(LANES<T> * 4)));
    Part part;
    __builtin_memcpy(&part, reinterpret_cast<const uint32_t *>(&words) + first, sizeof part);
    return __builtin_convertvector(part, Vector<T>);
}

// cos x and sin x for |x| <= pi/4, by their series
template <class T>
static inline void turn(Vector<T> x, Vector<T> &cosine, Vector<T> &sine) {
    constexpr int TERMS = sizeof(T) == 4 ? 5 : 9;
    const Vector<T> square = -x * x;
    cosine = sine = spread<T>(T(1));
    for (int k = TERMS - 1; k > 0; --k) {
        cosine = T(1) + cosine * square * T(1.0 / (2 * k * (2 * k - 1)));
        sine = T(1) + sine * square * T(1.0 / (2 * k * (2 * k + 1)));
    }
    sine *= x;
}

// Two normal numbers in each lane, of lanes first ... of so many words as they need: a number u of (0, 1] for their
// radius, sqrt(-2 log u), the quarter of the circle, and the angle within it
template <class T>
static inline void two_normals(const Words *words, int first, Vector<T> &one, Vector<T> &other) {
    Vector<T> u, angle;
    Words bits;
    if constexpr (sizeof(T) == 4) {  // 40 bits, and 24
        u = numbers_of<T>(words[0], first) * T(0x1p-32) + numbers_of<T>((words[1] & 255) + 1, first) * T(0x1p-40);
        bits = words[1];
        angle = numbers_of<T>(bits >> 8 & 0x3fffff, first) * T(0x1p-22);
    } else {  // 64 bits, and 54
        u = numbers_of<T>(words[1], first) * T(0x1p-32) + (numbers_of<T>(words[0], first) + T(1)) * T(0x1p-64);
        bits = words[3];
        angle = numbers_of<T>(bits & 0x3fffffff, first) * T(0x1p-30) + numbers_of<T>(words[2] >> 10, first) * T(0x1p-52);
    }
    const Vector<T> radius = root_lanes<T>(T(-2) * log_lanes<T>(u));
    Vector<T> cosine, sine;
    turn<T>((angle - T(0.5)) * T(1.57079632679489661923), cosine, sine);
    const Words quarter = bits >> 30;
    const Vector<T> odd = numbers_of<T>(quarter & 1, first), sign = radius * (T(1) - T(2) * numbers_of<T>(quarter >> 1, first));
    const Vector<T> even = T(1) - odd;
    one = sign * (even * cosine - odd * sine);
    other = sign * (even * sine + odd * cosine);
}

// To a multiple of the grid, by adding the rounder of the same sign, and taking it away
template <class V>
static inline V rounded(V number, V rounder) {
    const V away = number < 0 ? -rounder : rounder;
    return number + away - away;
}

// gradient + deviation * z, on the grid, for inputs first ... last - 1 and one panel of outputs of layer i, where the row of each input
// stands in gradient. Input `inputs` is that of the biases. The numbers of input k of output j stand in block
// k / DRAWN * outputs + j: so a register of outputs is one of blocks.
template <class T>
static __attribute__((noinline)) void add_noise(
    const Job<T> &job, int i, int64_t panel, int64_t first, int64_t last, T *gradient) {
    const int64_t outputs = job.layers[i].outputs;
    const uint32_t nonce[3] = {uint32_t(i + 1), uint32_t(job.step), uint32_t(job.step >> 32)};
    for (int64_t group = first / DRAWN<T>; group * DRAWN<T> < last; ++group)
        for (int64_t column = 0; column < NR<T> && panel * NR<T> + column < outputs; column += BLOCKS) {
            const int64_t output = panel * NR<T> + column;
            Words words[WORDS];
            chacha(job.key, uint32_t(group * outputs + output), nonce, words);
            for (int64_t lane = 0; lane < BLOCKS && output + lane < outputs; lane += LANES<T>) {
                Vector<T> deviation = {};  // none in the columns beyond the last output: they stay 0
                for (int l = 0; l < LANES<T>; ++l) deviation[l] = output + lane + l < outputs ? job.deviation : T(0);
                for (int k = 0; k < DRAWN<T>; k += 2) {
                    const int64_t input = group * DRAWN<T> + k;
                    if (input + 1 < first || input >= last) continue;
                    Vector<T> pair[2];
                    two_normals<T>(words + k * int(sizeof(T)) / 4, int(lane), pair[0], pair[1]);
                    for (int which = 0; which < 2; ++which) {
                        if (input + which < first || input + which >= last) continue;
                        T *to = gradient + (input + which - first) * NR<T> + column + lane;
                        store(to, rounded<Vector<T>>(load(to) + deviation * pair[which], spread<T>(job.rounder)));
                    }
                }
            }
        }
}

// The same for numbers that stand in a row, as those of one output do: block k of the generator has those from 8 k on
template <class T>
static void add_noise_in_a_row(
    T *total, int64_t count, const uint32_t *key, const uint32_t *nonce, double deviation, double rounder) {
    constexpr int64_t AT_ONCE = BLOCKS * DRAWN<double>;
    for (int64_t first = 0; first < count; first += AT_ONCE) {
        Words words[WORDS];
        chacha(key, uint32_t(first / DRAWN<double>), nonce, words);
        double noise[AT_ONCE];
        for (int lane = 0; lane < BLOCKS; lane += LANES<double>)
            for (int k = 0; k < DRAWN<double>; k += 2) {
                Vector<double> pair[2];
                two_normals<double>(words + 2 * k, lane, pair[0], pair[1]);
                for (int l = 0; l < LANES<double>; ++l)
                    for (int which = 0; which < 2; ++which)
                        noise[(lane + l) * DRAWN<double> + k + which] = pair[which][l];
            }
        const int64_t left = least(count - first, AT_ONCE);
        for (int64_t k = 0; k < left; ++k)
            total[first + k] = T(rounded(double(total[first + k]) + deviation * noise[k], rounder));
    }
}
