// forward: the rows of a batch into panels, and a_i and h_i layer by layer.
// Included by kernels.cpp inside the namespace of one instruction set.

constexpr int64_t AHEAD = 8;  // examples whose memory is asked for before they are copied

// x in panels: h_0, the rows of the batch in the order of the shuffle
template <class T>
static void gather(Job<T> &job, int64_t first, int64_t last) {
    const int64_t columns = job.layers[0].inputs, panels = panels_of<T>(columns);
    for (int64_t n = first; n < last; ++n) {
        const int64_t row = job.order ? job.order[n] : n;
        if (job.order && n + AHEAD < last)  // a shuffled row is far away
            for (int64_t c = 0; c < columns; c += 64 / int64_t(sizeof(T)))
                __builtin_prefetch(job.X + job.order[n + AHEAD] * columns + c);
        for (int64_t p = 0; p < panels; ++p) copy_in(job.X, row, columns, p, 1, job.x + (p * job.rows + n) * NR<T>);
    }
}

// g at rows first ... last - 1 of one panel, in place; g' to d where backward will ask for it
template <class T>
static inline void activate_panel(const Job<T> &job, const Layer<T> &layer, int64_t panel, int64_t at, int64_t rows) {
    T *h = layer.h + at;
    if (layer.bend) second_derivative<T>(layer.activation, layer.parameter, rows * NR<T>, h, layer.bend + at);
    const bool slope = job.backward && layer.activation != RELU && layer.activation != IDENTITY;
    activate<T>(layer.activation, layer.parameter, rows * NR<T>, h, slope ? layer.d + at : nullptr);
    clear_beyond(layer.outputs, panel, rows, h);
}

// forward: a_i = W_i h_{i-1} + b_i, h_i = g(a_i)
template <class T>
static void forward(Job<T> &job, int i, int64_t first, int64_t last) {
    const Layer<T> &layer = job.layers[i];
    const bool output = i == job.depth - 1;
    const T *in = i ? job.layers[i - 1].h : job.x;
    const int64_t panels = panels_of<T>(layer.outputs), step = job.rows * NR<T>;
    const int64_t height = round_up(layer.inputs, MR) * NR<T>;
    for (int64_t p = 0; p < panels; ++p) {
        const int vectors = vectors_of<T>(p, layer.outputs);
        const int64_t rows = last - first, at = p * step + first * NR<T>;
        T *panel = layer.h + at;
        if (layer.given_a)
            copy_in(layer.given_a, first, layer.outputs, p, rows, panel);
        else
            panel_product(vectors, rows, in + first * NR<T>, step, layer.inputs, layer.w + p * height,
                          layer.b + p * NR<T>, panel);
        copy_out(panel, rows, p, layer.outputs, layer.out_a, first);
        if (output || layer.activation == HOST) continue;
        activate_panel(job, layer, p, at, rows);
        copy_out(panel, rows, p, layer.outputs, layer.out_h, first);
    }
}

// A user's own g and g': the caller computes them, on rows that it can read
template <class T>
static void ask_host(Job<T> &job, int i, int64_t first, int64_t last, T *scratch) {
    const Layer<T> &layer = job.layers[i];
    const int64_t panels = panels_of<T>(layer.outputs), step = job.rows * NR<T>, width = layer.outputs;
    T *given = scratch, *result = scratch + job.block * width;
    for (int64_t p = 0; p < panels; ++p)
        copy_out(layer.h + p * step + first * NR<T>, last - first, p, width, given, 0);
    for (int derivative = 0; derivative <= int(job.backward); ++derivative) {
        if (!job.host(job.host_context, i, derivative, last - first, given, result)) job.host_failed = true;
        T *to = derivative ? layer.d : layer.h;
        for (int64_t p = 0; p < panels; ++p) {
            copy_in(result, 0, width, p, last - first, to + p * step + first * NR<T>);
            if (!derivative)
                copy_out(layer.h + p * step + first * NR<T>, last - first, p, width, layer.out_h, first);
        }
    }
}
