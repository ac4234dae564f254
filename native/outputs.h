// The talk to the output units for any pair of output function and loss, one row at a time, by the formulas of
// losses/ and closed_forms.py; softmax with cross-entropy has a file of its own.
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
    if (denominator > 0) return numerator / denominator;
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
static inline T to_power(T base, T exponent) {  // of a base of 0 or more; a lower one counts as 0
    if (base > 0) return power_of(base, exponent);
    return base <= 0 ? T(exponent == 0) : base;
}

// One example. a: the pre-activations, undefined for a user's own output function. yhat, slope: what the output function
// made of them. grad_a, grad_yhat: written. rest, others: room for a row each.
template <class T>
struct Row {
    int64_t units;
    const T *a, *yhat, *slope, *target;
    T *grad_a, *grad_yhat, *rest, *others;
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
    T before = 0, behind = 0;
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
                const T t = target[j], rest = 1 - yhat[j], part = t * to_power(rest, parameter);
                grad[j] = -quotient(part, yhat[j]);
                if (parameter > 0) grad[j] += times_log(t * parameter * to_power(rest, parameter - 1), yhat[j]);
                sum -= times_log(part, yhat[j]);
            }
            return sum;
        case BINARY_CROSS_ENTROPY:
            for (int64_t j = 0; j < units; ++j) {
                const T t = target[j], rest = 1 - yhat[j];
                grad[j] = quotient(1 - t, rest) - quotient(t, yhat[j]);
                sum -= times_log(t, yhat[j]) + times_log(1 - t, rest);
            }
            return sum;
        case SQUARED_ERROR:
            for (int64_t j = 0; j < units; ++j) {
                grad[j] = yhat[j] - target[j];
                sum += grad[j] * grad[j] / 2;
            }
            return sum;
        case ABSOLUTE_ERROR:
        case QUANTILE:
            for (int64_t j = 0; j < units; ++j) {
                const T residual = yhat[j] - target[j], side = sign_of(residual);
                grad[j] = loss == ABSOLUTE_ERROR ? side : side < 0 ? -parameter : (1 - parameter) * side;
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

// Pairs whose l and dl/da are written in a, so that no digit is lost in yhat

template <class T>
static T sigmoid_of_binary(const Row<T> &row) {
    T sum = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        const T x = row.a[j], t = row.target[j], yhat = row.yhat[j], e = exp_of(x <= 0 ? x : -x);
        const T rest = (x <= 0 ? T(1) : e) / (1 + e);  // 1 - yhat
        row.grad_a[j] = (1 - t) * yhat - t * rest;
        row.grad_yhat[j] = quotient(1 - t, rest) - quotient(t, yhat);
        sum += log1p_of(e) + (x <= 0 ? t * -x : (1 - t) * x);
    }
    return sum;
}

template <class T>
static T sigmoid_of_classes(const Row<T> &row) {
    T sum = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        const T x = row.a[j], t = row.target[j], e = exp_of(x <= 0 ? x : -x);
        row.grad_a[j] = -t * ((x <= 0 ? T(1) : e) / (1 + e));
        row.grad_yhat[j] = -quotient(t, row.yhat[j]);
        sum += t * ((x <= 0 ? -x : T(0)) + log1p_of(e));
    }
    return sum;
}

// of a rate yhat, with its logarithm
template <class T>
static inline T deviance(T t, T yhat, T log_yhat) {
    if (!(t > 0)) return 2 * (yhat - t - t * log_yhat);
    const T log_t = log_of(t), u = log_yhat - log_t;  // near u = 0 the terms cancel
    if (u > -1 && u < 1) return 2 * t * (expm1_of(u) - u);
    return 2 * (t * log_t + (yhat - t - t * log_yhat));
}

template <class T>
static T exp_of_counts(const Row<T> &row) {
    T sum = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        const T t = row.target[j], yhat = row.yhat[j];
        row.grad_a[j] = 2 * (yhat - t);
        row.grad_yhat[j] = 2 * (1 - quotient(t, yhat));
        sum += deviance(t, yhat, row.a[j]);
    }
    return sum;
}

template <class T>
static T softplus_of_counts(const Row<T> &row) {
    T sum = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        const T x = row.a[j], t = row.target[j], yhat = row.yhat[j];
        const bool low = x < -40;  // log yhat is a, and the slope over yhat 1, to the last digit
        row.grad_a[j] = 2 * (row.slope[j] - t * (low ? T(1) : row.slope[j] / yhat));
        row.grad_yhat[j] = 2 * (1 - quotient(t, yhat));
        sum += deviance(t, yhat, low ? x : log_of(yhat));
    }
    return sum;
}

// yhat - t, written as -(1 - yhat) at a target of 1, where yhat has rounded digits away
template <class T>
static T squares_of_probabilities(Activation output, const Row<T> &row) {
    T sum = 0;
    if (output == SOFTMAX) sums_of_others(row.units, row.yhat, row.rest);
    for (int64_t j = 0; j < row.units; ++j) {
        const T x = row.a[j], t = row.target[j];
        if (output == SIGMOID) {
            const T e = exp_of(x <= 0 ? x : -x);
            row.rest[j] = (x <= 0 ? T(1) : e) / (1 + e);
        }
        row.grad_yhat[j] = t == 1 ? -row.rest[j] : row.yhat[j] - t;
        sum += row.grad_yhat[j] * row.grad_yhat[j] / 2;
    }
    return sum;
}

// grad_a in the place of p_j = yhat_j dl/dyhat_j: p_j (1 - yhat_j) - yhat_j times the sum of the other p
template <class T>
static void talk_through_softmax(const Row<T> &row) {
    T *p = row.grad_a;
    sums_of_others(row.units, row.yhat, row.rest);
    sums_of_others(row.units, p, row.others);
    for (int64_t j = 0; j < row.units; ++j) p[j] = p[j] * row.rest[j] - row.yhat[j] * row.others[j];
}

template <class T>
static T softmax_of_focal(T gamma, const Row<T> &row) {
    T most = row.a[0], powers = 0, sum = 0;
    for (int64_t j = 1; j < row.units; ++j) most = row.a[j] > most ? row.a[j] : most;
    for (int64_t j = 0; j < row.units; ++j) powers += exp_of(row.a[j] - most);
    const T log_powers = log_of(powers);
    T *pull = row.grad_a, *rest = row.rest;  // pull_j = yhat_j dl/dyhat_j
    sums_of_others(row.units, row.yhat, rest);
    for (int64_t j = 0; j < row.units; ++j) {
        const T t = row.target[j], yhat = row.yhat[j], log_yhat = rest[j] < T(0.5) ? log1p_of(-rest[j]) : (row.a[j] - most) - log_powers;
        const T part = t * to_power(rest[j], gamma);
        const T slope = gamma > 0 ? gamma * t * to_power(rest[j], gamma - 1) : T(0);
        pull[j] = -part;
        if (slope * yhat != 0) pull[j] += slope * yhat * log_yhat;
        if (part != 0) sum -= part * log_yhat;
    }
    talk_through_softmax(row);
    loss_of_output(FOCAL, gamma, row);  // for grad_yhat
    return sum;
}

// l of one example, grad_a and grad_yhat
template <class T>
static T loss_of_row(Activation output, Loss loss, T parameter, const Row<T> &row) {
    if (output == SIGMOID && loss == BINARY_CROSS_ENTROPY) return sigmoid_of_binary(row);
    if (output == SIGMOID && loss == CROSS_ENTROPY) return sigmoid_of_classes(row);
    if (output == EXPONENTIAL && loss == POISSON_DEVIANCE) return exp_of_counts(row);
    if (output == SOFTPLUS && loss == POISSON_DEVIANCE) return softplus_of_counts(row);
    if (output == SOFTMAX && loss == FOCAL) return softmax_of_focal(parameter, row);
    const bool squares = loss == SQUARED_ERROR && (output == SOFTMAX || output == SIGMOID);
    const T value = squares ? squares_of_probabilities(output, row) : loss_of_output(loss, parameter, row);
    if (output == SOFTMAX) {
        for (int64_t j = 0; j < row.units; ++j)  // an output that has rounded to 0 has no part
            row.grad_a[j] = row.yhat[j] == 0 ? T(0) : row.yhat[j] * row.grad_yhat[j];
        talk_through_softmax(row);
    } else {
        for (int64_t j = 0; j < row.units; ++j)
            row.grad_a[j] = output == IDENTITY ? row.grad_yhat[j] : row.slope[j] * row.grad_yhat[j];
    }
    return value;
}
