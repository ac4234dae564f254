// Vectors of one register, by the portable extensions of GCC and Clang, and e^x on them.
// Included by kernels.cpp inside the namespace of one instruction set.

template <class T>
struct Registers;
template <>
struct Registers<float> {
    typedef float Value __attribute__((vector_size(VECTOR_BYTES)));
    typedef int32_t Bits __attribute__((vector_size(VECTOR_BYTES)));
};
template <>
struct Registers<double> {
    typedef double Value __attribute__((vector_size(VECTOR_BYTES)));
    typedef int64_t Bits __attribute__((vector_size(VECTOR_BYTES)));
};
template <class T>
using Vector = typename Registers<T>::Value;
template <class T>
constexpr int LANES = VECTOR_BYTES / int(sizeof(T));

template <class T>
static inline Vector<T> load(const T *from) {
    Vector<T> value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

template <class T>
static inline void store(T *to, Vector<T> value) {
    __builtin_memcpy(to, &value, sizeof value);
}

template <class T>
static inline Vector<T> spread(T value) {
    return value - Vector<T>{};  // minus zero keeps the sign of zero, and NaN
}

template <class T>
static inline typename Registers<T>::Bits lane_numbers() {
    typename Registers<T>::Bits numbers;
    for (int lane = 0; lane < LANES<T>; ++lane) numbers[lane] = lane;
    return numbers;
}

// result[lane] = (one, then other)[index[lane]]
template <class V, class Index>
static inline __attribute__((always_inline)) V shuffle(V one, V other, Index index) {
#ifdef __clang__
    constexpr int LENGTH = sizeof(one) / sizeof(one[0]);
    V result = one;
    for (int lane = 0; lane < LENGTH; ++lane)
        result[lane] = index[lane] < LENGTH ? one[index[lane]] : other[index[lane] - LENGTH];
    return result;
#else
    return __builtin_shuffle(one, other, index);
#endif
}

// All lanes into one, by halves: each combined with the one that is `half` lanes on
template <class T, class F>
static inline T fold_lanes(Vector<T> value, F combine) {
    for (int half = LANES<T> / 2; half > 0; half /= 2)
        value = combine(value, shuffle(value, value, (lane_numbers<T>() + half) & (LANES<T> - 1)));
    return value[0];
}

template <class T>
static inline T sum_lanes(Vector<T> value) {
    return fold_lanes<T>(value, [](Vector<T> one, Vector<T> other) { return one + other; });
}

template <class T>
static inline T largest_lane(Vector<T> value) {
    return fold_lanes<T>(value, [](Vector<T> one, Vector<T> other) { return one > other ? one : other; });
}

// sqrt of every lane: the compiler turns the loop into the vector instruction
static inline float root(float value) { return __builtin_sqrtf(value); }
static inline double root(double value) { return __builtin_sqrt(value); }
template <class T>
static inline Vector<T> root_lanes(Vector<T> value) {
    Vector<T> result;
    for (int lane = 0; lane < LANES<T>; ++lane) result[lane] = root(value[lane]);
    return result;
}

// 2^n * (1 + q) = e^x with |x - n log 2| <= log(2)/2 and q = e^(x - n log 2) - 1; for x that is not below LOWEST, where
// e^x is 0. Below LOW it is 2^n 2^LIFT that stands for 2^n, which is no normal number there.
template <class T>
struct Exponential;
template <>
struct Exponential<float> {
    static constexpr float LOWEST = -105.0f, LOW = -80.0f, UNLIFT = 0x1p-64f;
    static constexpr float MAGIC = 12582912.0f, LOG2_HIGH = 0.693359375f, LOG2_LOW = -2.12194440e-4f;
    static constexpr int32_t MAGIC_BITS = 0x4B400000, BIAS = 127, SHIFT = 23;
    static constexpr int TERMS = 8;
};
template <>
struct Exponential<double> {
    static constexpr double LOWEST = -747.0, LOW = -700.0, UNLIFT = 0x1p-64, MAGIC = 6755399441055744.0;
    static constexpr double LOG2_HIGH = 0.693147180369123816490, LOG2_LOW = 1.90821492927058770002e-10;
    static constexpr int64_t MAGIC_BITS = 0x4338000000000000, BIAS = 1023, SHIFT = 52;
    static constexpr int TERMS = 14;
};

constexpr double one_over_factorial(int n) { return n <= 1 ? 1.0 : one_over_factorial(n - 1) / n; }

template <class T, int N>
struct Taylor {  // 1/N! + r/(N+1)! + ...
    static inline Vector<T> value(Vector<T> r) {
        if constexpr (N == Exponential<T>::TERMS - 1)
            return spread<T>(T(one_over_factorial(N)));
        else
            return Taylor<T, N + 1>::value(r) * r + T(one_over_factorial(N));
    }
};

template <class T>
struct Power {
    Vector<T> scale, rest, unlift;  // e^x = (scale + scale * rest) * unlift
    Vector<T> exp() const { return (scale + scale * rest) * unlift; }
    Vector<T> expm1() const { return scale * rest + (scale - T(1)); }  // keeps its digits near 0; is -1 where x is low
};

constexpr int LIFT = 64;

// e^x/2^LESS, with LESS = 0 for x <= 0; NaN stays NaN
template <class T, int LESS = 0>
static inline Power<T> power(Vector<T> x) {
    using E = Exponential<T>;
    typedef typename Registers<T>::Bits Bits;
    const Vector<T> lowest = spread<T>(E::LOWEST);
    const Vector<T> within = x < lowest ? lowest : x;
    const Bits low = x < E::LOW;  // -1 where it holds
    const Vector<T> shifted = within * T(1.4426950408889634074) + E::MAGIC;  // the last bits hold n
    const Vector<T> n = shifted - E::MAGIC;
    const Vector<T> r = (within - n * E::LOG2_HIGH) - n * E::LOG2_LOW;
    const Bits exponent = ((Bits)shifted - E::MAGIC_BITS + (E::BIAS - LESS) + (low & LIFT)) << E::SHIFT;
    const Vector<T> one = spread<T>(T(1)), unlift = spread<T>(E::UNLIFT);
    return {(Vector<T>)exponent, r + r * r * Taylor<T, 2>::value(r), low ? unlift : one};
}

template <class T>
static inline Vector<T> absolute(Vector<T> x) {
    return x <= T(0) ? -x : x;
}
