// The two phases of a step, and the threads' shares in them: in the first, blocks of rows go through all layers and
// back; in the second, pieces of the weights are updated. A barrier stands after each. Which thread takes a block or a
// piece changes no bit.
#pragma once
#include <algorithm>
#include <vector>

#include "net.h"
#include "pool.h"

namespace backtalk {

// One share of the talk to the weights: some strips of a panel
struct Piece {
    int layer;
    int64_t panel, first, last;
};

template <class T>
class Scheduler {
public:
    explicit Scheduler(Net<T> &net) : net_(net) {
        for (int i = 0; i < net.depth(); ++i) {
            const Layer<T> &layer = net.layer(i);
            const int64_t strips = net.rounded(layer.inputs) / net.kernels.strip;
            // Pieces of the same inputs follow one another: their panels of h stay in the second cache
            for (int64_t first = 0; first < strips; first += STRIPS_OF_A_PIECE)
                for (int64_t panel = 0; panel < net.panels(layer.outputs); ++panel)
                    pieces_.push_back({i, panel, first, std::min(first + STRIPS_OF_A_PIECE, strips)});
        }
        update_sums_.resize(pieces_.size());
    }

    // Of each piece, after a sweep over the weights that added up; in their order, for any number of threads
    template <class F>
    void each_sum(F add) const {
        for (size_t k = 0; k < pieces_.size(); ++k) add(pieces_[k].layer, update_sums_[k]);
    }

    // Forward, and backward where the job says so, once; the results go where the layers' out_ pointers say
    void once(int allowed) {
        const int threads = threads_for(net_.job().batch, allowed);
        choose_block(net_.job().batch, threads);
        Barrier barrier(threads);
        Shares blocks(threads), pieces(threads);
        blocks.deal(block_count());
        pieces.deal(pieces_.size());
        run_on_threads(threads, [&](int index, int together) {
            take_blocks(blocks, index);
            if (!net_.job().to_weights) return;
            if (together > 1) barrier.meet([] {});
            take_pieces(pieces, index, WRITE_OUT, false);
        });
    }

    // Steps on batches of so many rows at the most, until `steps` has stopped: it judges each phase while the threads
    // wait. The first batch stands in the job.
    template <class Steps>
    void repeat(Steps &steps, int64_t batch, int allowed) {
        const int threads = threads_for(batch, allowed);
        choose_block(batch, threads);
        Shares blocks(threads), pieces(threads);
        blocks.deal(block_count());
        Barrier crowd(threads), alone(1);
        run_on_threads(threads, [&](int index, int together) {
            Barrier &barrier = together > 1 ? crowd : alone;
            for (;;) {
                take_blocks(blocks, index);
                barrier.meet([&] { steps.judge_loss(); pieces.deal(pieces_.size()); });
                if (steps.stopped()) return;
                while (steps.rule() == NORM) {
                    take_pieces(pieces, index, NORM, true);
                    barrier.meet([&] { steps.judge_norm(); pieces.deal(pieces_.size()); });
                }
                take_pieces(pieces, index, steps.rule(), steps.adds_up());
                barrier.meet([&] { steps.end_step(); blocks.deal(block_count()); });
                if (steps.stopped()) return;
            }
        });
    }

    // Threads that are worth their barriers for so many examples, and that run
    int threads_for(int64_t batch, int allowed) const {
        double work = 0;
        for (const Layer<T> &layer : net_.layers())
            work += 6.0 * double(layer.inputs) * double(layer.outputs) * double(batch);
        const int useful = int(std::min(work / WORK_OF_A_THREAD, 1e6));
        return net_.hosted() ? 1 : ready_threads(std::min({useful, allowed, Net<T>::MOST_THREADS}));
    }

    // Rows that go through all layers together: a share for each thread, but no more than the caches hold of a layer
    void choose_block(int64_t batch, int threads) {
        int64_t widest = net_.layer(0).inputs;
        for (const Layer<T> &layer : net_.layers()) widest = std::max(widest, layer.outputs);
        const int64_t most = std::min(MOST_ROWS, Net<T>::SECOND_CACHE / 2 / int64_t(sizeof(T)) / widest);
        const int64_t share = (batch + threads - 1) / threads;
        const int64_t turns = (share + most - 1) / std::max(most, int64_t(1));
        const int64_t rows = (share + turns - 1) / std::max(turns, int64_t(1));
        net_.job().block = std::max(SUM_ROWS, (rows + SUM_ROWS - 1) / SUM_ROWS * SUM_ROWS);
    }

    int64_t block_count() const { return (net_.job().batch + net_.job().block - 1) / net_.job().block; }
    const std::vector<Piece> &pieces() const { return pieces_; }

    void take_block(int64_t block, int index) {
        Job<T> &job = net_.job();
        const int64_t first = block * job.block;
        net_.kernels.rows(job, first, std::min(first + job.block, job.batch), net_.scratch(index));
    }

    void take_piece(int64_t k, Rule rule, bool adds_up) {
        const Piece &piece = pieces_[k];
        net_.kernels.weights(net_.job(), rule, piece.layer, piece.panel, piece.first, piece.last,
                             adds_up ? &update_sums_[k] : nullptr);
    }

private:
    static constexpr double WORK_OF_A_THREAD = 2e6;  // operations: some 20 microseconds
    static constexpr int64_t STRIPS_OF_A_PIECE = 16;

    void take_blocks(Shares &blocks, int index) {
        blocks.take(index, [&](int64_t block) { take_block(block, index); });
    }

    void take_pieces(Shares &pieces, int index, Rule rule, bool adds_up) {
        pieces.take(index, [&](int64_t k) { take_piece(k, rule, adds_up); });
    }

    Net<T> &net_;
    std::vector<Piece> pieces_;
    std::vector<UpdateSums> update_sums_;
};

}  // namespace backtalk
