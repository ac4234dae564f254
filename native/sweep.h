// Products of the Hessian with several directions at once; and steps of training, from the last to the first, through
// which the derivatives of several losses come back: each step is a product with the Hessian along what the update tells
// the gradient.
//
// A phase is a number of items that the threads share, and a barrier. Which thread takes an item changes no bit.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <type_traits>
#include <vector>

#include "training.h"

namespace backtalk {

// Steps that followed one another, and where their derivatives go. The caller's arrays were checked.
struct Steps {
    int64_t first;           // number in the run of the first of them, from 0
    int64_t updates_before;  // that the optimizer had made before the run
    const int64_t *rows;     // of the examples, one batch after the other
    const int64_t *starts;   // of the batches in `rows`, and the end
    const double *rates;
    const int64_t *labels;   // of the examples, or null
    int64_t examples, steps_of_run;
    double *by_example;      // [direction][example]
    double *by_rate;         // [direction][step of the run]
    double *by_penalty;      // [direction]
};

template <class T>
class Sweep {
public:
    Sweep(Net<T> &net, Scheduler<T> &scheduler, Training<T> &training, const CurvatureKernels<T> &kernels, int64_t count)
        : net_(net), job_(net.job()), scheduler_(scheduler), training_(training), kernels_(kernels), count_(count),
          layers_(count * net.depth()), along_(count), shares_(count), sums_(count * scheduler.pieces().size()) {
        const int states = states_of(job_.update.rule);
        for (int64_t q = 0; q < count; ++q) {
            along_[q].layers = &layers_[q * net.depth()];
            for (int i = 0; i < net.depth(); ++i) {
                const Layer<T> &layer = net.layer(i);
                AlongLayer<T> &here = along_[q].layers[i];
                here = {};
                for (T **place : {&here.v, &here.bar}) memory_.reserve(*place, net.weights_size(layer));
                for (T **place : {&here.c, &here.bar_b}) memory_.reserve(*place, net.bias_size(layer));
                for (int k = 0; k < states; ++k) memory_.reserve(here.state_bar[k], net.weights_size(layer));
                for (int k = 0; k < states; ++k) memory_.reserve(here.state_bar_b[k], net.bias_size(layer));
                if (i > 0) memory_.reserve(here.vt, net.mirror_size(layer));
            }
        }
        memory_.allocate();
    }

    int64_t count() const { return count_; }

    // The direction, or what comes back, from and to row-major arrays
    void pack_direction(int64_t q, int i, const T *W, const T *b) {
        const AlongLayer<T> &here = along_[q].layers[i];
        net_.kernels.pack(W, b, like(i, here.v, here.vt, here.c));
    }
    void pack_bar(int64_t q, int i, const T *W, const T *b) {
        const AlongLayer<T> &here = along_[q].layers[i];
        net_.kernels.pack(W, b, like(i, here.bar, nullptr, here.bar_b));
    }
    void unpack_bar(int64_t q, int i, T *W, T *b) const {
        const AlongLayer<T> &here = along_[q].layers[i];
        net_.kernels.unpack(like(i, here.bar, nullptr, here.bar_b), W, b);
    }

    // To bar the product of the Hessian with each direction, and to slopes grad l . (V, c). The job has the batch.
    void product(int allowed, T *slopes) {
        const int threads = begin(job_.batch, allowed);
        items_->deal(scheduler_.block_count());
        run_on_threads(threads, [&](int index, int together) {
            Barrier &barrier = together > 1 ? *crowd_ : alone_;
            take_rows(barrier, index, [&] { return count_ * scheduler_.block_count(); });
            take_rows_along(barrier, index, [&] { return count_ * pieces(); });
            take_weights_along(barrier, index, T(0), T(0), [] { return int64_t(0); });
        });
        for (int64_t q = 0; q < count_; ++q) {
            slopes[q] = 0;
            for (int64_t n = 0; n < job_.batch; ++n) slopes[q] += along_[q].shares[n];
        }
        end();
    }

    // The last of `left` steps, the one before, ... until the seconds are over; how many are left then. points: what the
    // net `source` had before each step.
    template <class S>
    int64_t back(const Steps &steps, int64_t left, const Net<S> &source, const S *points, double seconds, int allowed) {
        const auto started = std::chrono::steady_clock::now();
        int64_t largest = 0;
        for (int64_t s = 0; s < left; ++s) largest = std::max(largest, steps.starts[s + 1] - steps.starts[s]);
        const int threads = begin(largest, allowed);
        steps_ = steps;
        rows_.resize(largest);
        labels_.resize(largest);
        job_.order = rows_.data();
        job_.labels = steps.labels ? labels_.data() : nullptr;
        if (!net_.layer(0).g) net_.make_gradients(true);
        const auto next = [&] {
            prepare(--left);
            if constexpr (std::is_same_v<S, T>) net_.stand_at(points + left * source.size());
        };
        next();
        items_->deal(pieces());
        bool stopped = false;
        run_on_threads(threads, [&](int index, int together) {
            Barrier &barrier = together > 1 ? *crowd_ : alone_;
            while (!stopped) {
                phase(barrier, index, [&](int64_t k) {
                    const Piece &piece = scheduler_.pieces()[k];
                    if constexpr (!std::is_same_v<S, T>)
                        net_.load(source, points + left * source.size(), piece.layer, piece.panel, piece.first, piece.last);
                    const Layer<T> &layer = net_.layer(piece.layer);
                    kernels_.mirror(layer, piece.panel, piece.first, piece.last, layer.w, layer.wt);
                }, [&] { return scheduler_.block_count(); });
                take_rows(barrier, index, [&] { return pieces(); });
                do
                    phase(barrier, index, [&](int64_t k) { scheduler_.take_piece(k, NORM, true); },
                          [&] { scaled_ = training_.find_scale(); return scaled_ ? groups() * pieces() : pieces(); });
                while (!scaled_);
                take_pulls(barrier, index);
                take_rows_along(barrier, index, [&] { note(); return count_ * pieces(); });
                take_weights_along(barrier, index, job_.update.keep, job_.update.l2_penalty, [&] {
                    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
                    stopped = left == 0 || taken.count() > seconds;
                    if (!stopped) next();
                    return pieces();
                });
            }
        });
        end();
        return left;
    }

private:
    static constexpr int64_t GROUP = 8;  // directions that a piece of an update goes back for at once

    int64_t pieces() const { return int64_t(scheduler_.pieces().size()); }
    int64_t groups() const { return (count_ + GROUP - 1) / GROUP; }

    Layer<T> &like(int i, T *w, T *wt, T *b) const {
        like_ = net_.layers()[i];
        like_.w = w, like_.wt = wt, like_.b = b;
        return like_;
    }

    // Room for a batch, and how many threads
    int begin(int64_t batch, int allowed) {
        net_.make_room(batch);
        const int threads = scheduler_.threads_for(batch * count_, allowed);
        scheduler_.choose_block(batch, threads);
        const int64_t panel = net_.kernels.panel;
        const auto size = [&](const Layer<T> &layer) { return net_.panels(layer.outputs) * job_.rows * panel; };
        if (batch > capacity_) {
            capacity_ = 0;
            room_.restart();
            bends_.assign(job_.depth, {});
            for (int i = 0; i < job_.depth; ++i) {
                const Layer<T> &layer = net_.layer(i);
                room_.reserve(bends_[i].slope, size(layer));
                if (i < job_.depth - 1) room_.reserve(bends_[i].bend, size(layer));
                for (int64_t q = 0; q < count_; ++q) {
                    room_.reserve(along_[q].layers[i].d, size(layer));
                    if (i < job_.depth - 1) room_.reserve(along_[q].layers[i].h, size(layer));
                }
            }
            for (int64_t q = 0; q < count_; ++q) room_.reserve(along_[q].shares, batch);
            room_.reserve(yhat_, batch * net_.layers().back().outputs);
            scratch_size_ = kernels_.scratch_size / int64_t(sizeof(T)) * net_.bias_size(net_.layers().back());
            room_.reserve(scratch_, scratch_size_ * Net<T>::MOST_THREADS);
            room_.allocate();
            capacity_ = batch;
        }
        for (int i = 0; i < job_.depth; ++i) {
            net_.layer(i).slope = bends_[i].slope;
            net_.layer(i).bend = bends_[i].bend;
        }
        net_.layer(job_.depth - 1).out_h = yhat_;
        if (!crowd_ || threads != threads_) {
            crowd_.reset(new Barrier(threads));
            items_.reset(new Shares(threads));
            threads_ = threads;
        }
        return threads;
    }

    void end() {
        for (int i = 0; i < job_.depth; ++i) net_.layer(i).slope = net_.layer(i).bend = nullptr;
        net_.layer(job_.depth - 1).out_h = nullptr;
        net_.stand_at(nullptr);
    }

    // The items, and then a barrier, behind which there are so many as `next` says
    template <class Work, class Next>
    void phase(Barrier &barrier, int index, Work work, Next next) {
        items_->take(index, work);
        barrier.meet([&] { items_->deal(next()); });
    }

    template <class Next>
    void take_rows(Barrier &barrier, int index, Next next) {
        phase(barrier, index, [&](int64_t block) { scheduler_.take_block(block, index); }, next);
    }

    template <class Next>
    void take_rows_along(Barrier &barrier, int index, Next next) {
        const int64_t blocks = scheduler_.block_count();
        phase(barrier, index, [&](int64_t k) {
            const int64_t first = k % blocks * job_.block;
            kernels_.rows(job_, along_[k / blocks], first, std::min(first + job_.block, job_.batch),
                          scratch_ + index * scratch_size_);
        }, next);
    }

    template <class Next>
    void take_weights_along(Barrier &barrier, int index, T keep, T penalty, Next next) {
        phase(barrier, index, [&](int64_t k) {
            const Piece &piece = scheduler_.pieces()[k % pieces()];
            kernels_.weights(job_, along_[k / pieces()], piece.layer, piece.panel, piece.first, piece.last, keep, penalty);
        }, next);
    }

    // The update backwards, and the clipping of the gradient
    void take_pulls(Barrier &barrier, int index) {
        const bool clipped = job_.update.scale < 1;
        phase(barrier, index, [&](int64_t k) {
            const Piece &piece = scheduler_.pieces()[k % pieces()];
            const int64_t q = k / pieces() * GROUP, count = std::min(GROUP, count_ - q);
            kernels_.pull_back(job_, training_.settings().weight_decay, piece.layer, piece.panel, piece.first, piece.last,
                               &along_[q], count, &sums_[q * pieces() + k % pieces()], pieces());
        }, [&] {
            const double norm = training_.settings().clip_norm;  // of the clipped gradient
            for (int64_t q = 0; q < count_ && clipped; ++q)
                shares_[q] = T(sum(q, &PullSums::along_gradient) / (norm * norm));
            return count_ * (clipped ? pieces() : scheduler_.block_count());
        });
        if (!clipped) return;
        phase(barrier, index, [&](int64_t k) {
            const Piece &piece = scheduler_.pieces()[k % pieces()];
            const int64_t q = k / pieces();
            kernels_.across_clipped(job_, along_[q], shares_[q], piece.layer, piece.panel, piece.first, piece.last, sums_[k]);
        }, [&] { return count_ * scheduler_.block_count(); });
    }

    // The batch of a step, and its update
    void prepare(int64_t step) {
        const int64_t begin = steps_.starts[step];
        job_.batch = steps_.starts[step + 1] - begin;
        std::copy_n(steps_.rows + begin, job_.batch, rows_.data());
        for (int64_t n = 0; n < job_.batch && steps_.labels; ++n) labels_[n] = steps_.labels[rows_[n]];
        job_.weight_sum = double(job_.batch);
        if (job_.weight) {
            job_.weight_sum = 0;
            for (int64_t n = 0; n < job_.batch; ++n) job_.weight_sum += double(job_.weight[rows_[n]]);
        }
        number_ = steps_.first + step;
        job_.step = uint64_t(steps_.updates_before + number_ + 1);
        training_.prepare_update(steps_.rates[step], double(job_.step));
    }

    double sum(int64_t q, double PullSums::*part) const {
        double total = 0;
        for (int64_t k = 0; k < pieces(); ++k) total += sums_[q * pieces() + k].*part;
        return total;
    }

    // The derivatives by what the step had: grad = sum w_m grad l_m / sum w_m, so a factor 1 + e on w_n adds
    // e w_n (grad l_n - grad) to it
    void note() {
        const double of_penalty = training_.settings().l2_per_weight ? 1 / job_.weight_sum : 1;
        for (int64_t q = 0; q < count_; ++q) {
            steps_.by_rate[q * steps_.steps_of_run + number_] = sum(q, &PullSums::rate);
            steps_.by_penalty[q] += of_penalty * sum(q, &PullSums::along_weights);
            double slope = 0;
            for (int64_t n = 0; n < job_.batch; ++n) slope += double(along_[q].shares[n]);
            for (int64_t n = 0; n < job_.batch; ++n) {
                const double weight = (job_.weight ? double(job_.weight[rows_[n]]) : 1) / job_.weight_sum;
                steps_.by_example[q * steps_.examples + rows_[n]] += double(along_[q].shares[n]) - weight * slope;
            }
        }
    }

    struct Bend {
        T *slope = nullptr, *bend = nullptr;
    };

    Net<T> &net_;
    Job<T> &job_;
    Scheduler<T> &scheduler_;
    Training<T> &training_;
    const CurvatureKernels<T> &kernels_;
    const int64_t count_;
    std::vector<AlongLayer<T>> layers_;
    std::vector<Along<T>> along_;
    std::vector<T> shares_;        // of each direction, where the gradient is clipped
    std::vector<PullSums> sums_;   // [direction][piece]
    std::vector<Bend> bends_;
    Memory<T> memory_, room_;
    T *yhat_ = nullptr, *scratch_ = nullptr;
    int64_t capacity_ = 0, scratch_size_ = 0;
    mutable Layer<T> like_;
    int threads_ = 0;
    Barrier alone_{1};
    std::unique_ptr<Barrier> crowd_;
    std::unique_ptr<Shares> items_;
    // of this call, and of this step
    Steps steps_{};
    std::vector<int64_t> rows_, labels_;
    int64_t number_ = 0;
    bool scaled_ = true;
};

}  // namespace backtalk
