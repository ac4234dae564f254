// Steps of training, one after the other: the next batch, its update, the sums, and when to stop.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "measures.h"
#include "scheduler.h"
#include "settings.h"

namespace backtalk {

template <class T>
class Training {
public:
    Training(Net<T> &net, Scheduler<T> &scheduler) : measures(net), net_(net), job_(net.job()), scheduler_(scheduler) {}

    Measures<T> measures;

    void set_update(const Settings &settings) {
        settings_ = settings;
        momenta_ = 1, momenta_count_ = 0;
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
        net_.make_gradients(settings.clip_norm > 0);
    }
    void set_privacy(const Privacy &privacy) { privacy_ = privacy; }
    bool is_private() const { return privacy_.most_norm > 0; }

    // Parameters and the optimizer's arrays were packed anew: so many updates made them, and what was before is over
    void begin_after(int64_t updates) {
        updates_ = updates;
        snapshot_.clear();
        measures.begin(0, {});
    }
    int64_t updates() const { return updates_; }
    const Settings &settings() const { return settings_; }
    double seconds_of_copy() const { return seconds_of_copy_; }

    // Back to the snapshot
    void restore() {
        if (snapshot_.empty()) return;
        net_.restore(snapshot_.data());
        updates_ = snapshot_updates_;
    }

    // From where `progress` stands, until the order ends, a loss is not finite, a batch is refused, or the steps or
    // the seconds of the call are over. X, target and weight stand in the job. points: room for the parameters and the
    // optimizer's arrays before each of the first `most_points` steps of the call.
    Progress train(const Call &call, Progress progress, T *points = nullptr, int64_t most_points = 0) {
        call_ = call;
        points_ = points;
        most_points_ = most_points;
        progress_ = progress;
        begin_ = std::chrono::steady_clock::now();
        const int64_t batch = std::max(std::min(call.batch_size, call.rows), int64_t(1));
        net_.make_room(batch);
        if (is_private()) net_.make_norms(batch);
        job_.norms = is_private();
        job_.clipping = privacy_.clipping;
        job_.most_norm = privacy_.most_norm;
        job_.share = 1 / privacy_.batch_size;
        job_.deviation = T(privacy_.deviation);
        job_.rounder = rounder_of<T>(privacy_.grid);
        job_.key = privacy_.key.data();
        rows_.resize(batch);
        labels_.resize(batch);
        job_.order = rows_.data();
        job_.labels = call.labels ? labels_.data() : nullptr;
        stopped_ = !next_batch();
        if (!stopped_) scheduler_.repeat(*this, batch, call.threads);
        return progress_;
    }

    // What the scheduler asks, by one thread while the others wait
    bool stopped() const { return stopped_; }
    Rule rule() const { return rule_; }  // of the next sweep over the weights
    bool adds_up() const { return job_.measure || job_.update.l2_penalty > 0; }

    void judge_loss() {
        loss_ = 0;
        for (int64_t n = 0; n < job_.batch; ++n) loss_ += double(job_.losses[n]);
        if (is_private()) loss_ /= double(std::max(job_.batch, int64_t(1)));  // the losses are the examples' own
        progress_.host_failed = job_.host_failed;
        progress_.diverged = !std::isfinite(loss_) && !job_.host_failed;
        stopped_ = progress_.diverged || job_.host_failed;
        rule_ = settings_.clip_norm > 0 ? NORM : job_.update.rule;
        if (stopped_) return;
        if (progress_.steps < most_points_) net_.save(points_ + progress_.steps * net_.size());
        if (!call_.save) return;
        call_.save = false;
        const auto begin = std::chrono::steady_clock::now();
        snapshot_.resize(net_.size());
        net_.save(snapshot_.data());
        snapshot_updates_ = updates_;
        progress_.saved = true;
        seconds_of_copy_ = since(begin);
    }

    void judge_norm() {
        if (find_scale()) rule_ = job_.update.rule;
    }

    // After a sweep that added up squares: the scale of the gradient; or false, and another sweep in a smaller unit is
    // needed, where they overflow. A norm that is NaN scales nothing, so the NaN goes into the parameters.
    bool find_scale() {
        Update<T> &u = job_.update;
        double squares = 0;
        scheduler_.each_sum([&](int, const UpdateSums &sums) { squares += sums.gradient; });
        if (std::isinf(squares) && u.norm_unit == 1) {
            u.norm_unit = SMALL_UNIT;
            return false;
        }
        const double norm = std::sqrt(squares), most = settings_.clip_norm * u.norm_unit;  // in norm_unit
        u.scale = most > 0 && norm > most ? T(most / norm) : T(1);
        u.norm_unit = 1;
        return true;
    }

    void end_step() {
        if (job_.measure) measures.add(scheduler_);
        ++progress_.steps;
        ++updates_;
        const double counts = settings_.loss_by_count || is_private() ? double(job_.batch) : job_.weight_sum;
        progress_.loss += (loss_ + penalty()) * counts;
        progress_.weight += counts;
        progress_.place = next_;
        stopped_ = progress_.steps >= call_.most_steps || since(begin_) > call_.seconds || !next_batch();
    }

    // The scalars of update number t, from 1, at a learning rate, on a batch whose weights stand in the job
    void prepare_update(double rate, double t) {
        Update<T> &u = job_.update;
        u.learning_rate = T(rate);
        u.keep = T(1 - rate * settings_.weight_decay);
        const double weight = is_private() ? privacy_.batch_size : job_.weight_sum;
        penalty_ = settings_.l2_per_weight ? settings_.l2_penalty / weight : settings_.l2_penalty;
        u.l2_penalty = T(penalty_);
        if (u.rule != ADAM && u.rule != AMSGRAD && u.rule != ADAMAX && u.rule != NADAM) return;
        const double root = settings_.corrects ? std::sqrt(1 - std::pow(settings_.beta_2, t)) : 1;
        const double step = settings_.corrects ? rate / (1 - std::pow(settings_.beta_1, t)) : rate;
        u.step = T(settings_.epsilon_hat ? step * root : step);
        u.root_correction = T(settings_.epsilon_hat ? 1 : 1 / root);
        if (u.rule != NADAM) return;
        u.gradient_step = T(rate * (1 - momentum_at(t)) / (1 - momenta_until(t)));
        u.step = T(rate * momentum_at(t + 1) / (1 - momenta_until(t + 1)));
    }

private:
    static constexpr double SPENT = 1e-17;
    static constexpr double SMALL_UNIT = 0x1p-600;  // times the largest numbers, squares and their sum are finite

    static double since(std::chrono::steady_clock::time_point begin) {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

    // The next batch of the order whose weights are not all 0, if there is one
    bool next_batch() {
        for (; progress_.place < call_.count; progress_.place = next_) {
            next_ = call_.ends ? progress_.place + 1 : std::min(progress_.place + call_.batch_size, call_.count);
            progress_.refused = read_rows();
            if (progress_.refused) return false;
            if (is_private()) {  // a step on no example is one too
                job_.weight_sum = 1;
                prepare_step();
                return true;
            }
            double sum = double(job_.batch);
            if (job_.weight) {
                sum = 0;
                for (int64_t n = 0; n < job_.batch; ++n) sum += double(job_.weight[rows_[n]]);
                if (!(sum > 0)) continue;
            }
            job_.weight_sum = sum;
            prepare_step();
            return true;
        }
        return false;
    }

    void prepare_step() {
        job_.step = uint64_t(updates_ + 1);
        job_.measure = call_.measure_every > 0 && (updates_ + 1) % call_.measure_every == 0;
        prepare_update(call_.rates[progress_.steps], double(updates_ + 1));
    }

    // The batch's rows and labels, and why they cannot be used, or null. The kernels read copies, which are checked
    // after they were made: the caller's arrays may change at any time, and no index leads outside of the examples.
    const char *read_rows() {
        const int64_t units = net_.layers().back().outputs, place = progress_.place;
        const int64_t first = !call_.ends ? place : place ? call_.ends[place - 1] : 0;
        const int64_t last = call_.ends ? call_.ends[place] : next_;
        if (first < 0 || last < first || last > call_.rows || last - first > int64_t(rows_.size()))
            return "a batch leaves the order";
        job_.batch = last - first;
        std::copy_n(call_.order + first, job_.batch, rows_.data());
        for (int64_t n = 0; n < job_.batch; ++n)
            if (rows_[n] < 0 || rows_[n] >= call_.examples) return "order leaves X";
        if (!call_.labels) return nullptr;
        for (int64_t n = 0; n < job_.batch; ++n) labels_[n] = call_.labels[rows_[n]];
        for (int64_t n = 0; n < job_.batch; ++n)
            if (labels_[n] < 0 || labels_[n] >= units) return "a label is none of the outputs";
        return nullptr;
    }

    // NADAM: mu_t, and mu_1 ... mu_t, which is multiplied in this order wherever training began; a product below SPENT
    // changes no digit of 1 - it
    double momentum_at(double t) const {
        return settings_.beta_1 * (1 - 0.5 * std::pow(0.96, t * settings_.momentum_decay));
    }
    double momenta_until(double t) {
        if (t < momenta_count_) momenta_ = 1, momenta_count_ = 0;
        while (momenta_count_ < t && momenta_ >= SPENT) momenta_ *= momentum_at(++momenta_count_);
        return momenta_;
    }

    double penalty() const {  // of the weights before the step: half the penalty times the sum of their squares
        if (!(job_.update.l2_penalty > 0)) return 0;
        double squares = 0;
        scheduler_.each_sum([&](int, const UpdateSums &sums) { squares += sums.weight; });
        return 0.5 * penalty_ * squares;
    }

    Net<T> &net_;
    Job<T> &job_;
    Scheduler<T> &scheduler_;
    Settings settings_;
    Privacy privacy_;
    std::vector<T> snapshot_;
    int64_t updates_ = 0, snapshot_updates_ = 0;
    double seconds_of_copy_ = 0;
    double momenta_ = 1, momenta_count_ = 0;
    // of this call
    Call call_{};
    T *points_ = nullptr;
    int64_t most_points_ = 0;
    Progress progress_;
    std::chrono::steady_clock::time_point begin_;
    std::vector<int64_t> rows_, labels_;  // of the batch
    bool stopped_ = false;
    // of this step
    int64_t next_ = 0;  // place in the order after its batch
    double loss_ = 0, penalty_ = 0;
    Rule rule_ = WRITE_OUT;
};

}  // namespace backtalk
