// output and hidden: the talk to the output units and that to the hidden units.
// Included by kernels.cpp inside the namespace of one instruction set.

// The talk to the output units: yhat = O(a_L), the loss, grad_{a_L} (and grad_yhat)
template <class T>
static void output(Job<T> &job, int64_t first, int64_t last, T *scratch) {
    const Layer<T> &layer = job.layers[job.depth - 1];
    const bool of_logits = job.loss == CROSS_ENTROPY || job.loss == KL_DIVERGENCE || !job.backward;
    if (layer.activation == SOFTMAX && of_logits) return softmax_with_cross_entropy(job, first, last);
    const int64_t units = layer.outputs, panels = panels_of<T>(units), width = panels * NR<T>;
    const int64_t step = job.rows * NR<T>;
    T *a = scratch, *yhat = a + width, *slope = yhat + width, *grad = slope + width, *wanted = grad + width;
    T *rest = wanted + width, *others = rest + width;
    __builtin_memset(grad, 0, width * sizeof(T));
    for (int64_t n = first; n < last; ++n) {
        const auto read = [&](const T *from, T *to) {
            for (int64_t p = 0; p < panels; ++p)
                __builtin_memcpy(to + p * NR<T>, from + p * step + n * NR<T>, NR<T> * sizeof(T));
        };
        if (layer.activation == HOST) {  // the caller has made yhat of a, and the slope
            read(layer.h, yhat);
            read(layer.d, slope);
        } else {
            read(layer.h, a);
            __builtin_memcpy(yhat, a, width * sizeof(T));
            apply_output(layer, units, width, yhat, job.backward ? slope : nullptr);
        }
        if (job.backward) {
            const int64_t example = job.order ? job.order[n] : n;
            const T weight = T(double(job.weight ? job.weight[example] : T(1)) / job.weight_sum);
            const Row<T> row = {units, a, yhat, slope, job.target + example * units, grad, wanted, rest, others,
                                job.levels};
            job.losses[n] = share(loss_of_row(layer.activation, job.loss, job.loss_parameter, row), weight);
            for (int64_t j = 0; j < units; ++j) grad[j] = share(grad[j], weight);
            for (int64_t p = 0; p < panels; ++p)
                __builtin_memcpy(layer.d + p * step + n * NR<T>, grad + p * NR<T>, NR<T> * sizeof(T));
            if (layer.out_grad_a) __builtin_memcpy(layer.out_grad_a + n * units, grad, units * sizeof(T));
            for (int64_t j = 0; layer.out_grad_h && j < units; ++j)
                layer.out_grad_h[n * units + j] = share(wanted[j], weight);
        }
        if (layer.out_h) __builtin_memcpy(layer.out_h + n * units, yhat, units * sizeof(T));
    }
}

// hidden: grad_{h_i} = W_{i+1}^T grad_{a_{i+1}}, grad_{a_i} = grad_{h_i} * g'(a_i); i = -1 stands for the input
template <class T>
static void hidden(Job<T> &job, int i, int64_t first, int64_t last) {
    const Layer<T> &above = job.layers[i + 1];
    const int64_t units = above.inputs, panels = panels_of<T>(units), step = job.rows * NR<T>;
    const int64_t height = round_up(above.outputs, MR) * NR<T>;
    Layer<T> *layer = i >= 0 ? &job.layers[i] : nullptr;
    T *out = layer ? layer->out_grad_h : job.out_grad_x;
    const int64_t rows = last - first;
    alignas(64) T panel[MOST_ROWS * NR<T>];  // of grad_h
    const bool measure = job.measure && layer, bends = layer && layer->bend;
    // g' of these follows from h, and with dropout that of a ReLU still does: a silent unit has h = 0
    const bool relu = layer && layer->activation == RELU;
    const bool plain = layer && layer->activation == IDENTITY && !layer->level;
    for (int64_t chunk = first / SUM_ROWS; measure && chunk * SUM_ROWS < last; ++chunk)
        layer->unit_sums[chunk] = {0, 0};
    for (int64_t p = 0; p < panels; ++p) {
        const int vectors = vectors_of<T>(p, units);
        Vector<T> peak[2] = {};
        panel_product(vectors, rows, above.d + first * NR<T>, step, above.outputs, above.wt + p * height,
                      static_cast<const T *>(nullptr), panel);
        copy_out(panel, rows, p, units, out, first);
        if (!layer) continue;
        const int64_t at = p * step + first * NR<T>;
        T *d = layer->d + at;
        const T *h = layer->h + at;
        const Vector<T> zero = {}, active = spread<T>(layer->scale);
        for (int64_t begin = 0; begin < rows; begin += SUM_ROWS) {
            Vector<T> squares_a = {}, squares_h = {};
            const int64_t end = least(rows, begin + SUM_ROWS);
            for (int64_t e = begin * NR<T>; e < end * NR<T>; e += LANES<T>) {
                const int v = e / LANES<T> % 2;
                if (v >= vectors) continue;
                const Vector<T> grad_h = load(panel + e);
                const Vector<T> slope = relu ? (load(h + e) <= T(0) ? zero : active) : plain ? active : load(d + e);
                const Vector<T> grad_a = grad_h * slope;
                store(d + e, grad_a);
                if (bends) {
                    store(layer->slope + at + e, slope);
                    store(layer->bend + at + e, load(layer->bend + at + e) * grad_h);
                }
                if (measure) {
                    squares_a += grad_a * grad_a;
                    squares_h += grad_h * grad_h;
                    const Vector<T> size = absolute<T>(slope);
                    peak[v] = size <= peak[v] ? peak[v] : size;
                }
            }
            if (!measure) continue;
            UnitSums &sums = layer->unit_sums[(first + begin) / SUM_ROWS];
            sums.grad_a += sum_lanes<T>(squares_a);
            sums.grad_h += sum_lanes<T>(squares_h);
        }
        copy_out(d, rows, p, units, layer->out_grad_a, first);
        if (!measure) continue;
        T *to = layer->peak + (first / SUM_ROWS * panels + p) * NR<T>;
        for (int v = 0; v < 2; ++v) store(to + v * LANES<T>, peak[v]);
    }
}
