// The talk to the output units for any pair of output function and loss, one row at a time. Some pairs have l and dl/da
// written in a, so that no digit is lost in yhat, as in tails.py and closed_forms.py; softmax with cross-entropy has a
// file of its own. Included by kernels.cpp inside the namespace of one instruction set.

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

// of a rate yhat, with its logarithm
template <class T>
static inline T deviance(T t, T yhat, T log_yhat) {
    if (yhat > 0 && yhat - yhat != 0) return yhat;  // infinite, whatever it is that overflows besides
    if (!(t > 0)) return 2 * (yhat - t - times(t, log_yhat));
    const T log_t = log_of(t), u = log_yhat - log_t;  // near u = 0 the terms cancel
    if (u > -1 && u < 1) return 2 * t * (expm1_of(u) - u);
    return 2 * (t * log_t + (yhat - t - t * log_yhat));
}

// What a and yhat = g(a) tell of a sigmoid, exp or softplus that yhat alone has rounded away
template <class T>
struct Tail {
    T log, rest, slope_of_log;  // log yhat, 1 - yhat, g'/g
};

template <class T>
static inline Tail<T> tail_of(Activation output, T x, T yhat, T slope) {
    if (output == EXPONENTIAL) return {x, -expm1_of(x), T(1)};
    if (output == SOFTPLUS) {
        const bool low = x < -40;  // log yhat is a, and the slope over yhat 1, to the last digit
        return {low ? x : log_of(yhat), 1 - yhat, low ? T(1) : slope / yhat};
    }
    const T e = exp_of(x <= 0 ? x : -x), rest = (x <= 0 ? T(1) : e) / (1 + e);
    return {-((x <= 0 ? -x : T(0)) + log1p_of(e)), rest, rest};
}

// A loss of classes or counts, of a sigmoid, exp or softplus
template <class T>
static T loss_of_tails(Activation output, Loss loss, T parameter, const Row<T> &row) {
    T sum = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        const T t = row.target[j], yhat = row.yhat[j], slope = row.slope[j];
        const Tail<T> tail = tail_of(output, row.a[j], yhat, slope);
        T &grad_a = row.grad_a[j], &grad_yhat = row.grad_yhat[j];
        if (loss == POISSON_DEVIANCE) {
            grad_a = 2 * (t == 1 ? -tail.rest : yhat - t) * tail.slope_of_log;
            grad_yhat = 2 * (1 - quotient(t, yhat));
            sum += deviance(t, yhat, tail.log);
        } else if (loss == BINARY_CROSS_ENTROPY) {
            grad_a = times(1 - t, quotient(slope, tail.rest)) - t * tail.slope_of_log;
            grad_yhat = quotient(1 - t, tail.rest) - quotient(t, yhat);
            sum -= times(t, tail.log) + times(1 - t, log_of_rest(yhat, tail.rest));
        } else {  // focal, or cross-entropy as focal with a gamma of 0
            const T gamma = loss == FOCAL ? parameter : T(0), part = gamma > 0 ? t * to_power(tail.rest, gamma) : t;
            const T factor = gamma > 0 ? t * slope_of_power(tail.rest, gamma) : T(0);
            grad_a = times(factor, slope * tail.log) - part * tail.slope_of_log;
            grad_yhat = times(factor, tail.log) - quotient(part, yhat);
            sum -= times(part, tail.log);
            if (loss == KL_DIVERGENCE) sum += times_log(t, t);
        }
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
        sum += row.grad_yhat[j] * (row.grad_yhat[j] / 2);
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

// half of log yhat_j to `others`, from 1 - yhat_j where that is small, else from a; and 1 - yhat_j to `rest`
template <class T>
static void half_log_of_softmax(const Row<T> &row) {
    T most = row.a[0], powers = 0;
    for (int64_t j = 1; j < row.units; ++j) most = row.a[j] > most ? row.a[j] : most;
    for (int64_t j = 0; j < row.units; ++j) powers += exp_of(row.a[j] - most);
    const T log_powers = log_of(powers);
    sums_of_others(row.units, row.yhat, row.rest);
    for (int64_t j = 0; j < row.units; ++j)
        row.others[j] = row.rest[j] < T(0.5) ? log1p_of(-row.rest[j]) / 2 : (row.a[j] / 2 - most / 2) - log_powers / 2;
}

template <class T>
static T softmax_of_focal(T gamma, const Row<T> &row) {
    T *pull = row.grad_a, *rest = row.rest, *half_log = row.others, sum = 0;  // pull_j = yhat_j dl/dyhat_j
    half_log_of_softmax(row);
    for (int64_t j = 0; j < row.units; ++j) {
        const T t = row.target[j], part = t * to_power(rest[j], gamma);
        const T slope = gamma > 0 ? 2 * t * slope_of_power(rest[j], gamma) : T(0);
        pull[j] = times(slope * row.yhat[j], half_log[j]) - part;
        row.grad_yhat[j] = times(slope, half_log[j]) - quotient(part, row.yhat[j]);
        sum -= times(2 * part, half_log[j]);
    }
    talk_through_softmax(row);
    return sum;
}

template <class T>
static T softmax_of_counts(const Row<T> &row) {
    const T *half_log = row.others;
    half_log_of_softmax(row);
    T sum = 0;
    for (int64_t j = 0; j < row.units; ++j) {
        const T t = row.target[j], yhat = row.yhat[j];
        row.grad_a[j] = 2 * (yhat - t);  // yhat_j dl/dyhat_j
        row.grad_yhat[j] = 2 * (1 - quotient(t, yhat));
        sum += deviance(t, yhat, 2 * half_log[j]);
    }
    talk_through_softmax(row);
    return sum;
}

static inline bool has_tails(Activation output, Loss loss) {
    const bool tails = output == SIGMOID || output == EXPONENTIAL || output == SOFTPLUS;
    return tails && (loss == CROSS_ENTROPY || loss == KL_DIVERGENCE || loss == FOCAL || loss == BINARY_CROSS_ENTROPY ||
                     loss == POISSON_DEVIANCE);
}

// Of an output that does not move, or that l does not hear, also if the other factor is infinite
template <class T>
static inline T product(T slope, T pull) {
    const bool silent = (slope == 0 && pull == pull) || (pull == 0 && slope == slope);
    return silent ? T(0) : slope * pull;
}

// l of one example, grad_a and grad_yhat
template <class T>
static T loss_of_row(Activation output, Loss loss, T parameter, const Row<T> &row) {
    if (output == SIGMOID && loss == BINARY_CROSS_ENTROPY) return sigmoid_of_binary(row);
    if (has_tails(output, loss)) return loss_of_tails(output, loss, parameter, row);
    if (output == SOFTMAX && loss == FOCAL) return softmax_of_focal(parameter, row);
    if (output == SOFTMAX && loss == POISSON_DEVIANCE) return softmax_of_counts(row);
    const bool squares = loss == SQUARED_ERROR && (output == SOFTMAX || output == SIGMOID);
    const T value = squares ? squares_of_probabilities(output, row) : loss_of_output(loss, parameter, row);
    if (output == SOFTMAX) {
        for (int64_t j = 0; j < row.units; ++j)  // an output that has rounded to 0 has no part
            row.grad_a[j] = row.yhat[j] == 0 ? T(0) : row.yhat[j] * row.grad_yhat[j];
        talk_through_softmax(row);
    } else {
        for (int64_t j = 0; j < row.units; ++j)
            row.grad_a[j] = output == IDENTITY ? row.grad_yhat[j] : product(row.slope[j], row.grad_yhat[j]);
    }
    return value;
}
