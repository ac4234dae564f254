// Activations: h = g(a) and, where it is wanted, g'(a), by the formulas of activations.py: each is accurate in both
// tails, and NaN stays NaN. Included by kernels.cpp inside the namespace of one instruction set.

// e^(x^2) erfc(x) = t * sum of C_j T_j(2t - 1), t = 1/(1 + x/2), x >= 0: Chebyshev coefficients of the quotient by t,
// which is smooth on [0, 1]; cut after 12 terms the error is 2e-8, with all of them 2e-17.
template <class T>
static inline Vector<T> scaled_erfc(Vector<T> x) {
    static constexpr double C[] = {
        5.7703373861646968862e-1, 3.5543692127049848731e-1, 6.509515882878652455e-2, 3.6711423958366391659e-3,
        -1.1128447433526324969e-3, -1.6075829915378079758e-4, 3.2780315741731370605e-5, 5.4424416455050160333e-6,
        -1.5154665553171481622e-6, -1.4297608181169864916e-7, 8.2346088274194934321e-8, -1.2962846852306562859e-9,
        -4.1547216310151980984e-9, 6.3470582783628066983e-10, 1.4320822712256186934e-10,
        -6.1603901052040040302e-11, 2.0612138554544736663e-12, 3.5714931488534621782e-12,
        -8.5864228416397442537e-13, -6.1456002786089367586e-14, 7.4187258139996845847e-14,
        -1.2895038185781909712e-14, -2.3587499748176181352e-15, 1.5729694020928284791e-15,
        -2.2768935232161332231e-16, -6.4013639036463359122e-17, 3.7449217643130412886e-17,
    };
    constexpr int TERMS = sizeof(T) == 4 ? 12 : 27;
    const Vector<T> t = T(1) / (T(1) + x * T(0.5));
    const Vector<T> y = T(4) * t - T(2);  // 2(2t - 1), as Clenshaw's recurrence takes it
    Vector<T> next = {}, after = {};
    for (int j = TERMS - 1; j > 0; --j) {
        const Vector<T> now = y * next - after + T(C[j]);
        after = next;
        next = now;
    }
    return t * (y * T(0.5) * next - after + T(C[0]));
}

// 2 atanh(z), for |z| <= 1/3 by so many terms
template <class T, int TERMS = sizeof(T) == 4 ? 8 : 17>
static inline Vector<T> twice_atanh(Vector<T> z) {
    const Vector<T> square = z * z;
    Vector<T> series = spread<T>(T(1) / T(2 * TERMS - 1));
    for (int k = TERMS - 2; k >= 0; --k) series = series * square + T(1) / T(2 * k + 1);
    return T(2) * z * series;
}

// log(1 + e) for 0 <= e <= 1
template <class T>
static inline Vector<T> log1p_of_decay(Vector<T> e) {
    return twice_atanh<T>(e / (T(2) + e));
}

// log x of normal numbers above 0: x = 2^n m with m about 1, log m = 2 atanh((m - 1)/(m + 1)); NaN stays NaN
template <class T>
static inline Vector<T> log_lanes(Vector<T> x) {
    using E = Exponential<T>;
    typedef typename Registers<T>::Bits Bits;
    const Bits lifted = (Bits)x - (Bits)spread<T>(T(0.75));  // so that m lies between 3/4 and 3/2
    const Bits exponent = lifted >> E::SHIFT;
    const Vector<T> m = (Vector<T>)((Bits)x - (exponent << E::SHIFT));
    const Vector<T> n = __builtin_convertvector(exponent, Vector<T>);
    const Vector<T> log_m = twice_atanh<T, sizeof(T) == 4 ? 5 : 11>((m - T(1)) / (m + T(1)));  // of at most 1/5
    return n * E::LOG2_HIGH + (n * E::LOG2_LOW + log_m) + (x - x);
}

template <class T>
struct Sigmoid {  // of a: sigma(a) and sigma'(a), from the decay e^-|a|
    Vector<T> value, slope;
    explicit Sigmoid(Vector<T> a) {
        const Vector<T> e = power<T>(-absolute<T>(a)).exp(), one = spread<T>(T(1));
        const Vector<T> quotient = T(1) / (T(1) + e);
        value = (a <= T(0) ? e : one) * quotient;
        slope = e * quotient * quotient;
    }
};

template <class T>
struct Point {
    Vector<T> g, slope;
};

template <class T>
static inline Point<T> tanh_at(Vector<T> a) {
    const Power<T> p = power<T>(T(-2) * absolute<T>(a));
    const Vector<T> less = p.expm1(), quotient = T(1) / (T(2) + less);
    const Vector<T> size = -less * quotient;
    return {a <= T(0) ? -size : size, T(4) * p.exp() * quotient * quotient};
}

template <class T>
static inline Point<T> elu_at(Vector<T> a, T scale, T alpha) {
    const Vector<T> zero = {};
    const auto below = a <= T(0);
    const Power<T> p = power<T>(below ? a : zero);
    return {below ? p.expm1() * (scale * alpha) : a * scale, below ? p.exp() * (scale * alpha) : spread<T>(scale)};
}

template <class T>
static inline Point<T> gelu_at(Vector<T> a) {
    const Vector<T> size = absolute<T>(a);
    const Vector<T> near = size > T(40) ? spread<T>(T(40)) : size;  // beyond, the density is 0 and a^2 might overflow
    const Vector<T> density = power<T>(near * near * T(-0.5)).exp();
    const Vector<T> tail = density * scaled_erfc<T>(size * T(0.70710678118654752440)) * T(0.5);
    const Vector<T> normal = a <= T(0) ? tail : T(1) - tail;
    const Vector<T> signed_near = a <= T(0) ? -near : near;
    return {a * normal, normal + signed_near * density * T(0.39894228040143267794)};
}

template <class T>
static inline Point<T> gelu_tanh_at(Vector<T> a) {
    const Vector<T> most = spread<T>(T(50)), least = spread<T>(T(-50));
    const Vector<T> lower = a < T(-50) ? least : a;
    const Vector<T> near = lower > T(50) ? most : lower;
    constexpr T SCALE = T(0.79788456080286535588), CUBIC = T(0.044715);
    const Vector<T> square = near * near;
    const Sigmoid<T> s(T(2) * SCALE * (near + CUBIC * near * square));
    return {a * s.value, s.value + a * s.slope * (T(2) * SCALE) * (T(1) + T(3) * CUBIC * square)};
}

template <class T>
static inline Point<T> mish_at(Vector<T> a) {
    const Vector<T> e = power<T>(-absolute<T>(a)).exp(), one = spread<T>(T(1));
    const auto below = a <= T(0);
    // tanh(log(1 + u)) = (u^2 + 2u)/(u^2 + 2u + 2), u = e^a; above 0 both are multiplied by e^-2a
    const Vector<T> top = below ? e * (e + T(2)) : T(1) + T(2) * e;
    const Vector<T> bottom = T(1) / (below ? top + T(2) : top + T(2) * e * e);
    const Vector<T> gate = top * bottom;
    const Vector<T> sum = T(1) + e;
    const Vector<T> gate_slope = T(4) * sum * sum * (below ? one : e * e) * bottom * bottom;
    return {a * gate, gate + a * gate_slope * ((below ? e : one) / sum)};
}

template <class T>
static inline Point<T> exp_at(Vector<T> a) {
    constexpr T MOST = sizeof(T) == 4 ? T(89) : T(710);  // from here on e^a is inf; 2^n of it would be no number
    const Vector<T> value = power<T, 1>(a > MOST ? spread<T>(MOST) : a).exp() * T(2);
    return {value, value};
}

template <class T>
static inline Point<T> celu_at(Vector<T> a, T alpha) {
    const Vector<T> zero = {};
    const auto below = a <= T(0);
    const Power<T> p = power<T>(below ? a / alpha : zero);
    return {below ? p.expm1() * alpha : a, p.exp()};
}

// below where a <= low, inside where low < a <= high, above where a > high
template <class T>
static inline Vector<T> between(Vector<T> a, T low, T high, Vector<T> below, Vector<T> inside, Vector<T> above) {
    const Vector<T> upper = a > high ? above : inside;
    return a <= low ? below : upper;
}

template <class T>
static inline Point<T> hard_swish_at(Vector<T> a) {
    const Vector<T> zero = {}, one = spread<T>(T(1));
    const Vector<T> near = between<T>(a, -3, 3, zero, a, zero);  // outside, a^2 might overflow
    return {between<T>(a, -3, 3, zero, near * (near + T(3)) / T(6), a),
            between<T>(a, -3, 3, zero, (near + near + T(3)) / T(6), one)};
}

template <class T>
static inline Point<T> softsign_at(Vector<T> a) {
    const Vector<T> quotient = T(1) / (T(1) + absolute<T>(a));
    return {a / (T(1) + absolute<T>(a)), quotient * quotient};
}

// a in, h out; g'(a) to slope where that is not null. count is a multiple of a register's lanes.
template <class T, class G>
static inline void apply(int64_t count, T *h, T *slope, G at) {
    for (int64_t n = 0; n < count; n += LANES<T>) {
        const Point<T> point = at(load(h + n));
        store(h + n, point.g);
        if (slope) store(slope + n, point.slope);
    }
}

// One function for all who call it: compilers would make a second one for slopes that nobody wants, and fuse other
// products with sums there, so that g would have other bits.
#ifdef __clang__
#define ONE_FUNCTION __attribute__((noinline))
#else
#define ONE_FUNCTION __attribute__((noipa))
#endif
template <class T>
ONE_FUNCTION static void activate(Activation activation, T parameter, int64_t count, T *h, T *slope) {
    const Vector<T> zero = {}, one = spread<T>(T(1));
    switch (activation) {
        case IDENTITY:
            return apply(count, h, slope, [=](Vector<T> a) { return Point<T>{a, one}; });
        case SIGMOID:
            return apply(count, h, slope, [=](Vector<T> a) {
                const Sigmoid<T> s(a);
                return Point<T>{s.value, s.slope};
            });
        case TANH:
            return apply(count, h, slope, [=](Vector<T> a) { return tanh_at<T>(a); });
        case RELU:
            return apply(count, h, slope, [=](Vector<T> a) {
                const auto below = a <= T(0);
                return Point<T>{below ? zero : a, below ? zero : one};
            });
        case LEAKY_RELU:
            return apply(count, h, slope, [=](Vector<T> a) {
                const auto below = a <= T(0);
                return Point<T>{below ? a * parameter : a, below ? spread<T>(parameter) : one};
            });
        case ELU:
            return apply(count, h, slope, [=](Vector<T> a) { return elu_at<T>(a, T(1), parameter); });
        case SELU:
            return apply(count, h, slope, [=](Vector<T> a) {
                return elu_at<T>(a, T(1.0507009873554804934), T(1.6732632423543772848));
            });
        case GELU:
            return apply(count, h, slope, [=](Vector<T> a) { return gelu_at<T>(a); });
        case GELU_TANH:
            return apply(count, h, slope, [=](Vector<T> a) { return gelu_tanh_at<T>(a); });
        case SILU:
            return apply(count, h, slope, [=](Vector<T> a) {
                const Sigmoid<T> s(a);
                return Point<T>{a * s.value, s.value + a * s.slope};
            });
        case SOFTPLUS:
            return apply(count, h, slope, [=](Vector<T> a) {
                const Vector<T> e = power<T>(-absolute<T>(a)).exp();
                return Point<T>{(a <= T(0) ? zero : a) + log1p_of_decay<T>(e), (a <= T(0) ? e : one) / (T(1) + e)};
            });
        case MISH:
            return apply(count, h, slope, [=](Vector<T> a) { return mish_at<T>(a); });
        case EXPONENTIAL:
            return apply(count, h, slope, [=](Vector<T> a) { return exp_at<T>(a); });
        case HARD_SIGMOID:
            return apply(count, h, slope, [=](Vector<T> a) {
                return Point<T>{between<T>(a, -3, 3, zero, (a + T(3)) / T(6), one),
                                between<T>(a, -3, 3, zero, spread<T>(T(1) / T(6)), zero)};
            });
        case HARD_TANH:
            return apply(count, h, slope, [=](Vector<T> a) {
                return Point<T>{between<T>(a, -1, 1, -one, a, one), between<T>(a, -1, 1, zero, one, zero)};
            });
        case HARD_SWISH:
            return apply(count, h, slope, [=](Vector<T> a) { return hard_swish_at<T>(a); });
        case SOFTSIGN:
            return apply(count, h, slope, [=](Vector<T> a) { return softsign_at<T>(a); });
        case RELU6:
            return apply(count, h, slope, [=](Vector<T> a) {
                return Point<T>{between<T>(a, 0, 6, zero, a, spread<T>(T(6))), between<T>(a, 0, 6, zero, one, zero)};
            });
        case CELU:
            return apply(count, h, slope, [=](Vector<T> a) { return celu_at<T>(a, parameter); });
        case HOST:  // forward.h asks the caller
        case SOFTMAX:
            return;
    }
}
