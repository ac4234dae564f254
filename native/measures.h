// What steps that are measured find, layer by layer.
#pragma once
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "scheduler.h"

namespace backtalk {

// Sums of norms over the measured steps, and of the share of units whose g' stayed below SILENT
struct Measured {
    double grad_a = 0, grad_h = 0, grad_w = 0, weight = 0, update = 0, silent = 0;
    bool hidden = false;
};

template <class T>
class Measures {
public:
    explicit Measures(Net<T> &net) : net_(net) { begin(0, {}); }

    const std::vector<Measured> &layers() const { return layers_; }
    int64_t steps() const { return steps_; }
    void begin(int64_t steps, std::vector<Measured> layers) {
        steps_ = steps;
        layers_ = std::move(layers);
        layers_.resize(net_.depth());
    }

    void add(const Scheduler<T> &scheduler) {
        for (int i = 0; i < net_.depth() - 1; ++i) add_hidden(net_.layer(i), layers_[i]);
        std::vector<UpdateSums> sums(net_.depth(), UpdateSums{0, 0, 0});
        scheduler.each_sum([&](int layer, const UpdateSums &piece) {
            sums[layer].gradient += piece.gradient;
            sums[layer].weight += piece.weight;
            sums[layer].update += piece.update;
        });
        for (int i = 0; i < net_.depth(); ++i) {
            layers_[i].grad_w += std::sqrt(sums[i].gradient);
            layers_[i].weight += std::sqrt(sums[i].weight);
            layers_[i].update += std::sqrt(sums[i].update);
        }
        ++steps_;
    }

private:
    static constexpr double SILENT = 1e-3;

    void add_hidden(const Layer<T> &layer, Measured &here) {
        const Job<T> &job = net_.job();
        const int64_t chunks = (job.batch + SUM_ROWS - 1) / SUM_ROWS, width = net_.bias_size(layer);
        double grad_a = 0, grad_h = 0;
        for (int64_t chunk = 0; chunk < chunks; ++chunk) {
            grad_a += layer.unit_sums[chunk].grad_a;
            grad_h += layer.unit_sums[chunk].grad_h;
        }
        int64_t silent = 0;
        for (int64_t unit = 0; unit < layer.outputs; ++unit) {
            T peak = 0;
            for (int64_t chunk = 0; chunk < chunks; chunk += job.block / SUM_ROWS) {
                const T value = layer.peak[chunk * width + unit];
                peak = value <= peak ? peak : value;
            }
            silent += peak < T(SILENT);
        }
        here.hidden = true;
        here.grad_a += std::sqrt(grad_a);
        here.grad_h += std::sqrt(grad_h);
        here.silent += double(silent) / double(layer.outputs);
    }

    Net<T> &net_;
    std::vector<Measured> layers_;
    int64_t steps_ = 0;
};

}  // namespace backtalk
