// A network as Python sees it: arrays in, arrays filled, the GIL released in between.
// engines/native/ is its only caller, and has checked every shape, dtype and value; what could leave an array is
// checked here again.
#pragma once
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.h"
#include "dispatch.h"
#include "names.h"
#include "training.h"

namespace backtalk {

template <class T>
const Kernels<T> &kernels_named(const std::string &name) {
    for (const Variant &variant : variants())
        if (variant.name == name) {
            if constexpr (std::is_same_v<T, float>) return *variant.f32;
            else return *variant.f64;
        }
    throw std::invalid_argument(name);
}

// A user's activation: called with (layer, derivative, a), gives an array of the shape of a
template <class T>
struct Host {
    nb::object function;
    const std::vector<int64_t> *widths;
    std::exception_ptr error;

    static bool call(void *context, int layer, bool derivative, int64_t rows, const T *a, T *result) {
        Host &host = *static_cast<Host *>(context);
        nb::gil_scoped_acquire holding;
        try {
            const size_t shape[] = {size_t(rows), size_t((*host.widths)[layer + 1])};
            nb::object given = nb::cast(nb::ndarray<nb::numpy, const T>(a, 2, shape, nb::handle()), nb::rv_policy::copy);
            nb::object answer = host.function(layer, derivative, given);
            const T *values = data_of<const T>(answer, rows * (*host.widths)[layer + 1]);
            std::copy(values, values + rows * (*host.widths)[layer + 1], result);
            return true;
        } catch (...) {
            host.error = std::current_exception();
            return false;
        }
    }
};

// levels, seed, step, number of the first row
using Drawn = std::optional<std::tuple<std::vector<uint32_t>, uint64_t, uint64_t, int64_t>>;
// grad_a, grad_h, grad_W, W, update, silent
using MeasuredLayer = std::tuple<std::optional<double>, std::optional<double>, double, double, double,
                                 std::optional<double>>;

class PySweep;

template <class T>
class PyNet {
public:
    PyNet(const std::string &variant, const std::vector<int64_t> &sizes, const std::vector<std::string> &activations,
          const std::vector<double> &parameters, const std::string &loss, double loss_parameter, bool trains,
          int states, bool input_gradient, Function<T> host, const std::vector<double> &levels)
        : sizes_(usable(sizes)),
          net_(kernels_named<T>(variant), sizes, kinds_of(activations, sizes.size() - 1, parameters.size()),
               parameters, kind_of(LOSSES, loss), loss_parameter, levels, trains, usable_states(states), input_gradient),
          host_{host, &sizes_, nullptr} {
        require(!net_.hosted() || !host.is_none(), "nothing computes the activation");
        for (int i = 0; i + 1 < net_.depth(); ++i) require(net_.layer(i).activation != SOFTMAX, "softmax is an output");
        require(job_.loss != CATEGORICAL_HINGE || sizes.back() > 1, "the hinge compares outputs");
        require(job_.loss != GAUSSIAN_NLL || sizes.back() % 2 == 0, "means, and as many logarithms of variances");
        require(job_.loss != QUANTILES || int64_t(levels.size()) == sizes.back(), "each output has a level");
        job_.host = &Host<T>::call;
        job_.host_context = &host_;
    }

    void pack(int layer, In<T> W, In<T> b) {
        check(layer, W.size(), b.size());
        net_.pack(layer, W.data(), b.data());
    }

    void unpack(int layer, Out<T> W, Out<T> b) {
        check(layer, W.size(), b.size());
        net_.unpack(layer, W.data(), b.data());
    }

    void pack_state(int layer, int which, In<T> W, In<T> b) {
        check(layer, W.size(), b.size());
        check_state(which);
        net_.pack_state(layer, which, W.data(), b.data());
    }

    void unpack_state(int layer, int which, Out<T> W, Out<T> b) {
        check(layer, W.size(), b.size());
        check_state(which);
        net_.unpack_state(layer, which, W.data(), b.data());
    }

    // a, h: lists for layers 1 ... L, filled; or None
    void forward(Rows<T> X, Sequence<T> a, Sequence<T> h, int threads, const Drawn &dropout) {
        std::unique_lock<std::mutex> mine = lock();
        begin(X, false, dropout);
        want(&Layer<T>::out_a, a);
        want(&Layer<T>::out_h, h);
        finish(threads);
    }

    // grad_a, grad_W, grad_b: lists for layers 1 ... L; grad_h: for 0 ... L; all filled. given_a: a list, or None.
    // Gives the loss; or None, and nothing is computed, if X is not finite or a label is none of the outputs.
    std::optional<double> gradients(Rows<T> X, Sequence<T> given_a, Array<int64_t> labels, Array<T> target,
                                    Array<T> weight, double weight_sum, Sequence<T> grad_a,
                                    Sequence<T> grad_h, Sequence<T> grad_W, Sequence<T> grad_b, int threads,
                                    const Drawn &dropout) {
        std::unique_lock<std::mutex> mine = lock();
        begin(X, true, dropout);
        const int64_t batch = job_.batch;
        if (!read_labels(labels) || !all_finite(X.data(), X.size())) return {};
        job_.target = data_of<const T>(target, batch * sizes_.back());
        job_.weight = data_of<const T>(weight, batch);
        job_.weight_sum = weight_sum;
        require_wanted(job_.labels);
        const size_t depth = size_t(job_.depth);
        require(nb::len(grad_a) == depth && nb::len(grad_h) == depth + 1 && nb::len(grad_W) == depth &&
                    nb::len(grad_b) == depth,
                "a list has not one array for each layer");
        for (int i = 0; i < job_.depth && !given_a.is_none(); ++i)
            net_.layer(i).given_a = data_of<const T>(given_a[i], batch * sizes_[i + 1]);
        want(&Layer<T>::out_grad_a, grad_a);
        require(!net_.trains, "a network in training has no gradient of its inputs");
        job_.out_grad_x = data_of<T>(grad_h[0], batch * sizes_[0]);
        for (int i = 0; i < job_.depth; ++i)
            net_.layer(i).out_grad_h = data_of<T>(grad_h[i + 1], batch * sizes_[i + 1]);
        want_sums(grad_W, grad_b);
        finish(threads);
        double loss = 0;
        for (int64_t n = 0; n < batch; ++n) loss += double(job_.losses[n]);
        return loss;
    }

    // Of each example's own loss: h, grad_a: lists for layers 1 ... L, where None is not wanted; norms_h, norms_a: of
    // h_{i-1} and grad_{a_i}, in double; losses. And grad_W, grad_b: sums over the examples, each times its part and
    // scaled down to most_norm. All but losses, or None.
    void pairs(Rows<T> X, Array<int64_t> labels, Array<T> target, Array<T> losses, int threads, Optionals<T> h,
               Sequence<T> grad_a, Sequence<double> norms_h, Sequence<double> norms_a, Sequence<T> grad_W,
               Sequence<T> grad_b, Array<double> parts, double most_norm) {
        std::unique_lock<std::mutex> mine = lock();
        begin(X, true, {});
        const int64_t batch = job_.batch;
        require(read_labels(labels), "a label is none of the outputs");
        job_.target = data_of<const T>(target, batch * sizes_.back());
        require_wanted(job_.labels);
        job_.weight_sum = 1;
        want(&Layer<T>::out_h, h);
        want(&Layer<T>::out_grad_a, grad_a);
        job_.norms = !norms_h.is_none();
        for (int i = 0; i < job_.depth && job_.norms; ++i) {
            net_.layer(i).out_norm_h = data_of<double>(norms_h[i], batch);
            net_.layer(i).out_norm_a = data_of<double>(norms_a[i], batch);
        }
        job_.to_weights = !grad_W.is_none();
        if (job_.to_weights) want_sums(grad_W, grad_b);
        job_.parts = data_of<const double>(parts, batch);
        job_.most_norm = most_norm;
        T *kept = data_of<T>(losses, batch);
        require(kept && (job_.norms || (!job_.parts && most_norm == 0)), "parts follow from norms");
        finish(threads);
        std::copy(job_.losses, job_.losses + batch, kept);
    }

    void set_update(const std::string &rule, double momentum, double beta_1, double beta_2, double epsilon,
                    double momentum_decay, bool epsilon_hat, bool corrects, double l2_penalty, bool l2_per_weight,
                    double weight_decay, double clip_norm, bool loss_by_count) {
        const Rule kind = kind_of(RULES, rule);
        require(states_of(kind) <= net_.states, "the network has not the arrays that the rule keeps");
        training_.set_update({kind, momentum, beta_1, beta_2, epsilon, momentum_decay, epsilon_hat, corrects, l2_penalty,
                              l2_per_weight, weight_decay, clip_norm, loss_by_count});
    }

    // Steps that are private, with a key of 32 bytes
    void set_privacy(const std::string &clipping, double max_norm, double deviation, double batch_size,
                     const nb::bytes &key, double grid) {
        Privacy privacy{kind_of(CLIPPINGS, clipping), max_norm, deviation, grid, batch_size, {}};
        require(key.size() == sizeof privacy.key && max_norm > 0 && batch_size > 0, "no such privacy");
        require(deviation == 0 || T(deviation) > 0, "too little noise for a number");
        for (const Layer<T> &layer : net_.layers())  // each has its own blocks of the generator
            require(double(layer.inputs + 16) * double(layer.outputs) < 0x1p32, "too large a layer");
        std::memcpy(privacy.key.data(), key.data(), sizeof privacy.key);
        training_.set_privacy(privacy);
    }

    // For the steps of training, whose numbers are those of the updates
    void set_dropout(const std::vector<uint32_t> &levels, uint64_t seed) {
        check_levels(levels);
        dropout_ = {levels, seed};
    }

    // ends: of each batch in the order, whose places are batches then; or None. loss, weight: the sums so far. points
    // (most_points, size): filled with the parameters and the optimizer's arrays before each of the first steps, in the
    // kernels' own order; or None. Gives (the place after the last step, steps, loss, weight, diverged, saved)
    std::tuple<int64_t, int64_t, double, double, bool, bool> train(
        Rows<T> X, Array<int64_t> labels, Array<T> target, Array<T> weight, In<int64_t> order,
        const std::optional<In<int64_t>> &ends, int64_t start, int64_t batch_size, In<double> rates, int64_t most_steps,
        double seconds, double loss_so_far, double weight_so_far, int threads, bool save, int64_t measure_every,
        Array<T> points, int64_t most_points) {
        std::unique_lock<std::mutex> mine = lock();
        forget_wishes();
        const int64_t examples = int64_t(X.shape(0)), rows = int64_t(order.size());
        require(int64_t(X.shape(1)) == sizes_[0], "X has not the columns that the network needs");
        require(net_.trains && job_.update.rule != WRITE_OUT, "a network that does not train, or has no rule");
        const int64_t count = ends ? int64_t(ends->size()) : rows;
        if (ends) batch_size = largest_step(ends->data(), count);
        require(start >= 0 && batch_size > 0 && measure_every >= 0, "a count is too small");
        const int64_t left = count <= start ? 0 : ends ? count - start : (count - start - 1) / batch_size + 1;
        require(int64_t(rates.size()) >= std::min(left, most_steps), "rates has not one for each step");
        const int64_t *given_labels = data_of<const int64_t>(labels, examples);
        job_.X = X.data();
        job_.target = data_of<const T>(target, examples * sizes_.back());
        job_.weight = data_of<const T>(weight, examples);
        require_wanted(given_labels);
        require(most_points >= 0 && most_points < (int64_t(1) << 62) / net_.size(), "so many points");
        T *room = data_of<T>(points, most_points * net_.size());
        require(!training_.is_private() || (ends && !job_.weight && measure_every == 0), "no steps that can be private");
        job_.backward = true;
        net_.draw_from(dropout_);
        job_.first_row = 0;
        Progress done;
        done.place = start;
        done.loss = loss_so_far;
        done.weight = weight_so_far;
        {
            nb::gil_scoped_release released;
            done = training_.train({order.data(), ends ? ends->data() : nullptr, rows, count, batch_size, examples,
                                    given_labels, rates.data(), most_steps, seconds, threads, save, measure_every},
                                   done, room, room ? most_points : 0);
        }
        if (done.refused) throw std::invalid_argument(done.refused);
        if (done.host_failed && host_.error) std::rethrow_exception(host_.error);
        return {done.place, done.steps, done.loss, done.weight, done.diverged, done.saved};
    }

    const Net<T> &net() const { return net_; }
    int64_t size() const { return net_.size(); }
    // Back to a point that `train` has written: what stood before update number updates + 1
    void load_point(In<T> point, int64_t updates) {
        std::unique_lock<std::mutex> mine = lock();
        require(int64_t(point.size()) == net_.size(), "a point of another network");
        net_.restore(point.data());
        training_.begin_after(updates);
    }
    void restore() { training_.restore(); }
    void begin_after(int64_t updates) { training_.begin_after(updates); }
    int64_t updates() const { return training_.updates(); }
    double seconds_of_copy() const { return training_.seconds_of_copy(); }
    bool finite() const { return net_.finite(); }

    // How many steps were measured, and for each layer the sums over them
    std::pair<int64_t, std::vector<MeasuredLayer>> measured() const {
        std::vector<MeasuredLayer> rows;
        for (const Measured &m : training_.measures.layers()) {
            const auto of_hidden = [&](double sum) { return m.hidden ? std::optional(sum) : std::nullopt; };
            rows.emplace_back(of_hidden(m.grad_a), of_hidden(m.grad_h), m.grad_w, m.weight, m.update,
                              of_hidden(m.silent));
        }
        return {training_.measures.steps(), std::move(rows)};
    }

    // Go on from such sums, or without any from none
    void begin_measuring(int64_t steps, const std::vector<MeasuredLayer> &rows) {
        std::unique_lock<std::mutex> mine = lock();
        require(steps >= 0 && (steps ? rows.size() == sizes_.size() - 1 : rows.empty()), "sums of other layers");
        std::vector<Measured> layers;
        for (const auto &[grad_a, grad_h, grad_w, weight, update, silent] : rows) {
            layers.push_back({grad_a.value_or(0), grad_h.value_or(0), grad_w, weight, update, silent.value_or(0),
                              grad_a.has_value()});
        }
        training_.measures.begin(steps, layers);
    }

private:
    friend class PySweep;

    static const std::vector<int64_t> &usable(const std::vector<int64_t> &sizes) {
        require(sizes.size() >= 2, "a network has inputs and outputs");
        double entries = 0;
        for (size_t i = 0; i < sizes.size(); ++i) {
            require(sizes[i] > 0, "a layer has no units");
            entries += (double(sizes[i]) + 64) * (i ? double(sizes[i - 1]) + 64 : 1);
        }
        if (entries > 1e17) throw std::bad_alloc();  // beyond any memory, and still within int64
        return sizes;
    }

    // Of numbers that begin at 0; 1 at the least
    static int64_t largest_step(const int64_t *ends, int64_t count) {
        int64_t most = 1;
        for (int64_t k = 0; k < count; ++k) most = std::max(most, ends[k] - (k ? ends[k - 1] : 0));
        return most;
    }

    static int usable_states(int states) {
        require(states >= 0 && states <= MOST_STATES, "so many arrays of an optimizer");
        return states;
    }

    static std::vector<Activation> kinds_of(const std::vector<std::string> &names, size_t layers, size_t parameters) {
        require(names.size() == layers && parameters == layers, "an activation for each layer, the output's the last");
        std::vector<Activation> kinds;
        for (const std::string &name : names) kinds.push_back(activation_named(name));
        return kinds;
    }

    void check(int layer, size_t W, size_t b) const {
        require(layer >= 0 && layer < net_.depth(), "no such layer");
        require(int64_t(W) == sizes_[layer] * sizes_[layer + 1] && int64_t(b) == sizes_[layer + 1],
                "an array has not the size that the kernel needs");
    }

    void check_state(int which) const {
        require(net_.trains, "a network that does not train");
        require(which >= 1 && which <= net_.states, "no such array of the optimizer");
    }

    void check_levels(const std::vector<uint32_t> &levels) const {
        require(levels.size() + 2 == sizes_.size(), "dropout has not one level for each hidden layer");
        for (uint32_t level : levels) require(level < 65536, "a level of dropout is too high");
    }

    void require_wanted(const int64_t *labels) {  // by the loss: a target, or for softmax labels
        require(job_.target || (labels && job_.loss == CROSS_ENTROPY && net_.layer(job_.depth - 1).activation == SOFTMAX),
                "neither a target nor labels");
    }

    // Whether they fit, in copies that the kernels read: the caller may change the array at any time
    bool read_labels(nb::handle labels) {
        const int64_t *given = data_of<const int64_t>(labels, job_.batch);
        if (!given) return true;
        labels_.assign(given, given + job_.batch);
        job_.labels = labels_.data();
        return std::all_of(labels_.begin(), labels_.end(),
                           [&](int64_t label) { return label >= 0 && label < sizes_.back(); });
    }

    // Another thread of Python may be computing with this network
    std::unique_lock<std::mutex> lock() {
        std::mutex &mutex = mutex_.get();
        std::unique_lock<std::mutex> at_once(mutex, std::try_to_lock);
        if (at_once.owns_lock()) return at_once;
        nb::gil_scoped_release released;
        return std::unique_lock<std::mutex>(mutex);
    }

    void forget_wishes() {
        job_.order = nullptr;
        job_.labels = nullptr;
        job_.target = job_.weight = nullptr;
        job_.out_grad_x = nullptr;
        job_.measure = job_.norms = false;
        job_.parts = nullptr;
        job_.share = 1;
        job_.clipping = FLAT;
        job_.most_norm = 0;
        job_.deviation = 0;
        for (int i = 0; i < job_.depth; ++i) {
            Layer<T> &layer = net_.layer(i);
            layer.given_a = nullptr;
            layer.slope = layer.bend = nullptr;
            layer.out_a = layer.out_h = layer.out_grad_a = layer.out_grad_h = layer.out_grad_w = layer.out_grad_b =
                nullptr;
            layer.out_norm_h = layer.out_norm_a = nullptr;
        }
        job_.host_failed = false;
        host_.error = nullptr;
    }

    void begin(const Rows<T> &X, bool backward, const Drawn &dropout) {
        forget_wishes();
        Dropout drawn;
        if (dropout) std::tie(drawn.levels, drawn.seed, job_.step, job_.first_row) = *dropout;
        if (dropout) check_levels(drawn.levels);
        net_.draw_from(drawn);
        require(X.shape(0) > 0 && int64_t(X.shape(1)) == sizes_[0], "X has not the shape that the network needs");
        net_.make_room(int64_t(X.shape(0)));
        job_.X = X.data();
        job_.backward = job_.to_weights = backward;
    }

    void want(T *Layer<T>::*place, nb::handle arrays) {
        for (int i = 0; i < job_.depth && !arrays.is_none(); ++i)
            net_.layer(i).*place = data_of<T>(arrays[i], job_.batch * sizes_[i + 1]);
    }

    void want_sums(nb::handle grad_W, nb::handle grad_b) {
        for (int i = 0; i < job_.depth; ++i) {
            net_.layer(i).out_grad_w = data_of<T>(grad_W[i], sizes_[i] * sizes_[i + 1]);
            net_.layer(i).out_grad_b = data_of<T>(grad_b[i], sizes_[i + 1]);
        }
    }

    void finish(int threads) {
        {
            nb::gil_scoped_release released;
            scheduler_.once(threads);
        }
        if (host_.error) std::rethrow_exception(host_.error);
    }

    const std::vector<int64_t> sizes_;
    Net<T> net_;
    Job<T> &job_ = net_.job();
    Scheduler<T> scheduler_{net_};
    Training<T> training_{net_, scheduler_};
    Host<T> host_;
    Dropout dropout_;  // while training
    std::vector<int64_t> labels_;
    ForkedMutex mutex_;
};

}  // namespace backtalk
