// g'': the second derivatives of the activations, by the formulas of core/activations; at a kink that from the left.
// Included by kernels.cpp inside the namespace of one instruction set.

template <class T>
static inline Vector<T> sigmoid_second(const Sigmoid<T> &s) {
    return s.slope * (T(1) - T(2) * s.value);
}

template <class T>
static inline Vector<T> elu_second(Vector<T> a, Vector<T> second) {  // g'' = g' below 0, whatever the scale
    const Vector<T> zero = {};
    return a <= T(0) ? second : zero;
}

template <class T>
static inline Vector<T> gelu_second(Vector<T> a) {
    const Vector<T> size = absolute<T>(a), near = size > T(40) ? spread<T>(T(40)) : size;
    return power<T>(near * near * T(-0.5)).exp() * T(0.39894228040143267794) * (T(2) - near * near);
}

template <class T>
static inline Vector<T> gelu_tanh_second(Vector<T> a) {
    const Vector<T> most = spread<T>(T(50)), least = spread<T>(T(-50));
    const Vector<T> lower = a < T(-50) ? least : a, near = lower > T(50) ? most : lower;
    constexpr T SCALE = T(0.79788456080286535588), CUBIC = T(0.044715);
    // g'' = 2 s'(v) v' + a (s''(v) v'^2 + s'(v) v'') for g = a s(v)
    const Sigmoid<T> s(T(2) * SCALE * (near + CUBIC * near * near * near));
    const Vector<T> slope = T(2) * SCALE * (T(1) + T(3) * CUBIC * near * near), bend = T(12) * SCALE * CUBIC * near;
    return T(2) * s.slope * slope + a * (sigmoid_second<T>(s) * slope * slope + s.slope * bend);
}

template <class T>
static inline Vector<T> mish_second(Vector<T> a) {
    const Vector<T> e = power<T>(-absolute<T>(a)).exp(), one = spread<T>(T(1));
    const auto below = a <= T(0);
    // as in mish_at: tanh(s) and tanh'(s) for s = log(1 + e^a)
    const Vector<T> top = below ? e * (e + T(2)) : T(1) + T(2) * e;
    const Vector<T> bottom = T(1) / (below ? top + T(2) : top + T(2) * e * e), sum = T(1) + e;
    const Vector<T> gate = top * bottom, gate_slope = T(4) * sum * sum * (below ? one : e * e) * bottom * bottom;
    const Sigmoid<T> s(a);
    // g'' = 2 tanh'(s) s' + a (tanh''(s) s'^2 + tanh'(s) s''), tanh'' = -2 tanh tanh'
    return gate_slope * (T(2) * s.value + a * (s.slope - T(2) * gate * s.value * s.value));
}

template <class T, class G>
static inline void fill(int64_t count, const T *a, T *second, G at) {
    for (int64_t n = 0; n < count; n += LANES<T>) store(second + n, at(load(a + n)));
}

// g''(a). count is a multiple of a register's lanes.
template <class T>
static void second_derivative(Activation activation, T parameter, int64_t count, const T *a, T *second) {
    const Vector<T> zero = {};
    switch (activation) {
        case SIGMOID:
            return fill(count, a, second, [](Vector<T> a) { return sigmoid_second<T>(Sigmoid<T>(a)); });
        case TANH:
            return fill(count, a, second, [](Vector<T> a) {
                const Point<T> tanh = tanh_at<T>(a);
                return T(-2) * tanh.g * tanh.slope;
            });
        case ELU:
            return fill(count, a, second, [=](Vector<T> a) {
                return elu_second<T>(a, elu_at<T>(a, T(1), parameter).slope);
            });
        case SELU:
            return fill(count, a, second, [](Vector<T> a) {
                return elu_second<T>(a, elu_at<T>(a, T(1.0507009873554804934), T(1.6732632423543772848)).slope);
            });
        case CELU:
            return fill(count, a, second, [=](Vector<T> a) {
                return elu_second<T>(a, celu_at<T>(a, parameter).slope / parameter);
            });
        case GELU:
            return fill(count, a, second, [](Vector<T> a) { return gelu_second<T>(a); });
        case GELU_TANH:
            return fill(count, a, second, [](Vector<T> a) { return gelu_tanh_second<T>(a); });
        case SILU:
            return fill(count, a, second, [](Vector<T> a) {
                const Sigmoid<T> s(a);
                return T(2) * s.slope + a * sigmoid_second<T>(s);
            });
        case SOFTPLUS:
            return fill(count, a, second, [](Vector<T> a) { return Sigmoid<T>(a).slope; });
        case MISH:
            return fill(count, a, second, [](Vector<T> a) { return mish_second<T>(a); });
        case EXPONENTIAL:
            return fill(count, a, second, [](Vector<T> a) { return exp_at<T>(a).g; });
        case HARD_SWISH:
            return fill(count, a, second, [=](Vector<T> a) {
                return between<T>(a, -3, 3, zero, spread<T>(T(1) / T(3)), zero);
            });
        case SOFTSIGN:
            return fill(count, a, second, [](Vector<T> a) {
                const Vector<T> quotient = T(1) / (T(1) + absolute<T>(a)), two = spread<T>(T(2));
                return (a <= T(0) ? two : -two) * quotient * quotient * quotient;
            });
        default:  // of pieces of straight lines
            __builtin_memset(second, 0, count * sizeof(T));
    }
}
