// A network in the kernels' memory: its parameters and the optimizer's arrays in panels, and room for a batch.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "memory.h"
#include "settings.h"
#include "types.h"

namespace backtalk {

template <class T>
class Net {
public:
    static constexpr int MOST_THREADS = 64;
    static constexpr int64_t SECOND_CACHE = 1 << 20;

    Net(const Kernels<T> &kernels, const std::vector<int64_t> &sizes, const std::vector<Activation> &activations,
        const std::vector<double> &parameters, Loss loss, double loss_parameter, const std::vector<double> &levels,
        bool trains, int states, bool input_gradient)
        : kernels(kernels), trains(trains), states(states), layers_(sizes.size() - 1),
          levels_(levels.begin(), levels.end()) {
        std::memset(static_cast<void *>(layers_.data()), 0, layers_.size() * sizeof(Layer<T>));
        std::memset(static_cast<void *>(&job_), 0, sizeof job_);
        for (size_t i = 0; i < layers_.size(); ++i) {
            Layer<T> &layer = layers_[i];
            layer.inputs = sizes[i];
            layer.outputs = sizes[i + 1];
            layer.activation = activations[i];
            layer.parameter = T(parameters[i]);
            layer.scale = 1;
            hosted_ |= layer.activation == HOST;
            parameters_.reserve(layer.w, weights_size(layer));
            parameters_.reserve(layer.b, bias_size(layer));
        }
        if (trains)
            for (Layer<T> &layer : layers_) {
                for (int k = 0; k < states; ++k) parameters_.reserve(layer.w_state[k], weights_size(layer));
                for (int k = 0; k < states; ++k) parameters_.reserve(layer.b_state[k], bias_size(layer));
            }
        parameters_.allocate();
        base_ = parameters_.data();
        for (size_t i = 0; i < layers_.size(); ++i)
            if (i > 0 || input_gradient) mirrors_.reserve(layers_[i].wt, mirror_size(layers_[i]));
        mirrors_.allocate();
        job_.depth = int(layers_.size());
        job_.layers = layers_.data();
        job_.loss = loss;
        job_.loss_parameter = T(loss_parameter);
        job_.levels = levels_.data();
        job_.prefetch = parameters_.size() * int64_t(sizeof(T)) > SECOND_CACHE / 2;
    }

    const Kernels<T> &kernels;
    const bool trains;
    const int states;  // arrays of the optimizer, of the shapes of W and b

    bool hosted() const { return hosted_; }
    int depth() const { return job_.depth; }
    Layer<T> &layer(int i) { return layers_[i]; }
    const std::vector<Layer<T>> &layers() const { return layers_; }
    Job<T> &job() { return job_; }
    T *scratch(int thread) { return scratch_ + thread * scratch_size_; }

    int64_t panels(int64_t columns) const { return (columns + kernels.panel - 1) / kernels.panel; }
    int64_t rounded(int64_t rows) const { return (rows + kernels.strip - 1) / kernels.strip * kernels.strip; }
    int64_t bias_size(const Layer<T> &layer) const { return panels(layer.outputs) * kernels.panel; }

    void pack(int layer, const T *W, const T *b) { kernels.pack(W, b, layers_[layer]); }
    void unpack(int layer, T *W, T *b) const { kernels.unpack(layers_[layer], W, b); }
    // the optimizer's arrays instead of W and b: the first of them, the second, ...
    void pack_state(int layer, int which, const T *W, const T *b) {
        Layer<T> state = state_of(layer, which);
        kernels.pack(W, b, state);
    }
    void unpack_state(int layer, int which, T *W, T *b) const { kernels.unpack(state_of(layer, which), W, b); }

    // Room for a batch; kept for the next one that is no larger
    void make_room(int64_t batch) {
        job_.batch = batch;
        if (batch <= capacity_) return;
        job_.rows = rounded(batch);
        if (job_.rows / kernels.strip % 2 == 0) job_.rows += kernels.strip;  // else panels would fall on the same cache sets
        const int64_t panel = kernels.panel, chunks = (batch + SUM_ROWS - 1) / SUM_ROWS;
        room_.restart();
        room_.reserve(job_.x, panels(layers_[0].inputs) * job_.rows * panel);
        int64_t widest = 0;
        for (Layer<T> &layer : layers_) {
            const int64_t size = panels(layer.outputs) * job_.rows * panel;
            room_.reserve(layer.h, size);
            room_.reserve(layer.d, size);
            if (trains) room_.reserve(layer.peak, chunks * panels(layer.outputs) * panel);
            widest = std::max(widest, layer.outputs);
        }
        room_.reserve(job_.losses, batch);
        scratch_size_ = ROWS_OF_SCRATCH * panels(layers_.back().outputs) * panel;
        if (hosted_) scratch_size_ = std::max(scratch_size_, 2 * MOST_ROWS * widest);
        scratch_size_ = (scratch_size_ + 15) / 16 * 16;
        room_.reserve(scratch_, scratch_size_ * MOST_THREADS);
        capacity_ = 0;
        room_.allocate();
        capacity_ = batch;
        unit_sums_.assign(trains ? chunks * layers_.size() : 0, UnitSums{0, 0});
        for (size_t i = 0; i < layers_.size() && trains; ++i) layers_[i].unit_sums = &unit_sums_[i * chunks];
    }

    // Room for the norms of each example of a batch
    void make_norms(int64_t batch) {
        norms_.resize(2 * layers_.size() * batch);
        for (size_t i = 0; i < layers_.size(); ++i) {
            layers_[i].out_norm_h = &norms_[2 * i * batch];
            layers_[i].out_norm_a = &norms_[(2 * i + 1) * batch];
        }
    }

    // Room for grad W between the sweep for its norm and that of the update, or none
    void make_gradients(bool wanted) {
        gradients_.restart();
        for (Layer<T> &layer : layers_) {
            layer.g = layer.g_b = nullptr;
            if (!wanted) continue;
            gradients_.reserve(layer.g, weights_size(layer));
            gradients_.reserve(layer.g_b, bias_size(layer));
        }
        gradients_.allocate();
    }

    void draw_from(const Dropout &dropout) {
        constexpr double LEVELS = 65536;  // of a draw
        job_.seed = dropout.seed;
        for (size_t i = 0; i < layers_.size(); ++i) {
            const uint32_t level = i < dropout.levels.size() ? dropout.levels[i] : 0;
            layers_[i].level = level;
            layers_[i].scale = T(LEVELS / (LEVELS - level));
        }
    }

    // All parameters and the optimizer's arrays
    int64_t size() const { return parameters_.size(); }
    void save(T *snapshot) const { parameters_.save(snapshot); }
    void restore(const T *snapshot) {
        parameters_.restore(snapshot);
        std::vector<T> W, b;
        for (Layer<T> &layer : layers_) {
            if (!layer.wt) continue;
            W.resize(layer.inputs * layer.outputs);
            b.resize(layer.outputs);
            kernels.unpack(layer, W.data(), b.data());
            kernels.pack(W.data(), b.data(), layer);
        }
    }

    // The parameters and the optimizer's arrays are a snapshot's, where it lies, which nobody may write; or its own again
    void stand_at(const T *snapshot) {
        T *base = snapshot ? const_cast<T *>(snapshot) : parameters_.data();
        const auto move = [&](T *&place) { place = base + (place - base_); };
        for (Layer<T> &layer : layers_) {
            for (T **place : {&layer.w, &layer.b}) move(*place);
            for (int k = 0; k < states && trains; ++k) move(layer.w_state[k]), move(layer.b_state[k]);
        }
        base_ = base;
    }

    // Some strips of a panel of W^T, and the biases with strip 0, with the optimizer's arrays, from a snapshot of a net of
    // the same shape, whose numbers may be shorter, and its panels wider by a whole number of times
    template <class S>
    void load(const Net<S> &source, const S *snapshot, int i, int64_t panel, int64_t first, int64_t last) {
        const Layer<S> &from = source.layers_[i];
        const int64_t width = kernels.panel, times = source.kernels.panel / width, strip = kernels.strip;
        const int64_t height = rounded(layers_[i].inputs);
        const auto copy = [&](const S *array, T *to, int64_t height, int64_t first, int64_t last) {
            const S *begin = snapshot + (array - source.parameters_.data()) + panel % times * width;
            for (int64_t r = first; r < last; ++r)
                std::copy_n(begin + (panel / times * height + r) * source.kernels.panel, width,
                            to + (panel * height + r) * width);
        };
        copy(from.w, layers_[i].w, height, first * strip, last * strip);
        for (int k = 0; k < states; ++k) copy(from.w_state[k], layers_[i].w_state[k], height, first * strip, last * strip);
        if (first > 0) return;
        copy(from.b, layers_[i].b, 1, 0, 1);
        for (int k = 0; k < states; ++k) copy(from.b_state[k], layers_[i].b_state[k], 1, 0, 1);
    }

    bool finite() const {
        const auto finite = [](const T *values, int64_t count) {
            return std::all_of(values, values + count, [](T value) { return std::isfinite(value); });
        };
        return std::all_of(layers_.begin(), layers_.end(), [&](const Layer<T> &layer) {
            return finite(layer.w, weights_size(layer)) && finite(layer.b, bias_size(layer));
        });
    }

    int64_t weights_size(const Layer<T> &layer) const {
        return panels(layer.outputs) * rounded(layer.inputs) * kernels.panel;
    }
    int64_t mirror_size(const Layer<T> &layer) const {
        return panels(layer.inputs) * rounded(layer.outputs) * kernels.panel;
    }

private:
    template <class>
    friend class Net;

    Layer<T> state_of(int i, int which) const {
        Layer<T> state = layers_[i];
        state.w = state.w_state[which - 1];
        state.b = state.b_state[which - 1];
        state.wt = nullptr;
        return state;
    }

    std::vector<Layer<T>> layers_;
    std::vector<T> levels_;
    bool hosted_ = false;
    Job<T> job_;
    Memory<T> parameters_, mirrors_, room_, gradients_;
    std::vector<UnitSums> unit_sums_;
    std::vector<double> norms_;
    int64_t capacity_ = 0, scratch_size_ = 0;
    T *scratch_ = nullptr, *base_ = nullptr;
};

}  // namespace backtalk
