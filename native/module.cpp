// The Python face of the kernels: arrays in, arrays filled, the GIL released in between.
// engines/native.py is its only caller, and has checked every shape, dtype and value.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "dispatch.h"
#include "net.h"

namespace nb = nanobind;
using namespace backtalk;

namespace {

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Rows = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
const Kernels<T> &kernels_named(const std::string &name);
template <>
const Kernels<float> &kernels_named(const std::string &name) {
    for (const Variant &variant : variants())
        if (variant.name == name) return *variant.single;
    throw std::invalid_argument(name);
}
template <>
const Kernels<double> &kernels_named(const std::string &name) {
    for (const Variant &variant : variants())
        if (variant.name == name) return *variant.twice;
    throw std::invalid_argument(name);
}

inline void require(bool fits, const char *what) {
    if (!fits) throw std::invalid_argument(what);
}

template <class T>
bool has_format(const char *format) {
    if (format[0] == 0 || format[1] != 0) return false;
    if (std::is_same_v<T, float>) return format[0] == 'f';
    if (std::is_same_v<T, double>) return format[0] == 'd';
    return sizeof(long) == 8 ? format[0] == 'l' || format[0] == 'q' : format[0] == 'q';
}

// The data of an optional array, which must be of this dtype (a converted copy would not outlive this function) and
// have so many entries: what is written through it stays inside
template <class T>
T *data_of(nb::handle array, int64_t size) {
    if (array.is_none()) return nullptr;
    Py_buffer view;  // the buffer protocol, since what a small network asks of Python must cost little
    const int writable = std::is_const_v<T> ? 0 : PyBUF_WRITABLE;
    if (PyObject_GetBuffer(array.ptr(), &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | writable)) nb::raise_python_error();
    T *data = static_cast<T *>(view.buf);
    const bool fits = view.len == size * int64_t(sizeof(T));
    const bool same = view.format && has_format<std::remove_const_t<T>>(view.format) &&
                      reinterpret_cast<uintptr_t>(data) % alignof(T) == 0;
    PyBuffer_Release(&view);  // the memory stays as long as the caller holds the array
    require(same, "an array is not of the dtype that the kernel needs, or not aligned");
    require(fits, "an array has not the size that the kernel needs");
    return data;
}

template <class T>
bool all_finite(const T *values, size_t size) {
    // x * 0 is 0 for a finite x and NaN otherwise
    T sums[16] = {};
    size_t n = 0;
    for (; n + 16 <= size; n += 16)
        for (size_t lane = 0; lane < 16; ++lane) sums[lane] += values[n + lane] * T(0);
    for (; n < size; ++n) sums[0] += values[n] * T(0);
    T sum = 0;
    for (T part : sums) sum += part;
    return sum == T(0);
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

template <class T>
class PyNet : public Net<T> {
public:
    PyNet(const std::string &variant, const std::vector<int64_t> &sizes, const std::vector<int> &activations,
          const std::vector<double> &parameters, int loss, double loss_parameter, bool trains, bool input_gradient,
          nb::object host)
        : Net<T>(kernels_named<T>(variant), usable(sizes), activations, parameters, loss, loss_parameter, trains,
                 input_gradient),
          sizes_(sizes),
          host_{host, &sizes_, nullptr},
          trains_(trains) {
        require(loss >= CROSS_ENTROPY && loss <= POISSON_DEVIANCE, "no such loss");
        for (int activation : activations)
            require(activation >= IDENTITY && activation <= HOST, "no such activation");
        require(!this->hosted() || !host.is_none(), "nothing computes the activation");
        this->job().host = &Host<T>::call;
        this->job().host_context = &host_;
    }

    void pack(int layer, In<T> W, In<T> b) {
        check(layer, W.size(), b.size());
        Net<T>::pack(layer, W.data(), b.data());
    }

    void unpack(int layer, Out<T> W, Out<T> b) {
        check(layer, W.size(), b.size());
        Net<T>::unpack(layer, W.data(), b.data());
    }

    void pack_state(int layer, int which, In<T> W, In<T> b) {
        check(layer, W.size(), b.size());
        check_state(which);
        Net<T>::pack_state(layer, which, W.data(), b.data());
    }

    void unpack_state(int layer, int which, Out<T> W, Out<T> b) {
        check(layer, W.size(), b.size());
        check_state(which);
        Net<T>::unpack_state(layer, which, W.data(), b.data());
    }

    // a, h: lists for layers 1 ... L, filled; or None. dropout: (levels, seed, step, number of the first row), or None
    void forward(Rows<T> X, nb::object a, nb::object h, int threads, nb::object dropout) {
        std::unique_lock<std::mutex> mine = lock();
        Job<T> &job = this->job();
        begin(X, false, dropout);
        want(&Layer<T>::out_a, a);
        want(&Layer<T>::out_h, h);
        finish(threads, mine);
    }

    // grad_a, grad_W, grad_b: lists for layers 1 ... L; grad_h: for 0 ... L; all filled. given_a: a list, or None.
    // Gives the loss; or None, and nothing is computed, where X is not finite or a label is none of the outputs.
    nb::object gradients(Rows<T> X, nb::object given_a, nb::object labels, nb::object target, nb::object weight,
                     double weight_sum, nb::list grad_a, nb::list grad_h, nb::list grad_W, nb::list grad_b,
                     int threads, nb::object dropout) {
        std::unique_lock<std::mutex> mine = lock();
        Job<T> &job = this->job();
        begin(X, true, dropout);
        const int64_t batch = job.batch;
        job.labels = data_of<const int64_t>(labels, batch);
        if (!all_finite(X.data(), X.size()) || !labels_fit(job.labels, batch)) return nb::none();
        job.target = data_of<const T>(target, batch * sizes_.back());
        job.weight = data_of<const T>(weight, batch);
        job.weight_sum = weight_sum;
        require_wanted();
        const size_t depth = size_t(job.depth);
        require(grad_a.size() == depth && grad_h.size() == depth + 1 && grad_W.size() == depth &&
                    grad_b.size() == depth,
                "a list has not one array for each layer");
        for (int i = 0; i < job.depth && !given_a.is_none(); ++i)
            this->layer(i).given_a = data_of<const T>(given_a[i], batch * sizes_[i + 1]);
        want(&Layer<T>::out_grad_a, grad_a);
        require(!trains_, "a network in training has no gradient of its inputs");
        job.out_grad_x = data_of<T>(grad_h[0], batch * sizes_[0]);
        for (int i = 0; i < job.depth; ++i) {
            this->layer(i).out_grad_h = data_of<T>(grad_h[i + 1], batch * sizes_[i + 1]);
        }
        want_sums(grad_W, grad_b);
        finish(threads, mine);
        double loss = 0;
        for (int64_t n = 0; n < batch; ++n) loss += double(job.losses[n]);
        return nb::float_(loss);
    }

    // Of each example's own loss: h, grad_a: lists for layers 1 ... L, where None is not wanted; norms_h, norms_a: of
    // h_{i-1} and grad_{a_i}, in double; losses. And grad_W, grad_b: sums over the examples, each times its part and
    // scaled down to most_norm. All but losses, or None.
    void pairs(Rows<T> X, nb::object labels, nb::object target, nb::object h, nb::object grad_a, nb::object norms_h,
               nb::object norms_a, nb::object losses, nb::object grad_W, nb::object grad_b, nb::object parts,
               double most_norm, int threads) {
        std::unique_lock<std::mutex> mine = lock();
        Job<T> &job = this->job();
        begin(X, true, nb::none());
        const int64_t batch = job.batch;
        job.labels = data_of<const int64_t>(labels, batch);
        if (!labels_fit(job.labels, batch)) throw std::invalid_argument("a label is none of the outputs");
        job.target = data_of<const T>(target, batch * sizes_.back());
        require_wanted();
        job.weight_sum = 1;
        want(&Layer<T>::out_h, h);
        want(&Layer<T>::out_grad_a, grad_a);
        job.norms = !norms_h.is_none();
        for (int i = 0; i < job.depth && job.norms; ++i) {
            this->layer(i).out_norm_h = data_of<double>(norms_h[i], batch);
            this->layer(i).out_norm_a = data_of<double>(norms_a[i], batch);
        }
        job.to_weights = !grad_W.is_none();
        if (job.to_weights) want_sums(grad_W, grad_b);
        job.parts = data_of<const double>(parts, batch);
        job.most_norm = most_norm;
        T *kept = data_of<T>(losses, batch);
        require(kept && (job.norms || (!job.parts && most_norm == 0)), "parts follow from norms");
        finish(threads, mine);
        std::copy(job.losses, job.losses + batch, kept);
    }

    void set_update(int rule, double momentum, double beta_1, double beta_2, double epsilon, bool epsilon_hat,
                    double l2_penalty, bool l2_per_weight, double weight_decay, double clip_norm, bool loss_by_count) {
        require(rule > WRITE_OUT && rule <= ADAM, "no such rule");
        Net<T>::set_update({Rule(rule), momentum, beta_1, beta_2, epsilon, epsilon_hat, l2_penalty, l2_per_weight,
                            weight_decay, clip_norm, loss_by_count});
    }

    // For the steps of training, whose numbers are those of the updates
    void set_dropout(const std::vector<uint32_t> &levels, uint64_t seed) {
        check_levels(levels);
        dropout_ = {levels, seed};
    }

    // loss, weight: the sums so far. Gives (examples done, steps, loss, weight, diverged, saved)
    nb::tuple train(Rows<T> X, nb::object labels, nb::object target, nb::object weight, In<int64_t> order, int64_t start,
                    int64_t batch_size, In<double> rates, int64_t most_steps, double seconds, double loss_so_far,
                    double weight_so_far, int threads, bool save, int64_t measure_every) {
        std::unique_lock<std::mutex> mine = lock();
        Job<T> &job = this->job();
        forget_wishes();
        const int64_t examples = int64_t(X.shape(0)), count = int64_t(order.size());
        require(int64_t(X.shape(1)) == sizes_[0], "X has not the columns that the network needs");
        require(trains_ && job.update.rule != WRITE_OUT, "a network that does not train, or has no rule");
        require(start >= 0 && batch_size > 0 && measure_every >= 0, "a count is too small");
        const int64_t left = count > start ? (count - start - 1) / batch_size + 1 : 0;
        require(int64_t(rates.size()) >= std::min(left, most_steps), "rates has not one for each step");
        for (int64_t n = 0; n < count; ++n)
            if (order.data()[n] < 0 || order.data()[n] >= examples) throw std::invalid_argument("order leaves X");
        job.X = X.data();
        job.labels = data_of<const int64_t>(labels, examples);
        if (!labels_fit(job.labels, examples)) throw std::invalid_argument("a label is none of the outputs");
        job.target = data_of<const T>(target, examples * sizes_.back());
        job.weight = data_of<const T>(weight, examples);
        require_wanted();
        job.backward = true;
        job.host_failed = false;
        host_.error = nullptr;
        this->draw_from(dropout_);
        job.first_row = 0;
        Progress done;
        done.examples = start;
        done.loss = loss_so_far;
        done.weight = weight_so_far;
        {
            nb::gil_scoped_release released;
            done = Net<T>::train({order.data(), count, batch_size, rates.data()}, done, most_steps, seconds, threads,
                                 save, measure_every);
        }
        if (done.host_failed && host_.error) std::rethrow_exception(host_.error);
        return nb::make_tuple(done.examples, done.steps, done.loss, done.weight, done.diverged, done.saved);
    }

    // for each layer: the means over the measured steps; then they are forgotten
    nb::list measures() {
        nb::list rows;
        const double steps = double(this->measured_steps());
        for (const Measured &m : this->measured()) {
            if (!steps) break;
            nb::dict row;
            row["grad_a"] = m.hidden ? nb::cast(m.grad_a / steps) : nb::none();
            row["grad_h"] = m.hidden ? nb::cast(m.grad_h / steps) : nb::none();
            row["silent"] = m.hidden ? nb::cast(m.silent / steps) : nb::none();
            row["grad_W"] = m.grad_w / steps;
            row["W"] = m.weight / steps;
            row["update"] = m.update / steps;
            rows.append(row);
        }
        this->forget_measures();
        return rows;
    }

private:
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

    void check(int layer, size_t W, size_t b) const {
        require(layer >= 0 && layer < this->depth(), "no such layer");
        require(int64_t(W) == sizes_[layer] * sizes_[layer + 1] && int64_t(b) == sizes_[layer + 1],
                "an array has not the size that the kernel needs");
    }

    void check_state(int which) const {
        require(trains_, "a network that does not train");
        require(which == 1 || which == 2, "no such array of the optimizer");
    }

    void check_levels(const std::vector<uint32_t> &levels) const {
        require(levels.size() + 2 == sizes_.size(), "dropout has not one level for each hidden layer");
        for (uint32_t level : levels) require(level < 65536, "a level of dropout is too high");
    }

    void require_wanted() {  // by the loss: a target, or for softmax labels
        const Job<T> &job = this->job();
        require(job.target || (job.labels && job.loss == CROSS_ENTROPY), "neither a target nor labels");
    }

    bool labels_fit(const int64_t *labels, int64_t count) const {
        for (int64_t n = 0; labels && n < count; ++n)
            if (labels[n] < 0 || labels[n] >= sizes_.back()) return false;
        return true;
    }

    // Another thread of Python may be computing with this network
    std::unique_lock<std::mutex> lock() {
        std::mutex &mutex = this->mutex();
        std::unique_lock<std::mutex> at_once(mutex, std::try_to_lock);
        if (at_once.owns_lock()) return at_once;
        nb::gil_scoped_release released;
        return std::unique_lock<std::mutex>(mutex);
    }

    void forget_wishes() {
        Job<T> &job = this->job();
        job.order = nullptr;
        job.labels = nullptr;
        job.target = job.weight = nullptr;
        job.out_grad_x = nullptr;
        job.measure = job.norms = false;
        job.parts = nullptr;
        job.most_norm = 0;
        for (int i = 0; i < job.depth; ++i) {
            Layer<T> &layer = this->layer(i);
            layer.given_a = nullptr;
            layer.out_a = layer.out_h = layer.out_grad_a = layer.out_grad_h = layer.out_grad_w = layer.out_grad_b =
                nullptr;
            layer.out_norm_h = layer.out_norm_a = nullptr;
        }
    }

    void begin(const Rows<T> &X, bool backward, nb::handle dropout) {
        Job<T> &job = this->job();
        forget_wishes();
        Dropout drawn;
        if (!dropout.is_none()) {
            drawn = {nb::cast<std::vector<uint32_t>>(dropout[0]), nb::cast<uint64_t>(dropout[1])};
            check_levels(drawn.levels);
            job.step = nb::cast<uint64_t>(dropout[2]);
            job.first_row = nb::cast<int64_t>(dropout[3]);
        }
        this->draw_from(drawn);
        require(X.shape(0) > 0 && int64_t(X.shape(1)) == sizes_[0], "X has not the shape that the network needs");
        this->make_room(int64_t(X.shape(0)));
        job.X = X.data();
        job.backward = job.to_weights = backward;
        job.host_failed = false;
        host_.error = nullptr;
    }

    void want(T *Layer<T>::*place, nb::object arrays) {
        Job<T> &job = this->job();
        for (int i = 0; i < job.depth && !arrays.is_none(); ++i)
            this->layer(i).*place = data_of<T>(arrays[i], job.batch * sizes_[i + 1]);
    }

    void want_sums(nb::handle grad_W, nb::handle grad_b) {
        for (int i = 0; i < this->depth(); ++i) {
            this->layer(i).out_grad_w = data_of<T>(grad_W[i], sizes_[i] * sizes_[i + 1]);
            this->layer(i).out_grad_b = data_of<T>(grad_b[i], sizes_[i + 1]);
        }
    }

    void finish(int threads, std::unique_lock<std::mutex> &) {
        {
            nb::gil_scoped_release released;
            this->once(threads);
        }
        if (host_.error) std::rethrow_exception(host_.error);
    }

    const std::vector<int64_t> sizes_;
    Host<T> host_;
    Dropout dropout_;  // while training
    const bool trains_;
};

template <class T>
void bind(nb::module_ &m, const char *name) {
    using N = PyNet<T>;
    nb::class_<N>(m, name)
        .def(nb::init<const std::string &, const std::vector<int64_t> &, const std::vector<int> &,
                      const std::vector<double> &, int, double, bool, bool, nb::object>(),
             nb::arg("variant"), nb::arg("sizes"), nb::arg("activations"), nb::arg("parameters"), nb::arg("loss"),
             nb::arg("loss_parameter"), nb::arg("trains"), nb::arg("input_gradient"), nb::arg("host").none())
        .def("pack", &N::pack)
        .def("unpack", &N::unpack)
        .def("pack_state", &N::pack_state)
        .def("unpack_state", &N::unpack_state)
        .def("forward", &N::forward, nb::arg("X"), nb::arg("a").none(), nb::arg("h").none(), nb::arg("threads"),
             nb::arg("dropout") = nb::none())
        .def("gradients", &N::gradients, nb::arg("X"), nb::arg("given_a").none(), nb::arg("labels").none(),
             nb::arg("target").none(), nb::arg("weight").none(), nb::arg("weight_sum"), nb::arg("grad_a"),
             nb::arg("grad_h"), nb::arg("grad_W"), nb::arg("grad_b"), nb::arg("threads"),
             nb::arg("dropout") = nb::none())
        .def("pairs", &N::pairs, nb::arg("X"), nb::arg("labels").none(), nb::arg("target").none(), nb::arg("h").none(),
             nb::arg("grad_a").none(), nb::arg("norms_h").none(), nb::arg("norms_a").none(), nb::arg("losses"),
             nb::arg("grad_W").none(), nb::arg("grad_b").none(), nb::arg("parts").none(), nb::arg("most_norm"),
             nb::arg("threads"))
        .def("set_update", &N::set_update, nb::arg("rule"), nb::arg("momentum"), nb::arg("beta_1"), nb::arg("beta_2"),
             nb::arg("epsilon"), nb::arg("epsilon_hat"), nb::arg("l2_penalty"), nb::arg("l2_per_weight"),
             nb::arg("weight_decay"), nb::arg("clip_norm"), nb::arg("loss_by_count") = false)
        .def("set_dropout", &N::set_dropout, nb::arg("levels"), nb::arg("seed"))
        .def("train", &N::train, nb::arg("X"), nb::arg("labels").none(), nb::arg("target").none(),
             nb::arg("weight").none(), nb::arg("order"),
             nb::arg("start"), nb::arg("batch_size"), nb::arg("rates"), nb::arg("most_steps"), nb::arg("seconds"),
             nb::arg("loss"), nb::arg("weight_sum"), nb::arg("threads"), nb::arg("save"), nb::arg("measure_every"))
        .def("restore", &N::restore)
        .def("begin_after", &N::begin_after)
        .def("updates", &N::updates)
        .def("finite", &N::finite)
        .def("seconds_of_copy", &N::seconds_of_copy)
        .def("measures", &N::measures);
}

}  // namespace

// By this name threadpoolctl knows the library
extern "C" __attribute__((visibility("default"))) int backtalk_kernels() { return 1; }

NB_MODULE(_native, m) {
    nb::set_leak_warnings(false);
    watch_forks();
    bind<float>(m, "Net32");
    bind<double>(m, "Net64");
    m.def("processors", &processors);
    m.def("variants", [] {
        std::vector<std::pair<std::string, bool>> table;
        for (const Variant &variant : variants()) table.emplace_back(variant.name, variant.runs_here());
        return table;
    });
}
