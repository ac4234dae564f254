// One step of an optimizer, backwards, as analysis/influence/unrolled/adjoints.py has it: from what a loss after training
// is told of the next theta and state, to the ones before and to the gradient. x-bar is the derivative of that loss by x.
// Each line is the transpose of the line of update_of. Included by kernels.cpp inside the namespace of one instruction set.

constexpr int64_t CHUNK = 1024;  // parameters at a time

// What the step has of some parameters, whatever it is that comes back through it
template <class T>
struct Chunk {
    int64_t count;
    const T *parameter;
    alignas(64) T gradient[CHUNK];                                 // as the optimizer has it: with the penalty, clipped
    alignas(64) T of_mean[CHUNK], of_square[CHUNK], of_rate[CHUNK];  // ADAM: d theta by d m, v and the rate, and their signs
};

template <Rule RULE, class T>
static inline void read_chunk(const Update<T> &u, const T *gradient, T penalty, const T *parameter, T *const *state,
                              int64_t count, Chunk<T> &chunk) {
    chunk.count = count;
    chunk.parameter = parameter;
    for (int64_t e = 0; e < count; e += LANES<T>) {
        const Vector<T> g = (load(gradient + e) + penalty * load(parameter + e)) * u.scale;
        store(chunk.gradient + e, g);
        if constexpr (RULE == ADAM) {
            const Vector<T> m = u.beta_1 * load(state[0] + e) + u.rest_1 * g, zero = {}, one = spread<T>(T(1));
            const Vector<T> v = u.beta_2 * load(state[1] + e) + u.rest_2 * g * g, root = root_lanes<T>(v);
            const Vector<T> share = T(1) / (root * u.root_correction + u.epsilon), of_mean = u.step * share;
            // d root(v)/dv = 1/(2 root(v)); where v is 0 the gradient was 0 in every step, and stays so to first order
            const auto moved = root > T(0);
            const Vector<T> slope = moved ? u.root_correction / (T(2) * (moved ? root : one)) : zero;
            store(chunk.of_mean + e, of_mean);
            store(chunk.of_square + e, of_mean * m * slope * share);
            store(chunk.of_rate + e, of_mean * m / u.learning_rate);
        }
    }
}

// grad-bar to `direction`, and the bars of the state; gives the rate's bar, without what decays
template <Rule RULE, class T>
static inline T pull_chunk(const Update<T> &u, const Chunk<T> &chunk, const T *bar, T *const *state_bar, T *direction) {
    Vector<T> rate = {};
    for (int64_t e = 0; e < chunk.count; e += LANES<T>) {
        const Vector<T> g = load(chunk.gradient + e), theta_bar = load(bar + e);
        if constexpr (RULE == ADAM) {
            // m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, theta <- theta - r m/(c root(v) + eps)
            const Vector<T> m_bar = load(state_bar[0] + e) - load(chunk.of_mean + e) * theta_bar;
            const Vector<T> v_bar = load(state_bar[1] + e) + load(chunk.of_square + e) * theta_bar;
            store(direction + e, u.rest_1 * m_bar + T(2) * u.rest_2 * g * v_bar);
            store(state_bar[0] + e, u.beta_1 * m_bar);
            store(state_bar[1] + e, u.beta_2 * v_bar);
            rate -= load(chunk.of_rate + e) * theta_bar;
        } else if constexpr (RULE == MOMENTUM || RULE == NESTEROV) {
            // v <- mu v - eta g, theta <- theta + v; looking ahead: theta <- theta + mu v - eta g
            const Vector<T> v_bar = load(state_bar[0] + e) + (RULE == MOMENTUM ? theta_bar : u.momentum * theta_bar);
            const Vector<T> heard = RULE == MOMENTUM ? v_bar : v_bar + theta_bar;
            store(direction + e, -u.learning_rate * heard);
            store(state_bar[0] + e, u.momentum * v_bar);
            rate -= g * heard;
        } else {
            // theta <- theta - eta g
            store(direction + e, -u.learning_rate * theta_bar);
            rate -= g * theta_bar;
        }
    }
    return sum_lanes<T>(rate);
}

template <class T>
static inline T dot(const T *one, const T *other, int64_t count) {
    Vector<T> sum = {};
    for (int64_t e = 0; e < count; e += LANES<T>) sum += load(one + e) * load(other + e);
    return sum_lanes<T>(sum);
}

// Strips first ... last - 1 of one panel of W^T, and the biases with strip 0: for each of `count` losses. Where the gradient
// was clipped, the direction is not yet whole: across_clipped comes after.
template <Rule RULE, class T>
static void pull_back_by(const Job<T> &job, double decay, int i, int64_t panel, int64_t first, int64_t last,
                         const Along<T> *along, int64_t count, PullSums *sums, int64_t sums_step) {
    const Layer<T> &layer = job.layers[i];
    const Update<T> u = job.update;
    Chunk<T> chunk;
    constexpr int STATES = states_of(RULE);
    const auto pull = [&](const T *gradient, T penalty, const T *parameter, T *const *states, int64_t at, int64_t size,
                          T *AlongLayer<T>::*bar, T *AlongLayer<T>::*direction, T *(AlongLayer<T>::*bars)[MOST_STATES]) {
        T *state[MOST_STATES] = {};
        for (int k = 0; k < STATES; ++k) state[k] = states[k] + at;
        read_chunk<RULE>(u, gradient + at, penalty, parameter + at, state, size, chunk);
        for (int64_t q = 0; q < count; ++q) {
            const AlongLayer<T> &here = along[q].layers[i];
            T *state_bar[MOST_STATES] = {};
            for (int k = 0; k < STATES; ++k) state_bar[k] = (here.*bars)[k] + at;
            sums[q * sums_step].rate += pull_chunk<RULE>(u, chunk, here.*bar + at, state_bar, here.*direction + at);
            if (u.scale < 1) sums[q * sums_step].along_gradient += dot(here.*direction + at, chunk.gradient, size);
            if (parameter != layer.w) continue;
            // theta <- (1 - eta decay) theta + ..., for the weights alone
            if (decay > 0) sums[q * sums_step].rate -= decay * dot(here.*bar + at, parameter + at, size);
            sums[q * sums_step].along_weights += dot(here.*direction + at, parameter + at, size);
        }
    };
    for (int64_t q = 0; q < count; ++q) sums[q * sums_step] = {0, 0, 0};
    if (first == 0)
        pull(layer.g_b, T(0), layer.b, layer.b_state, panel * NR<T>, NR<T>, &AlongLayer<T>::bar_b, &AlongLayer<T>::c,
             &AlongLayer<T>::state_bar_b);
    const int64_t begin = (panel * round_up(layer.inputs, MR) + first * MR) * NR<T>, size = (last - first) * MR * NR<T>;
    for (int64_t done = 0; done < size; done += CHUNK)
        pull(layer.g, u.l2_penalty, layer.w, layer.w_state, begin + done, least(CHUNK, size - done), &AlongLayer<T>::bar,
             &AlongLayer<T>::v, &AlongLayer<T>::state_bar);
}

// V for the talk below, as W^T and W
template <class T>
static void mirror_strips(const Layer<T> &layer, int64_t panel, int64_t first, int64_t last, const T *w, T *wt) {
    const int64_t height_of_panel = round_up(layer.inputs, MR);
    for (int64_t input = first * MR, height; wt && input < last * MR; input += height) {
        height = least(last * MR, round_up(input + 1, NR<T>)) - input;
        write_mirror(w + (panel * height_of_panel + input) * NR<T>, layer, panel, input, height, wt);
    }
}

template <class T>
static void pull_back(const Job<T> &job, double decay, int i, int64_t panel, int64_t first, int64_t last,
                      const Along<T> *along, int64_t count, PullSums *sums, int64_t sums_step) {
    switch (job.update.rule) {
        case ADAM: pull_back_by<ADAM>(job, decay, i, panel, first, last, along, count, sums, sums_step); break;
        case MOMENTUM: pull_back_by<MOMENTUM>(job, decay, i, panel, first, last, along, count, sums, sums_step); break;
        case NESTEROV: pull_back_by<NESTEROV>(job, decay, i, panel, first, last, along, count, sums, sums_step); break;
        default: pull_back_by<SGD>(job, decay, i, panel, first, last, along, count, sums, sums_step);
    }
    if (job.update.scale < 1) return;
    for (int64_t q = 0; q < count; ++q) {
        const AlongLayer<T> &here = along[q].layers[i];
        mirror_strips<T>(job.layers[i], panel, first, last, here.v, here.vt);
    }
}

// Clipping: scale grad with scale = most/|grad|, whose derivative is the part across grad. `share` is v-bar . scale grad over
// the square of the norm of scale grad.
template <class T>
static void across_clipped(const Job<T> &job, const Along<T> &along, T share, int i, int64_t panel, int64_t first,
                           int64_t last, PullSums &sums) {
    const Layer<T> &layer = job.layers[i];
    const AlongLayer<T> &here = along.layers[i];
    const T scale = job.update.scale, penalty = job.update.l2_penalty;
    const auto across = [&](T *direction, const T *gradient, T penalty, const T *parameter, int64_t size) {
        for (int64_t e = 0; e < size; e += LANES<T>) {
            const Vector<T> g = (load(gradient + e) + penalty * load(parameter + e)) * scale;
            store(direction + e, (load(direction + e) - share * g) * scale);
        }
    };
    const int64_t begin = (panel * round_up(layer.inputs, MR) + first * MR) * NR<T>, size = (last - first) * MR * NR<T>;
    if (first == 0) across(here.c + panel * NR<T>, layer.g_b + panel * NR<T>, T(0), layer.b + panel * NR<T>, NR<T>);
    across(here.v + begin, layer.g + begin, penalty, layer.w + begin, size);
    sums.along_weights = dot(here.v + begin, layer.w + begin, size);
    mirror_strips<T>(layer, panel, first, last, here.v, here.vt);
}
