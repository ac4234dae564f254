// A network with its memory: parameters in panels, room for a batch, and the two phases of a step.
#pragma once
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "memory.h"
#include "pool.h"
#include "training.h"
#include "types.h"

namespace backtalk {

// One share of the talk to the weights: some strips of a panel
struct Piece {
    int layer;
    int64_t panel, first, last;
};

template <class T>
class Net {
public:
    Net(const Kernels<T> &kernels, const std::vector<int64_t> &sizes, const std::vector<int> &activations,
        const std::vector<double> &parameters, int loss, double loss_parameter, bool trains, bool input_gradient)
        : kernels_(kernels), layers_(sizes.size() - 1), trains_(trains) {
        std::memset(static_cast<void *>(layers_.data()), 0, layers_.size() * sizeof(Layer<T>));
        std::memset(static_cast<void *>(&job_), 0, sizeof job_);
        for (size_t i = 0; i < layers_.size(); ++i) {
            Layer<T> &layer = layers_[i];
            layer.inputs = sizes[i];
            layer.outputs = sizes[i + 1];
            layer.activation = i < activations.size() ? activations[i] : IDENTITY;
            layer.parameter = i < parameters.size() ? T(parameters[i]) : T(0);
            layer.scale = 1;
            hosted_ |= layer.activation == HOST;
            parameters_.reserve(layer.w, weights_size(layer));
            parameters_.reserve(layer.b, bias_size(layer));
        }
        if (trains)
            for (Layer<T> &layer : layers_) {
                parameters_.reserve(layer.w1, weights_size(layer));
                parameters_.reserve(layer.w2, weights_size(layer));
                parameters_.reserve(layer.b1, bias_size(layer));
                parameters_.reserve(layer.b2, bias_size(layer));
            }
        parameters_.allocate();
        for (size_t i = 0; i < layers_.size(); ++i)
            if (i > 0 || input_gradient) mirrors_.reserve(layers_[i].wt, mirror_size(layers_[i]));
        mirrors_.allocate();
        job_.depth = int(layers_.size());
        job_.layers = layers_.data();
        job_.loss = Loss(loss);
        job_.loss_parameter = T(loss_parameter);
    }

    void pack(int layer, const T *W, const T *b) { kernels_.pack(W, b, layers_[layer]); }
    void unpack(int layer, T *W, T *b) const { kernels_.unpack(layers_[layer], W, b); }
    // the optimizer's arrays in the place of W and b: the first or the second of them
    void pack_state(int layer, int which, const T *W, const T *b) {
        Layer<T> state = state_of(layer, which);
        kernels_.pack(W, b, state);
    }
    void unpack_state(int layer, int which, T *W, T *b) const { kernels_.unpack(state_of(layer, which), W, b); }

    bool hosted() const { return hosted_; }
    int depth() const { return job_.depth; }
    Layer<T> &layer(int i) { return layers_[i]; }
    Job<T> &job() { return job_; }
    std::mutex &mutex() {
        if (forks_ != forks()) {  // in the child of a fork, nobody is left who would unlock it
            (void)mutex_.release();
            mutex_.reset(new std::mutex);
            forks_ = forks();
        }
        return *mutex_;
    }

    // Room for a batch; kept for the next one that is no larger
    void make_room(int64_t batch) {
        job_.batch = batch;
        if (batch <= capacity_) return;
        const int64_t panel = kernels_.panel, strip = kernels_.strip;
        job_.rows = (batch + strip - 1) / strip * strip;
        if (job_.rows / strip % 2 == 0) job_.rows += strip;  // else panels would fall on the same cache sets
        const int64_t chunks = (batch + SUM_ROWS - 1) / SUM_ROWS;
        room_.restart();
        room_.reserve(job_.x, panels(layers_[0].inputs) * job_.rows * panel);
        int64_t widest = 0;
        for (Layer<T> &layer : layers_) {
            const int64_t size = panels(layer.outputs) * job_.rows * panel;
            room_.reserve(layer.h, size);
            room_.reserve(layer.d, size);
            if (trains_) room_.reserve(layer.peak, chunks * panels(layer.outputs) * panel);
            if (layer.outputs > widest) widest = layer.outputs;
        }
        room_.reserve(job_.losses, batch);
        scratch_size_ = 3 * panels(layers_.back().outputs) * panel;
        if (hosted_) scratch_size_ = std::max(scratch_size_, 2 * MOST_ROWS * widest);
        scratch_size_ = (scratch_size_ + 15) / 16 * 16;
        room_.reserve(scratch_, scratch_size_ * MOST_THREADS);
        capacity_ = 0;
        room_.allocate();
        capacity_ = batch;
        unit_sums_.assign(trains_ ? chunks * layers_.size() : 0, UnitSums{0, 0});
        for (size_t i = 0; i < layers_.size() && trains_; ++i) layers_[i].unit_sums = &unit_sums_[i * chunks];
        job_.prefetch = parameters_.size() * int64_t(sizeof(T)) > SECOND_CACHE / 2;
        if (pieces_.empty()) cut_pieces();
    }

    // Rows that go through all layers together: a share for each thread, but no more than the caches hold of a layer
    void choose_block(int threads) {
        int64_t widest = layers_[0].inputs;
        for (const Layer<T> &layer : layers_) widest = std::max(widest, layer.outputs);
        const int64_t most = std::min(MOST_ROWS, SECOND_CACHE / 2 / int64_t(sizeof(T)) / widest);
        const int64_t share = (job_.batch + threads - 1) / threads;
        const int64_t turns = (share + most - 1) / std::max(most, int64_t(1));
        const int64_t rows = (share + turns - 1) / std::max(turns, int64_t(1));
        job_.block = std::max(SUM_ROWS, (rows + SUM_ROWS - 1) / SUM_ROWS * SUM_ROWS);
    }

    // Threads that are worth their barriers for so many examples
    int threads_for(int64_t batch, int allowed) const {
        double work = 0;
        for (const Layer<T> &layer : layers_) work += 6.0 * double(layer.inputs) * double(layer.outputs) * double(batch);
        const int useful = int(std::min(work / WORK_OF_A_THREAD, 1e6));
        return hosted_ ? 1 : std::max(1, std::min({useful, allowed, MOST_THREADS}));
    }

    // Forward, and backward where the job says so, once; the results go where the layers' out_ pointers say
    void once(int allowed) {
        const int threads = threads_for(job_.batch, allowed);
        choose_block(threads);
        Barrier meeting(threads);
        Shares blocks(threads), pieces(threads);
        blocks.deal(block_count());
        pieces.deal(pieces_.size());
        run_on_threads(threads, [&](int index, int together) {
            take_blocks(blocks, index);
            if (!job_.to_weights) return;
            if (together > 1) meeting.meet([] {});
            take_pieces(pieces, index, WRITE_OUT, false);
        });
    }

    // Steps of training on batches of a course, from where `progress` stands, until the order ends, a loss is not
    // finite, `most_steps` are made or `seconds` are over. X, target, weight and labels stand in the job.
    Progress train(const Course &course, Progress progress, int64_t most_steps, double seconds, int allowed, bool save,
                   int64_t measure_every) {
        make_room(std::min(course.batch_size, course.count));
        Steps steps{course, 0, false, save, measure_every};
        const auto begin = std::chrono::steady_clock::now();
        if (!next_batch(progress, steps)) return progress;
        const int threads = threads_for(std::min(course.batch_size, course.count), allowed);
        choose_block(threads);
        Shares blocks(threads), pieces(threads);
        blocks.deal(block_count());
        Barrier crowd(threads), alone(1);
        run_on_threads(threads, [&](int index, int together) {
            Barrier &meeting = together > 1 ? crowd : alone;
            for (;;) {
                take_blocks(blocks, index);
                meeting.meet([&] { judge_loss(progress, steps); pieces.deal(pieces_.size()); });
                if (steps.stop) return;
                while (steps.rule == NORM) {
                    take_pieces(pieces, index, NORM, true);
                    meeting.meet([&] { judge_norm(steps); pieces.deal(pieces_.size()); });
                }
                take_pieces(pieces, index, steps.rule, job_.measure || job_.update.l2_penalty > 0);
                meeting.meet([&] {
                    if (job_.measure) read_measures();
                    ++progress.steps;
                    ++updates_;
                    const double counts = settings_.loss_by_count ? double(job_.batch) : job_.weight_sum;
                    progress.loss += (steps.loss + penalty()) * counts;
                    progress.weight += counts;
                    progress.examples = steps.next;
                    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
                    steps.stop = progress.steps >= most_steps || spent.count() > seconds || !next_batch(progress, steps);
                    blocks.deal(block_count());
                });
                if (steps.stop) return;
            }
        });
        return progress;
    }

    void set_update(const Settings &settings) {
        settings_ = settings;
        Update<T> &u = job_.update;
        u = {};
        u.rule = settings.rule;
        u.momentum = T(settings.momentum);
        u.beta_1 = T(settings.beta_1);
        u.beta_2 = T(settings.beta_2);
        u.epsilon = T(settings.epsilon);
        u.rest_1 = T(1 - settings.beta_1);
        u.rest_2 = T(1 - settings.beta_2);
        u.norm_unit = 1;
        gradients_.restart();
        for (Layer<T> &layer : layers_) {
            layer.g = nullptr;
            if (settings.clip_norm > 0) gradients_.reserve(layer.g, weights_size(layer));
        }
        gradients_.allocate();
    }

    void draw_from(const Dropout &dropout) {
        job_.seed = dropout.seed;
        for (size_t i = 0; i < layers_.size(); ++i) {
            const uint32_t level = i < dropout.levels.size() ? dropout.levels[i] : 0;
            layers_[i].level = level;
            layers_[i].scale = T(LEVELS / (LEVELS - level));
        }
    }

    // Parameters and the optimizer's arrays were packed anew: so many updates made them, and what was before is over
    void begin_after(int64_t updates) {
        updates_ = updates;
        snapshot_.clear();
        forget_measures();
    }
    int64_t updates() const { return updates_; }

    void restore() {
        if (snapshot_.empty()) return;
        parameters_.restore(snapshot_);
        updates_ = snapshot_updates_;
        rebuild_mirrors();
    }

    bool finite() const {
        for (const Layer<T> &layer : layers_) {
            for (int64_t e = 0; e < weights_size(layer); ++e)
                if (!std::isfinite(layer.w[e])) return false;
            for (int64_t e = 0; e < bias_size(layer); ++e)
                if (!std::isfinite(layer.b[e])) return false;
        }
        return true;
    }

    const std::vector<Measured> &measured() const { return measured_; }
    int64_t measured_steps() const { return measured_steps_; }
    void forget_measures() {
        measured_.assign(layers_.size(), Measured());
        measured_steps_ = 0;
    }
    double seconds_of_copy() const { return seconds_of_copy_; }

private:
    static constexpr int MOST_THREADS = 64;
    static constexpr double WORK_OF_A_THREAD = 2e6;  // operations: some 20 microseconds
    static constexpr int64_t STRIPS_OF_A_PIECE = 16;
    static constexpr int64_t MOST_ROWS = 256, SECOND_CACHE = 1 << 20;
    static constexpr double SILENT = 1e-3;
    static constexpr double LEVELS = 65536;     // of a draw of dropout
    static constexpr double SMALL_UNIT = 0x1p-600;  // times the largest numbers, squares and their sum are finite

    struct Steps {
        const Course &course;
        int64_t next;  // example of the order after this batch
        bool stop, save;
        int64_t measure_every;
        double loss = 0;
        Rule rule = WRITE_OUT;  // of the sweep over the weights
    };

    Layer<T> state_of(int i, int which) const {
        Layer<T> state = layers_[i];
        state.w = which == 1 ? state.w1 : state.w2;
        state.b = which == 1 ? state.b1 : state.b2;
        state.wt = nullptr;
        return state;
    }

    int64_t panels(int64_t columns) const { return (columns + kernels_.panel - 1) / kernels_.panel; }
    int64_t rounded(int64_t rows) const { return (rows + kernels_.strip - 1) / kernels_.strip * kernels_.strip; }
    int64_t weights_size(const Layer<T> &layer) const {
        return panels(layer.outputs) * rounded(layer.inputs) * kernels_.panel;
    }
    int64_t mirror_size(const Layer<T> &layer) const {
        return panels(layer.inputs) * rounded(layer.outputs) * kernels_.panel;
    }
    int64_t bias_size(const Layer<T> &layer) const { return panels(layer.outputs) * kernels_.panel; }

    void cut_pieces() {
        for (int i = 0; i < job_.depth; ++i) {
            const int64_t strips = rounded(layers_[i].inputs) / kernels_.strip;
            for (int64_t panel = 0; panel < panels(layers_[i].outputs); ++panel)
                for (int64_t first = 0; first < strips; first += STRIPS_OF_A_PIECE)
                    pieces_.push_back({i, panel, first, std::min(first + STRIPS_OF_A_PIECE, strips)});
        }
        update_sums_.resize(pieces_.size());
    }

    int64_t block_count() const { return (job_.batch + job_.block - 1) / job_.block; }

    void take_blocks(Shares &blocks, int index) {
        T *scratch = scratch_ + index * scratch_size_;
        blocks.take(index, [&](int64_t block) {
            const int64_t first = block * job_.block;
            kernels_.rows(job_, first, std::min(first + job_.block, job_.batch), scratch);
        });
    }

    void take_pieces(Shares &pieces, int index, Rule rule, bool measure) {
        pieces.take(index, [&](int64_t k) {
            const Piece &piece = pieces_[k];
            kernels_.weights(job_, rule, piece.layer, piece.panel, piece.first, piece.last,
                             measure ? &update_sums_[k] : nullptr);
        });
    }

    // The next batch of the order whose weights are not all 0
    bool next_batch(Progress &progress, Steps &steps) {
        const Course &course = steps.course;
        for (; progress.examples < course.count; progress.examples = steps.next) {
            steps.next = progress.examples + std::min(course.batch_size, course.count - progress.examples);
            job_.order = course.order + progress.examples;
            job_.batch = steps.next - progress.examples;
            double sum = double(job_.batch);
            if (job_.weight) {
                sum = 0;
                for (int64_t n = 0; n < job_.batch; ++n) sum += double(job_.weight[job_.order[n]]);
                if (!(sum > 0)) continue;
            }
            job_.weight_sum = sum;
            job_.step = uint64_t(updates_ + 1);
            job_.measure = steps.measure_every > 0 && (updates_ + 1) % steps.measure_every == 0;
            prepare_update(course.rates[progress.steps]);
            return true;
        }
        return false;
    }

    // The scalars of the next update, at a learning rate, on a batch whose weights stand in the job
    void prepare_update(double rate) {
        Update<T> &u = job_.update;
        u.learning_rate = T(rate);
        u.keep = T(1 - rate * settings_.weight_decay);
        penalty_ = settings_.l2_per_weight ? settings_.l2_penalty / job_.weight_sum : settings_.l2_penalty;
        u.l2_penalty = T(penalty_);
        if (u.rule != ADAM) return;
        const double t = double(updates_ + 1);
        const double root = std::sqrt(1 - std::pow(settings_.beta_2, t));
        const double step = rate / (1 - std::pow(settings_.beta_1, t));
        u.step = T(settings_.epsilon_hat ? step * root : step);
        u.root_correction = T(settings_.epsilon_hat ? 1 : 1 / root);
    }

    void judge_loss(Progress &progress, Steps &steps) {
        double loss = 0;
        for (int64_t n = 0; n < job_.batch; ++n) loss += double(job_.losses[n]);
        steps.loss = loss;
        progress.host_failed = job_.host_failed;
        progress.diverged = !std::isfinite(loss) && !job_.host_failed;
        steps.stop = progress.diverged || job_.host_failed;
        steps.rule = settings_.clip_norm > 0 ? NORM : job_.update.rule;
        if (steps.stop || !steps.save) return;
        steps.save = false;
        const auto begin = std::chrono::steady_clock::now();
        parameters_.save(snapshot_);
        snapshot_updates_ = updates_;
        progress.saved = true;
        seconds_of_copy_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

    // After a sweep that added up squares: the scale of the gradient, or another sweep in a smaller unit where they
    // overflow. A norm that is NaN scales nothing, so the NaN goes into the parameters.
    void judge_norm(Steps &steps) {
        Update<T> &u = job_.update;
        double squares = 0;
        for (const UpdateSums &sums : update_sums_) squares += sums.gradient;
        if (std::isinf(squares) && u.norm_unit == 1) {
            u.norm_unit = SMALL_UNIT;
            return;
        }
        const double norm = std::sqrt(squares);  // in norm_unit
        u.scale = norm > settings_.clip_norm * u.norm_unit ? T(settings_.clip_norm / norm * u.norm_unit) : T(1);
        u.norm_unit = 1;
        steps.rule = u.rule;
    }

    double penalty() const {  // of the weights before the step: half the penalty times the sum of their squares
        if (!(job_.update.l2_penalty > 0)) return 0;
        double squares = 0;
        for (const UpdateSums &sums : update_sums_) squares += sums.weight;
        return 0.5 * penalty_ * squares;
    }

    void read_measures() {
        if (measured_.empty()) forget_measures();
        const int64_t chunks = (job_.batch + SUM_ROWS - 1) / SUM_ROWS;
        for (int i = 0; i < job_.depth - 1; ++i) {
            Measured &here = measured_[i];
            here.hidden = true;
            const Layer<T> &layer = layers_[i];
            double grad_a = 0, grad_h = 0;
            for (int64_t chunk = 0; chunk < chunks; ++chunk) {
                grad_a += layer.unit_sums[chunk].grad_a;
                grad_h += layer.unit_sums[chunk].grad_h;
            }
            here.grad_a += std::sqrt(grad_a);
            here.grad_h += std::sqrt(grad_h);
            const int64_t width = bias_size(layer);
            int64_t silent = 0;
            for (int64_t unit = 0; unit < layer.outputs; ++unit) {
                T peak = 0;
                for (int64_t chunk = 0; chunk < chunks; chunk += job_.block / SUM_ROWS) {
                    const T value = layer.peak[chunk * width + unit];
                    peak = value <= peak ? peak : value;
                }
                silent += peak < T(SILENT);
            }
            here.silent += double(silent) / double(layer.outputs);
        }
        std::vector<UpdateSums> sums(layers_.size(), UpdateSums{0, 0, 0});
        for (size_t k = 0; k < pieces_.size(); ++k) {
            UpdateSums &sum = sums[pieces_[k].layer];
            sum.gradient += update_sums_[k].gradient;
            sum.weight += update_sums_[k].weight;
            sum.update += update_sums_[k].update;
        }
        for (int i = 0; i < job_.depth; ++i) {
            measured_[i].grad_w += std::sqrt(sums[i].gradient);
            measured_[i].weight += std::sqrt(sums[i].weight);
            measured_[i].update += std::sqrt(sums[i].update);
        }
        ++measured_steps_;
    }

    void rebuild_mirrors() {
        std::vector<T> W, b;
        for (Layer<T> &layer : layers_) {
            if (!layer.wt) continue;
            W.resize(layer.inputs * layer.outputs);
            b.resize(layer.outputs);
            kernels_.unpack(layer, W.data(), b.data());
            kernels_.pack(W.data(), b.data(), layer);
        }
    }

    const Kernels<T> &kernels_;
    std::vector<Layer<T>> layers_;
    const bool trains_;
    bool hosted_ = false;
    Job<T> job_;
    Settings settings_;
    double penalty_ = 0;  // of this step
    Memory<T> parameters_, mirrors_, room_, gradients_;
    std::vector<T> snapshot_;
    int64_t capacity_ = 0, scratch_size_ = 0, updates_ = 0, snapshot_updates_ = 0, measured_steps_ = 0;
    double seconds_of_copy_ = 0;
    T *scratch_ = nullptr;
    std::vector<Piece> pieces_;
    std::vector<UnitSums> unit_sums_;
    std::vector<UpdateSums> update_sums_;
    std::vector<Measured> measured_;
    std::unique_ptr<std::mutex> mutex_{new std::mutex};
    unsigned forks_ = forks();
};

}  // namespace backtalk
