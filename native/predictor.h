// Predictions by a network's packed weights: yhat for rows of X, in memory that is made once. Several threads of Python
// may predict at once: whoever computes takes one of the rooms, of which there are as many as threads.
#pragma once
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "net.h"
#include "pool.h"

namespace backtalk {

template <class T>
class Predictor {
public:
    Predictor(const Net<T> &net, int64_t rows, int threads)
        : net_(net), block_(std::min(rows, net.kernels.predicted_block)),
          count_(std::min(threads, Net<T>::MOST_THREADS)), taken_(new std::atomic<bool>[count_]) {
        for (const Layer<T> &layer : net.layers()) {
            if (&layer != &net.layers().back()) widest_ = std::max(widest_, width(layer));
            weights_ += double(layer.inputs) * double(layer.outputs);
        }
        memory_.reserve(rooms_, count_ * room_size());
        memory_.allocate();
        free_rooms();
    }

    // Operations of one row; a call of fewer than WORK_OF_A_THREAD is over before another thread has begun
    double work() const { return 2 * weights_; }
    static constexpr double WORK_OF_A_THREAD = 2e6;

    // yhat and, unless it is null, a_L for rows of X, all row-major, by so many threads at the most
    void predict(const T *X, int64_t rows, T *a, T *yhat, int threads) {
        threads = int(std::min<double>(threads, work() * double(rows) / WORK_OF_A_THREAD));
        threads = ready_threads(std::min({std::max(threads, 1), count_}));
        const int64_t share = (rows + threads - 1) / threads, turns = (share + block_ - 1) / block_;
        const int64_t block = (share + turns - 1) / turns;
        if (threads > 1 && rows < FEW_ROWS) return split_layers(X, rows, a, yhat, threads);
        std::atomic<int64_t> next{0};
        const auto work = [&](int, int) {
            const int room = take_room();
            for (int64_t first; (first = next.fetch_add(block, std::memory_order_relaxed)) < rows;)
                predict_block(X, first, std::min(block, rows - first), a, yhat, room);
            taken_[room].store(false, std::memory_order_release);
        };
        run_on_threads(threads, std::ref(work));
    }

    // After a fork: those who held one are not there any more
    void free_rooms() {
        for (int room = 0; room < count_; ++room) taken_[room].store(false, std::memory_order_relaxed);
    }

private:
    static constexpr int64_t FEW_ROWS = 16;  // fewer compute little with what they read of W: each thread reads a part

    int64_t width(const Layer<T> &layer) const { return net_.bias_size(layer); }
    int64_t room_size() const { return block_ * 2 * (widest_ + width(net_.layers().back())); }
    T *hidden(int room, int which) const { return rooms_ + room * room_size() + which * block_ * widest_; }
    T *output(int room) const { return hidden(room, 2); }

    int take_room() {
        for (int turn = 0;; ++turn) {
            const int room = turn % count_;
            std::atomic<bool> &taken = taken_[room];
            if (!taken.load(std::memory_order_relaxed) && !taken.exchange(true, std::memory_order_acquire)) return room;
            if (room + 1 == count_) std::this_thread::yield();
        }
    }

    void predict_block(const T *X, int64_t first, int64_t rows, T *a, T *yhat, int room) const {
        const T *in = X + first * net_.layers()[0].inputs;
        int64_t step = net_.layers()[0].inputs;
        const int last = int(net_.layers().size()) - 1;
        for (int i = 0; i < last; ++i) {
            const Layer<T> &layer = net_.layers()[i];
            T *h = hidden(room, i % 2);
            net_.kernels.predict_hidden(layer, in, step, rows, 0, net_.panels(layer.outputs), h, width(layer));
            in = h;
            step = width(layer);
        }
        finish(in, step, first, rows, a, yhat, room);
    }

    void finish(const T *in, int64_t step, int64_t first, int64_t rows, T *a, T *yhat, int room) const {
        const Layer<T> &layer = net_.layers().back();
        const int64_t at = first * layer.outputs;
        net_.kernels.predict_output(layer, in, step, rows, output(room), a ? a + at : nullptr, yhat + at);
    }

    // All rows go through all layers together, and each thread takes some of the panels
    void split_layers(const T *X, int64_t rows, T *a, T *yhat, int threads) {
        const int room = take_room(), last = int(net_.layers().size()) - 1;
        Barrier barrier(threads);
        const auto work = [&](int index, int together) {
            const T *in = X;
            int64_t step = net_.layers()[0].inputs;
            for (int i = 0; i < last; ++i) {
                const Layer<T> &layer = net_.layers()[i];
                const int64_t panels = net_.panels(layer.outputs);
                const int64_t first = panels * index / together, end = panels * (index + 1) / together;
                T *h = hidden(room, i % 2);
                net_.kernels.predict_hidden(layer, in, step, rows, first, end - first, h, width(layer));
                if (together > 1) barrier.meet([] {});
                in = h;
                step = width(layer);
            }
            if (index == 0) finish(in, step, 0, rows, a, yhat, room);
        };
        run_on_threads(threads, std::ref(work));
        taken_[room].store(false, std::memory_order_release);
    }

    const Net<T> &net_;
    const int64_t block_;
    const int count_;
    const std::unique_ptr<std::atomic<bool>[]> taken_;
    int64_t widest_ = 0;
    double weights_ = 0;
    Memory<T> memory_;
    T *rooms_ = nullptr;
};

}  // namespace backtalk
