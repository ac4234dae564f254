// Numbers with a derivative: x and R{x}, the derivative of x along one direction. A formula that is written for any type
// of number gives, with these, its derivative beside its value (forward mode). Included by kernels.cpp inside the namespace
// of one instruction set.
//
// As with complex steps in Python, branches look at the value, but a number is equal to another only with its derivative:
// what is 0 and moves is not silent.

template <class T>
struct Dual {
    T value = 0, along = 0;
    Dual() = default;
    template <class Number, class = typename std::enable_if<std::is_arithmetic<Number>::value>::type>
    Dual(Number value) : value(T(value)) {}
    Dual(T value, T along) : value(value), along(along) {}

    friend Dual operator+(Dual x, Dual y) { return {x.value + y.value, x.along + y.along}; }
    friend Dual operator-(Dual x, Dual y) { return {x.value - y.value, x.along - y.along}; }
    friend Dual operator-(Dual x) { return {-x.value, -x.along}; }
    friend Dual operator*(Dual x, Dual y) { return {x.value * y.value, x.along * y.value + x.value * y.along}; }
    friend Dual operator/(Dual x, Dual y) {
        const T quotient = x.value / y.value;
        return {quotient, (x.along - quotient * y.along) / y.value};
    }
    Dual &operator+=(Dual y) { return *this = *this + y; }
    Dual &operator-=(Dual y) { return *this = *this - y; }
    Dual &operator*=(Dual y) { return *this = *this * y; }
    Dual &operator/=(Dual y) { return *this = *this / y; }

    friend bool operator<(Dual x, Dual y) { return x.value < y.value; }
    friend bool operator>(Dual x, Dual y) { return x.value > y.value; }
    friend bool operator<=(Dual x, Dual y) { return x.value <= y.value; }
    friend bool operator>=(Dual x, Dual y) { return x.value >= y.value; }
    friend bool operator==(Dual x, Dual y) { return x.value == y.value && x.along == y.along; }
    friend bool operator!=(Dual x, Dual y) { return !(x == y); }
};

// The functions of outputs.h
template <class T>
static inline Dual<T> exp_of(Dual<T> x) {
    const T value = exp_of(x.value);
    return {value, value * x.along};
}

template <class T>
static inline Dual<T> log_of(Dual<T> x) {
    return {log_of(x.value), x.along / x.value};
}

template <class T>
static inline Dual<T> log1p_of(Dual<T> x) {
    return {log1p_of(x.value), x.along / (1 + x.value)};
}

template <class T>
static inline Dual<T> expm1_of(Dual<T> x) {
    return {expm1_of(x.value), exp_of(x.value) * x.along};
}

template <class T>
static inline Dual<T> power_of(Dual<T> x, Dual<T> exponent) {  // the exponent is a constant
    const T n = exponent.value;
    return {power_of(x.value, n), n == 0 ? T(0) : n * power_of(x.value, n - 1) * x.along};
}

template <class T>
static inline Dual<T> sign_of(Dual<T> x) {
    return {sign_of(x.value), T(0)};
}
