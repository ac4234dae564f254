// Output functions, and losses as functions of yhat alone, one row at a time, by the formulas of losses/.
// Included by kernels.cpp inside the namespace of one instruction set.

static inline float exp_of(float x) { return __builtin_expf(x); }
static inline double exp_of(double x) { return __builtin_exp(x); }
static inline float log_of(float x) { return __builtin_logf(x); }
static inline double log_of(double x) { return __builtin_log(x); }
static inline float power_of(float x, float y) { return __builtin_powf(x, y); }
static inline double power_of(double x, double y) { return __builtin_pow(x, y); }
static inline float log1p_of(float x) { return __builtin_log1pf(x); }
static inline double log1p_of(double x) { return __builtin_log1p(x); }
static inline float expm1_of(float x) { return __builtin_expm1f(x); }
static inline double expm1_of(double x) { return __builtin_expm1(x); }

template <class T>
static inline T quotient(T numerator, T denominator) {  // both >= 0; 0/0 = 0
    if (!(denominator <= 0)) return numerator / denominator;  // NaN too, which stays
    return numerator > 0 ? T(__builtin_inf()) : T(0);
}

template <class T>
static inline T share(T value, T weight) {  // an example without weight has no part, also of inf
    return weight > 0 ? value * weight : weight;
}

template <class T>
static inline T sign_of(T x) {
    return x > 0 ? T(1) : x < 0 ? T(-1) : x;  // NaN stays NaN
}

template <class T>
static inline T times_log(T factor, T value) {  // 0 log 0 = 0, and -inf where value is 0 or less
    if (factor == 0) return 0;
    return factor * (value <= 0 ? -T(__builtin_inf()) : log_of(value));
}

template <class T>
static inline T times(T factor, T value) {  // 0 where the factor is 0, also if the value is infinite
    return factor == 0 ? T(0) : factor * value;
}

template <class T>
static inline T log_of_rest(T yhat, T rest) {  // log(1 - yhat), which keeps its digits near yhat = 0
    if (yhat > T(-0.5) && yhat < T(0.5)) return log1p_of(-yhat);
    return rest <= 0 ? -T(__builtin_inf()) : log_of(rest);
}

template <class T>
static inline T to_power(T base, T exponent) {  // of a base of 0 or more; a lower one counts as 0
    if (base > 0) return power_of(base, exponent);
    return base <= 0 ? T(exponent == 0) : base;
}

template <class T>
static inline T slope_of_power(T base, T exponent) {
    return base <= 0 ? T(0) : exponent * to_power(base, exponent - 1);
}

// One example. a: the pre-activations, undefined for a user's own output function. yhat, slope: what the output function
// made of them. grad_a, grad_yhat: written. rest, others: room for a row each.
template <class T>
struct Row {
    int64_t units;
    const T *a, *yhat, *slope, *target;
    T *grad_a, *grad_yhat, *rest, *others;
    const T *levels;  // of the quantiles, if these are the loss
};

template <class T>
static inline void softmax_of_row(int64_t units, T *a) {
    T most = a[0], sum = 0;
    for (int64_t j = 1; j < units; ++j) most = a[j] > most ? a[j] : most;
    for (int64_t j = 0; j < units; ++j) sum += a[j] = exp_of(a[j] - most);
    for (int64_t j = 0; j < units; ++j) a[j] /= sum;
}

// yhat = O(a) in the place of a, and the slope of an element-wise O where it is wanted
template <class T>
static inline void apply_output(const Layer<T> &layer, int64_t units, int64_t width, T *a, T *slope) {
    if (layer.activation == SOFTMAX) return softmax_of_row(units, a);
    activate<T>(layer.activation, layer.parameter, width, a, slope);
}

// to[j] = the sum of the values of all other units: 1 - yhat_j, with its digits where yhat_j has rounded to 1
template <class T>
static inline void sums_of_others(int64_t units, const T *values, T *to) {
    T before = units == 1 ? values[0] - values[0] : T(0), behind = 0;  // 0, and NaN stays NaN
    for (int64_t j = 0; j < units; ++j) {
        to[j] = before;
        before += values[j];
    }
    for (int64_t j = units - 1; j >= 0; --j) {
        to[j] += behind;
        behind += values[j];
    }
}

// l as a function of yhat alone, and dl/dyhat
template <class T>
static T loss_of_output(Loss loss, T parameter, const Row<T> &row) {
    const int64_t units = row.units, half = units / 2;
    const T *yhat = row.yhat, *target = row.target;
    T *grad = row.grad_yhat, sum = 0;
    switch (loss) {
        case CROSS_ENTROPY:
        case KL_DIVERGENCE:
            for (int64_t j = 0; j < units; ++j) {
                const T t = target[j];
                grad[j] = -quotient(t, yhat[j]);
                sum -= times_log(t, yhat[j]);
                if (loss == KL_DIVERGENCE) sum += times_log(t, t);
            }
            return sum;
        case FOCAL:
            for (int64_t j = 0; j < units; ++j) {
                const T t = target[j], rest = 1 - yhat[j], part = times(t, to_power(rest, parameter));
                grad[j] = -quotient(part, yhat[j]);
                if (parameter > 0) grad[j] += times_log(times(t, slope_of_power(rest, parameter)), yhat[j]);
                sum -= times_log(part, yhat[j]);
            }
            return sum;
        case BINARY_CROSS_ENTROPY:
            for (int64_t j = 0; j < units; ++j) {
                const T t = target[j], rest = 1 - yhat[j];
                grad[j] = quotient(1 - t, rest) - quotient(t, yhat[j]);
                sum -= times_log(t, yhat[j]) + times(1 - t, log_of_rest(yhat[j], rest));
            }
            return sum;
        case SQUARED_ERROR:
            for (int64_t j = 0; j < units; ++j) {
                grad[j] = yhat[j] - target[j];
                sum += grad[j] * (grad[j] / 2);  // a number where the square is none
            }
            return sum;
        case ABSOLUTE_ERROR:
        case QUANTILE:
        case QUANTILES:
            for (int64_t j = 0; j < units; ++j) {
                const T residual = yhat[j] - target[j], side = sign_of(residual);
                const T level = loss == QUANTILES ? row.levels[j] : parameter;
                grad[j] = loss == ABSOLUTE_ERROR ? side : side < 0 ? -level : (1 - level) * side;
                sum += residual * grad[j];
            }
            return sum;
        case HUBER:
            for (int64_t j = 0; j < units; ++j) {
                const T residual = yhat[j] - target[j], size = residual < 0 ? -residual : residual;
                grad[j] = size > parameter ? parameter * sign_of(residual) : residual;
                sum += grad[j] * (residual - grad[j] / 2);
            }
            return sum;
        case POISSON_DEVIANCE:
            for (int64_t j = 0; j < units; ++j) {
                const T t = target[j];
                grad[j] = 2 * (1 - quotient(t, yhat[j]));
                sum += 2 * (times_log(t, t) - times_log(t, yhat[j]) + (yhat[j] - t));
            }
            return sum;
        case CATEGORICAL_HINGE: {
            int64_t label = 0, rival = -1;
            for (int64_t j = 0; j < units; ++j)
                if (target[j] == 1) label = j;
            for (int64_t j = 0; j < units; ++j)  // the first of the largest others; NaN is larger than all
                if (j != label && (rival < 0 || yhat[j] > yhat[rival] || (yhat[j] != yhat[j] && yhat[rival] == yhat[rival])))
                    rival = j;
            const T margin = 1 + (yhat[rival] - yhat[label]);  // their difference first: it may cancel
            const bool right = margin <= 0;
            for (int64_t j = 0; j < units; ++j) grad[j] = right ? T(0) : T(j == rival) - T(j == label);
            return right ? T(0) : margin;
        }
        case GAUSSIAN_NLL:
            for (int64_t j = 0; j < half; ++j) {
                const T root = exp_of(-yhat[half + j] / 2), standard = (yhat[j] - target[j]) * root;
                const T share = standard * standard;
                grad[j] = standard * root;
                grad[half + j] = (1 - share) / 2;
                sum += (yhat[half + j] + share + T(1.8378770664093454836)) / 2;  // log 2 pi
            }
            return sum;
    }
    return sum;
}
