// Products with the Hessian and steps backwards, as Python sees them. engines/native/ is the only caller, and has checked
// what it hands over; what could leave an array is checked here again.
#pragma once
#include <algorithm>
#include <vector>

#include "py_net.h"
#include "sweep.h"

namespace backtalk {

class PySweep {
    using T = double;

public:
    // directions: how many at once. The net has its update already, if steps are to be taken back.
    PySweep(PyNet<T> &net, const std::string &variant, int64_t directions)
        : net_(net), sweep_(net.net_, net.scheduler_, net.training_, kernels_of(variant), usable(directions)) {
        require(!net.net_.hosted(), "an activation whose second derivative is not known");
    }

    // W, b: lists for layers 1 ... L, shapes (M, n_i, n_{i-1}) and (M, n_i)
    void pack_bars(Sequence<T> W, Sequence<T> b) {
        each_layer<const T>(W, b, [&](int64_t q, int i, const T *W, const T *b) { sweep_.pack_bar(q, i, W, b); });
    }
    void unpack_bars(Sequence<T> W, Sequence<T> b) {
        each_layer<T>(W, b, [&](int64_t q, int i, T *W, T *b) { sweep_.unpack_bar(q, i, W, b); });
    }

    // The product of the Hessian with each direction (V, c) to W and b, and the slopes (M,) along them
    void product(Rows<T> X, Array<int64_t> labels, Array<T> target, Array<T> weight, Sequence<T> V, Sequence<T> c,
                 Sequence<T> W, Sequence<T> b, Out<T> slopes, int threads, const Drawn &dropout) {
        std::unique_lock<std::mutex> mine = net_.lock();
        net_.begin(X, true, dropout);
        require(net_.read_labels(labels), "a label is none of the outputs");
        net_.job_.target = data_of<const T>(target, net_.job_.batch * net_.sizes_.back());
        net_.job_.weight = data_of<const T>(weight, net_.job_.batch);
        net_.job_.weight_sum = net_.job_.weight ? 1 : double(net_.job_.batch);
        net_.require_wanted(net_.job_.labels);
        require(int64_t(slopes.size()) == sweep_.count(), "slopes has not one for each direction");
        each_layer<const T>(V, c, [&](int64_t q, int i, const T *V, const T *c) { sweep_.pack_direction(q, i, V, c); });
        {
            nb::gil_scoped_release released;
            sweep_.product(threads, slopes.data());
        }
        each_layer<T>(W, b, [&](int64_t q, int i, T *W, T *b) { sweep_.unpack_bar(q, i, W, b); });
    }

    // Some of the first `left` steps back, the last one first; how many are left. points (steps, numbers): what the net
    // `source`, which took them, had before each. rows: of the batches, one after the other; starts (steps + 1,): where
    // each begins in `rows`. first: the number of the first step in the run; updates_before: how many updates were before
    // it. examples (M, N), by_rate (M, T), by_penalty (M,): where the derivatives are added up.
    template <class S>
    int64_t back(const PyNet<S> &source, Rows<S> points, int64_t left, Rows<T> X, Array<int64_t> labels, Array<T> target,
                 Array<T> weight, In<int64_t> rows, In<int64_t> starts, In<double> rates, int64_t first,
                 int64_t updates_before, Out<double> by_example, Out<double> by_rate, Out<double> by_penalty, double seconds,
                 int threads) {
        std::unique_lock<std::mutex> mine = net_.lock();
        net_.forget_wishes();
        const int64_t examples = int64_t(X.shape(0)), steps = int64_t(points.shape(0)), M = sweep_.count();
        require(net_.net_.trains && net_.job_.update.rule != WRITE_OUT, "a network that does not train, or has no rule");
        require(int64_t(X.shape(1)) == net_.sizes_[0], "X has not the columns that the network needs");
        require(source.sizes_ == net_.sizes_ && source.net_.states == net_.net_.states &&
                    source.net_.kernels.strip == net_.net_.kernels.strip, "points of another network");
        require(int64_t(points.shape(1)) == source.net_.size(), "points of another network");
        require(left > 0 && left <= steps && int64_t(starts.size()) == steps + 1 && int64_t(rates.size()) == steps,
                "not one batch and one rate for each point");
        const int64_t steps_of_run = int64_t(by_rate.size()) / M;
        require(int64_t(by_example.size()) == M * examples && int64_t(by_penalty.size()) == M &&
                    int64_t(by_rate.size()) == M * steps_of_run && first >= 0 && first + steps <= steps_of_run &&
                    updates_before >= 0, "a result has not the size that it needs");
        const int64_t *given = data_of<const int64_t>(labels, examples), *own = starts.data();
        rows_.assign(rows.data(), rows.data() + rows.size());  // copies: the caller may change the arrays at any time
        starts_.assign(own, own + steps + 1);
        require(starts_[0] >= 0 && starts_[steps] <= int64_t(rows_.size()), "a batch leaves its rows");
        for (int64_t s = 0; s < steps; ++s) require(starts_[s] < starts_[s + 1], "a batch has no rows");
        for (int64_t row : rows_) require(row >= 0 && row < examples, "a row leaves X");
        if (given) labels_.assign(given, given + examples);
        const int64_t units = net_.sizes_.back();
        for (int64_t n = 0; n < examples && given; ++n)
            require(labels_[n] >= 0 && labels_[n] < units, "a label is none of the outputs");
        net_.job_.X = X.data();
        net_.job_.target = data_of<const T>(target, examples * units);
        net_.job_.weight = data_of<const T>(weight, examples);
        net_.require_wanted(given);
        net_.job_.backward = true;
        net_.net_.draw_from(net_.dropout_);
        net_.job_.first_row = 0;
        nb::gil_scoped_release released;
        return sweep_.back({first, updates_before, rows_.data(), starts_.data(), rates.data(),
                            given ? labels_.data() : nullptr, examples, steps_of_run, by_example.data(), by_rate.data(),
                            by_penalty.data()},
                           left, source.net_, points.data(), seconds, threads);
    }

private:
    static const CurvatureKernels<T> &kernels_of(const std::string &name) {
        for (const Variant &variant : variants())
            if (variant.name == name) return *variant.curvature;
        throw std::invalid_argument(name);
    }

    static int64_t usable(int64_t directions) {
        require(directions > 0, "no direction");
        return directions;
    }

    // f(direction, layer, its W, its b)
    template <class Number, class F>
    void each_layer(nb::handle W, nb::handle b, F f) {
        const int64_t M = sweep_.count();
        const size_t depth = net_.sizes_.size() - 1;
        require(nb::len(W) == depth && nb::len(b) == depth, "a list has not one array for each layer");
        for (int i = 0; i < int(depth); ++i) {
            const int64_t units = net_.sizes_[i + 1], size = units * net_.sizes_[i];
            Number *all_W = data_of<Number>(W[i], M * size), *all_b = data_of<Number>(b[i], M * units);
            require(all_W && all_b, "an array is missing");
            for (int64_t q = 0; q < M; ++q) f(q, i, all_W + q * size, all_b + q * units);
        }
    }

    PyNet<T> &net_;
    Sweep<T> sweep_;
    std::vector<int64_t> rows_, starts_, labels_;
};

}  // namespace backtalk
