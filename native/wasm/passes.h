// The passes through a network that the page shows: in double, as derivations are.
#pragma once
#include <vector>

#include "steps.h"

namespace backtalk {

class Passes {
public:
    Passes(const Kernels<double> &kernels, const Shape &shape)
        : net_(kernels, shape.sizes, shape.activations, shape.parameters, shape.loss, shape.loss_parameter, shape.levels,
               false, 0, true) {}

    void pack(int layer, const double *W, const double *b) { net_.pack(layer, W, b); }

    // yhat of each row
    void predict(int64_t rows, const double *X, double *yhat) {
        begin(rows, X, {}, 0);
        net_.layer(net_.depth() - 1).out_h = yhat;
        scheduler_.once(1);
    }

    // The mean loss of the rows; and to `out`, unless it is null, one array after the other: h_i, a_i, grad_h_i, grad_a_i,
    // grad_W_i, grad_b_i of layer 1, of layer 2, ..., and grad_h_0. Of a batch these are row-major, a row for each example.
    double gradients(int64_t rows, const double *X, const int32_t *labels, const double *target, const Dropout &dropout,
                     int64_t step, double *out) {
        Job<double> &job = begin(rows, X, dropout, step);
        if (labels) labels_.assign(labels, labels + rows);
        job.labels = labels ? labels_.data() : nullptr;
        job.target = target;
        job.weight_sum = double(rows);
        job.backward = job.to_weights = true;
        rest_.resize(size(rows));
        if (!out) out = rest_.data();
        const auto next = [&](int64_t count) { return std::exchange(out, out + count); };
        for (int i = 0; i < job.depth; ++i) {
            Layer<double> &layer = net_.layer(i);
            layer.out_h = next(rows * layer.outputs);
            layer.out_a = next(rows * layer.outputs);
            layer.out_grad_h = next(rows * layer.outputs);
            layer.out_grad_a = next(rows * layer.outputs);
            layer.out_grad_w = next(layer.inputs * layer.outputs);
            layer.out_grad_b = next(layer.outputs);
        }
        job.out_grad_x = next(rows * net_.layer(0).inputs);
        scheduler_.once(1);
        double loss = 0;
        for (int64_t n = 0; n < rows; ++n) loss += job.losses[n];
        return loss;
    }

private:
    // How many numbers `gradients` writes
    int64_t size(int64_t rows) const {
        int64_t size = rows * net_.layers()[0].inputs;
        for (const Layer<double> &layer : net_.layers())
            size += 4 * rows * layer.outputs + (layer.inputs + 1) * layer.outputs;
        return size;
    }

    Job<double> &begin(int64_t rows, const double *X, const Dropout &dropout, int64_t step) {
        Job<double> &job = net_.job();
        net_.make_room(rows);
        net_.draw_from(dropout);
        job.X = X;
        job.step = uint64_t(step);
        job.share = 1;
        job.backward = job.to_weights = false;
        job.out_grad_x = nullptr;
        for (int i = 0; i < job.depth; ++i) {
            Layer<double> &layer = net_.layer(i);
            layer.out_a = layer.out_h = layer.out_grad_a = layer.out_grad_h = layer.out_grad_w = layer.out_grad_b =
                nullptr;
        }
        return job;
    }

    Net<double> net_;
    Scheduler<double> scheduler_{net_};
    std::vector<int64_t> labels_;
    std::vector<double> rest_;
};

}  // namespace backtalk
