// A network in training, in numbers of the page: every array comes and goes in double, whatever the kernels compute in.
#pragma once
#include <cmath>
#include <memory>
#include <vector>

#include "../training.h"
#include "generator.h"

namespace backtalk {

// What a network is, from its sizes on; as Python describes it to the kernels
struct Shape {
    std::vector<int64_t> sizes;
    std::vector<Activation> activations;
    std::vector<double> parameters;
    Loss loss;
    double loss_parameter;
    std::vector<double> levels;  // QUANTILES
};

class Steps {
public:
    virtual ~Steps() = default;
    virtual void pack(int layer, const double *W, const double *b) = 0;
    virtual void unpack(int layer, double *W, double *b) const = 0;
    virtual void give(int64_t examples, const double *X, const int32_t *labels, const double *target) = 0;
    virtual void set_update(const Settings &settings) = 0;
    virtual void set_dropout(const Dropout &dropout) = 0;
    virtual Progress train(int64_t start, int64_t batch_size, const double *rates, int64_t most, double seconds) = 0;

    void shuffle() { order = generator.permutation(examples_); }

    Generator generator;
    std::vector<int64_t> order;  // of the examples, in this epoch

protected:
    int64_t examples_ = 0;
};

template <class T>
class StepsOf : public Steps {
public:
    StepsOf(const Kernels<T> &kernels, const Shape &shape, int states)
        : net_(kernels, shape.sizes, shape.activations, shape.parameters, shape.loss, shape.loss_parameter, shape.levels,
               true, states, false) {}

    void pack(int layer, const double *W, const double *b) override {
        const Layer<T> &like = net_.layer(layer);
        const std::vector<T> weights(W, W + like.inputs * like.outputs), biases(b, b + like.outputs);
        net_.pack(layer, weights.data(), biases.data());
    }

    void unpack(int layer, double *W, double *b) const override {
        const Layer<T> &like = net_.layers()[layer];
        std::vector<T> weights(like.inputs * like.outputs), biases(like.outputs);
        net_.unpack(layer, weights.data(), biases.data());
        std::copy(weights.begin(), weights.end(), W);
        std::copy(biases.begin(), biases.end(), b);
    }

    void give(int64_t examples, const double *X, const int32_t *labels, const double *target) override {
        examples_ = examples;
        X_.assign(X, X + examples * net_.layer(0).inputs);
        labels_.clear(), target_.clear();
        if (labels) labels_.assign(labels, labels + examples);
        if (target) target_.assign(target, target + examples * net_.layers().back().outputs);
    }

    void set_update(const Settings &settings) override {
        training_.set_update(settings);
        training_.begin_after(0);
    }

    void set_dropout(const Dropout &dropout) override { net_.draw_from(dropout); }

    // If a loss, or at the end of the epoch a parameter, is not finite, the network is then the last good one
    Progress train(int64_t start, int64_t batch_size, const double *rates, int64_t most, double seconds) override {
        const Taken now{order, start, batch_size, {rates, rates + (examples_ - start + batch_size - 1) / batch_size}, 0};
        Progress done = take(now, most, seconds, true);
        if (done.saved) since_copy_ = now;
        if (done.steps) since_copy_.steps = done.steps;
        done.diverged |= done.place == examples_ && !net_.finite();
        if (!done.diverged || since_copy_.steps == 0) return done;
        training_.restore();
        if (since_copy_.steps > 1) take(since_copy_, since_copy_.steps - 1, INFINITY, false);
        return done;
    }

private:
    // Steps that follow one another: what it takes to take them again
    struct Taken {
        std::vector<int64_t> order;
        int64_t start, batch_size;
        std::vector<double> rates;
        int64_t steps;
    };

    Progress take(const Taken &steps, int64_t most, double seconds, bool save) {
        net_.job().X = X_.data();
        net_.job().target = target_.empty() ? nullptr : target_.data();
        net_.job().share = 1;
        net_.job().backward = true;
        Progress from;
        from.place = steps.start;
        return training_.train({steps.order.data(), nullptr, examples_, examples_, steps.batch_size, examples_,
                                labels_.empty() ? nullptr : labels_.data(), steps.rates.data(), most, seconds, 1, save, 0},
                               from);
    }

    Net<T> net_;
    Scheduler<T> scheduler_{net_};
    Training<T> training_{net_, scheduler_};
    std::vector<T> X_, target_;
    std::vector<int64_t> labels_;
    Taken since_copy_{{}, 0, 1, {}, 0};  // since the kernels last kept a copy of the parameters
};

}  // namespace backtalk
