// The talk to the output units for the losses that add up over the outputs, one row at a time, by the formulas of
// losses.py; softmax with cross-entropy has a file of its own.
// Included by kernels.cpp inside the namespace of one instruction set.

static inline float exp_of(float x) { return __builtin_expf(x); }
static inline double exp_of(double x) { return __builtin_exp(x); }
static inline float log_of(float x) { return __builtin_logf(x); }
static inline double log_of(double x) { return __builtin_log(x); }
static inline float log1p_of(float x) { return __builtin_log1pf(x); }
static inline double log1p_of(double x) { return __builtin_log1p(x); }
static inline float expm1_of(float x) { return __builtin_expm1f(x); }
static inline double expm1_of(double x) { return __builtin_expm1(x); }

template <class T>
static inline T quotient(T numerator, T denominator) {  // both >= 0; 0/0 = 0
    if (denominator > 0) return numerator / denominator;
    return numerator > 0 ? T(__builtin_inf()) : T(0);
}

// One row: a in, yhat in its place; t the target, w its weight. grad_a and, where not null, grad_yhat are written.
template <class T>
struct Row {
    int64_t units;
    const T *target;
    T weight;
    T *yhat, *grad_a, *grad_yhat;
};

template <class T>
static inline T share(T value, T weight) {  // an example without weight has no part, also of inf
    return weight > 0 ? value * weight : weight;
}

// Losses that add up over the outputs: value(a, t, yhat out, dl/da out, dl/dyhat out)
template <class T, class F>
static inline T each_output(const Row<T> &row, F value) {
    T loss = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        T grad_a, grad_yhat, yhat;
        loss += value(row.yhat[j], row.target[j], yhat, grad_a, grad_yhat);
        row.yhat[j] = yhat;
        row.grad_a[j] = share(grad_a, row.weight);
        if (row.grad_yhat) row.grad_yhat[j] = share(grad_yhat, row.weight);
    }
    return loss;
}

template <class T>
static inline T sign_of(T x) {
    return x > 0 ? T(1) : x < 0 ? T(-1) : x;  // NaN stays NaN
}

template <class T>
static T loss_of_row(Loss loss, T parameter, const Row<T> &row) {
    switch (loss) {
        case CROSS_ENTROPY:
            break;  // softmax.h
        case BINARY_CROSS_ENTROPY:
            return each_output(row, [](T x, T t, T &yhat, T &grad_a, T &grad_yhat) {
                const T e = exp_of(x <= 0 ? x : -x);
                yhat = (x <= 0 ? e : T(1)) / (1 + e);
                const T rest = (x <= 0 ? T(1) : e) / (1 + e);  // 1 - yhat
                grad_a = (1 - t) * yhat - t * rest;
                grad_yhat = quotient(1 - t, rest) - quotient(t, yhat);
                return log1p_of(e) + (x <= 0 ? t * -x : (1 - t) * x);
            });
        case SQUARED_ERROR:
            return each_output(row, [](T x, T t, T &yhat, T &grad_a, T &grad_yhat) {
                yhat = x;
                grad_a = grad_yhat = x - t;
                return grad_a * grad_a / 2;
            });
        case ABSOLUTE_ERROR:
            return each_output(row, [](T x, T t, T &yhat, T &grad_a, T &grad_yhat) {
                yhat = x;
                grad_a = grad_yhat = sign_of(x - t);
                return (x - t) * grad_a;
            });
        case HUBER:
            return each_output(row, [=](T x, T t, T &yhat, T &grad_a, T &grad_yhat) {
                const T residual = x - t, size = residual < 0 ? -residual : residual;
                yhat = x;
                grad_a = grad_yhat = size > parameter ? parameter * sign_of(residual) : residual;
                return grad_a * (residual - grad_a / 2);
            });
        case POISSON_DEVIANCE:
            return each_output(row, [](T x, T t, T &yhat, T &grad_a, T &grad_yhat) {
                yhat = exp_of(x);
                grad_a = 2 * (yhat - t);
                grad_yhat = 2 * (1 - quotient(t, yhat));
                if (!(t > 0)) return 2 * (yhat - t - t * x);
                const T log_t = log_of(t), u = x - log_t;  // near u = 0 the terms cancel
                if (u > -1 && u < 1) return 2 * t * (expm1_of(u) - u);
                return 2 * (t * log_t + (yhat - t - t * x));
            });
    }
    return 0;
}

template <class T>
static void output_only(Loss loss, T *a, int64_t units) {
    switch (loss) {
        case BINARY_CROSS_ENTROPY:
            for (int64_t j = 0; j < units; ++j) {
                const T e = exp_of(a[j] <= 0 ? a[j] : -a[j]);
                a[j] = (a[j] <= 0 ? e : T(1)) / (1 + e);
            }
            break;
        case POISSON_DEVIANCE:
            for (int64_t j = 0; j < units; ++j) a[j] = exp_of(a[j]);
            break;
        case CROSS_ENTROPY:   // softmax.h
        case SQUARED_ERROR:
        case ABSOLUTE_ERROR:
        case HUBER:
            break;
    }
}
