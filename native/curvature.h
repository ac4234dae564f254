// The three talks differentiated once more along a direction (V_i, c_i), as core/curvature.py has it: R{.} is the
// derivative d/de at e = 0 of what is computed from W_i + e V_i and b_i + e c_i, so that R{grad W_i} and R{grad b_i} are
// the product of the Hessian with the direction (Pearlmutter 1994). The forward and the backward pass stand in the
// layers. Included by kernels.cpp inside the namespace of one instruction set.

template <class T>
static inline T weight_of(const Job<T> &job, int64_t n) {
    return T(double(job.weight ? job.weight[job.order ? job.order[n] : n] : T(1)) / job.weight_sum);
}

// R{a_i} and R{h_i}; the examples themselves stay as they are. And each example's share of the slope of the loss along
// the direction: w_n grad l_n . (V, c), the sum of grad_{a_i} (V_i h_{i-1} + c_i) over the layers.
template <class T>
static void forward_along(const Job<T> &job, const Along<T> &along, int i, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[i];
    const AlongLayer<T> &here = along.layers[i];
    const int64_t step = job.rows * NR<T>, height = round_up(layer.inputs, MR) * NR<T>, rows = last - first;
    const T *h = (i ? job.layers[i - 1].h : job.x) + first * NR<T>;
    for (int64_t p = 0; p < panels_of<T>(layer.outputs); ++p) {
        const int vectors = vectors_of<T>(p, layer.outputs);
        const int64_t at = p * step + first * NR<T>;
        T *along_a = here.d + at;
        // forward: a_i = W_i h_{i-1} + b_i
        panel_product(vectors, rows, h, step, layer.inputs, here.v + p * height, here.c + p * NR<T>, along_a);
        for (int64_t n = 0; n < rows; ++n) {
            Vector<T> share = {};
            for (int v = 0; v < vectors; ++v) {
                const int64_t e = n * NR<T> + v * LANES<T>;
                share += load(along_a + e) * load(layer.d + at + e);
            }
            along.shares[first + n] += sum_lanes<T>(share);
        }
        if (i > 0)
            add_panel_product(vectors, rows, along.layers[i - 1].h + first * NR<T>, step, layer.inputs,
                              layer.w + p * height, along_a);
        if (i == job.depth - 1) continue;
        // forward: h_i = m_i * g(a_i). In the place of R{a_i} stands what it does to grad_{a_i} = grad_{h_i} * m_i * g'
        for (int64_t e = 0; e < rows * NR<T>; e += LANES<T>) {
            const Vector<T> value = load(along_a + e);
            store(here.h + at + e, load(layer.slope + at + e) * value);
            store(along_a + e, load(layer.bend + at + e) * value);
        }
    }
}

// R{grad_{a_L}} in the place of R{a_L}, where grad_{a_L} = (yhat - t) w: yhat * (R{a} - yhat . R{a}) w
template <class T>
static void softmax_along(const Job<T> &job, const Along<T> &along, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    const int64_t units = layer.outputs, step = job.rows * NR<T>;
    for (int64_t n = first; n < last; ++n) {
        const T *yhat = layer.slope + n * NR<T>, weight = weight_of(job, n);
        T *row = along.layers[job.depth - 1].d + n * NR<T>;
        Vector<T> sums = {};
        each_register<T>(units, step, [&](int64_t, int64_t at) { sums += load(yhat + at) * load(row + at); });
        const T mean = sum_lanes<T>(sums), part = weight > 0 ? weight : T(0);
        each_register<T>(units, step, [&](int64_t, int64_t at) {
            store(row + at, load(yhat + at) * (load(row + at) - mean) * part);
        });
    }
}

constexpr int64_t ROWS_OF_OUTPUT_ALONG = 9 * 2 + 3;  // of scratch: nine of numbers with a derivative, and three without

// The same for any pair of output function and loss: its own formulas, by numbers with a derivative
template <class T>
static void output_along(const Job<T> &job, const Along<T> &along, int64_t first, int64_t last, Dual<T> *scratch) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    if (layer.activation == SOFTMAX && (job.loss == CROSS_ENTROPY || job.loss == KL_DIVERGENCE))
        return softmax_along(job, along, first, last);
    const int64_t units = layer.outputs, width = panels_of<T>(units) * NR<T>, step = job.rows * NR<T>;
    Dual<T> *a = scratch, *yhat = a + width, *slope = yhat + width, *target = slope + width, *grad = target + width;
    Dual<T> *wanted = grad + width, *rest = wanted + width, *others = rest + width, *levels = others + width;
    T *plain = reinterpret_cast<T *>(levels + width), *first_of = plain + width, *second_of = first_of + width;
    for (int64_t j = 0; j < width; ++j) levels[j] = j < units && job.loss == QUANTILES ? job.levels[j] : T(0);
    for (int64_t n = first; n < last; ++n) {
        T *row = along.layers[job.depth - 1].d + n * NR<T>;
        const auto place = [=](int64_t j) { return j / NR<T> * step + j % NR<T>; };
        const T *targets = job.target + (job.order ? job.order[n] : n) * units, weight = weight_of(job, n);
        for (int64_t j = 0; j < units; ++j) {
            a[j] = yhat[j] = Dual<T>(layer.h[n * NR<T> + place(j)], row[place(j)]);
            target[j] = targets[j];
        }
        if (layer.activation == SOFTMAX) {
            softmax_of_row(units, yhat);
        } else {  // yhat = g(a), slope = g'(a)
            for (int64_t p = 0; p < width; ++p) plain[p] = p < units ? a[p].value : T(0);
            second_derivative<T>(layer.activation, layer.parameter, width, plain, second_of);
            activate<T>(layer.activation, layer.parameter, width, plain, first_of);
            for (int64_t j = 0; j < units; ++j) {
                yhat[j] = Dual<T>(plain[j], first_of[j] * a[j].along);
                slope[j] = Dual<T>(first_of[j], second_of[j] * a[j].along);
            }
        }
        const Row<Dual<T>> of = {units, a, yhat, slope, target, grad, wanted, rest, others, levels};
        loss_of_row(layer.activation, job.loss, Dual<T>(job.loss_parameter), of);
        for (int64_t j = 0; j < units; ++j) row[place(j)] = share(grad[j].along, weight);
    }
}

// R{grad_{a_i}} from R{grad_{a_{i+1}}}
template <class T>
static void hidden_along(const Job<T> &job, const Along<T> &along, int i, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[i], &above = job.layers[i + 1];
    const AlongLayer<T> &here = along.layers[i], &there = along.layers[i + 1];
    const int64_t step = job.rows * NR<T>, height = round_up(above.outputs, MR) * NR<T>, rows = last - first;
    alignas(64) T along_grad_h[MOST_ROWS * NR<T>];
    for (int64_t p = 0; p < panels_of<T>(layer.outputs); ++p) {
        const int vectors = vectors_of<T>(p, layer.outputs);
        const int64_t at = p * step + first * NR<T>;
        // backward: grad_{h_i} = W_{i+1}^T grad_{a_{i+1}}
        panel_product(vectors, rows, there.d + first * NR<T>, step, above.outputs, above.wt + p * height,
                      static_cast<const T *>(nullptr), along_grad_h);
        add_panel_product(vectors, rows, above.d + first * NR<T>, step, above.outputs, there.vt + p * height, along_grad_h);
        // backward: grad_{a_i} = grad_{h_i} * m_i * g'(a_i)
        for (int64_t n = 0; n < rows; ++n)
            for (int v = 0; v < vectors; ++v) {
                const int64_t e = n * NR<T> + v * LANES<T>;
                store(here.d + at + e, load(along_grad_h + e) * load(layer.slope + at + e) + load(here.d + at + e));
            }
    }
}

// R{the talks} for rows first ... last - 1 of the batch
template <class T>
static void rows_along(const Job<T> &job, const Along<T> &along, int64_t first, int64_t last, void *scratch) {
    for (int64_t n = first; n < last; ++n) along.shares[n] = 0;
    for (int i = 0; i < job.depth; ++i) forward_along(job, along, i, first, last);
    output_along(job, along, first, last, static_cast<Dual<T> *>(scratch));
    for (int i = job.depth - 2; i >= 0; --i) hidden_along(job, along, i, first, last);
}

// bar <- keep bar + R{grad W_i} + penalty V, where grad_{W_i} = grad_{a_i} h_{i-1}^T, for some strips of a panel of W^T; and
// bar_b <- bar_b + R{grad b_i} with the first one
template <class T, int VECTORS>
static inline void strips_along(const Job<T> &job, const Along<T> &along, int i, int64_t panel, int64_t first,
                                int64_t last, T keep, T penalty) {
    const Layer<T> &layer = job.layers[i];
    const AlongLayer<T> &here = along.layers[i];
    const int64_t step = job.rows * NR<T>, height_of_panel = round_up(layer.inputs, MR);
    alignas(64) T found[NR<T> * NR<T>], more[NR<T> * NR<T>];
    for (int64_t input = first * MR, height; input < last * MR; input += height) {
        height = least(last * MR, round_up(input + 1, NR<T>)) - input;
        const int64_t from = input / NR<T> * step + input % NR<T>, at = (panel * height_of_panel + input) * NR<T>;
        whole_gradient<T, VECTORS>((i ? job.layers[i - 1].h : job.x) + from, here.d + panel * step, job.batch, height, found);
        if (i > 0)
            whole_gradient<T, VECTORS>(along.layers[i - 1].h + from, layer.d + panel * step, job.batch, height, more);
        over_registers<T, VECTORS>(height, [&](int64_t e) {
            const Vector<T> product = i > 0 ? load(found + e) + load(more + e) : load(found + e);
            store(here.bar + at + e, load(here.bar + at + e) * keep + product);
        });
        if (penalty > 0)
            over_registers<T, VECTORS>(height, [&](int64_t e) {
                store(here.bar + at + e, load(here.bar + at + e) + penalty * load(here.v + at + e));
            });
    }
}

template <class T>
static void weights_along(const Job<T> &job, const Along<T> &along, int i, int64_t panel, int64_t first, int64_t last,
                          T keep, T penalty) {
    const Layer<T> &layer = job.layers[i];
    const AlongLayer<T> &here = along.layers[i];
    if (first == 0) {
        Total<T> totals[2];
        sum_of_rows(here.d + panel * job.rows * NR<T>, job.batch, totals);
        for (int v = 0; v < vectors_of<T>(panel, layer.outputs); ++v) {
            T *to = here.bar_b + panel * NR<T> + v * LANES<T>;
            store(to, load(to) + totals[v].value());
        }
    }
    if (vectors_of<T>(panel, layer.outputs) == 2)
        strips_along<T, 2>(job, along, i, panel, first, last, keep, penalty);
    else
        strips_along<T, 1>(job, along, i, panel, first, last, keep, penalty);
}
