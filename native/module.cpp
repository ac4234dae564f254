// The Python module.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "py_net.h"
#include "py_noise.h"
#include "py_predictor.h"
#include "py_sweep.h"

namespace nb = nanobind;
using namespace backtalk;

namespace {

template <class T>
void bind(nb::module_ &m, const char *name) {
    using N = PyNet<T>;
    nb::class_<N>(m, name)
        .def(nb::init<const std::string &, const std::vector<int64_t> &, const std::vector<std::string> &,
                      const std::vector<double> &, const std::string &, double, bool, int, bool, Function<T>,
                      const std::vector<double> &>(),
             nb::arg("variant"), nb::arg("sizes"), nb::arg("activations"), nb::arg("parameters"), nb::arg("loss"),
             nb::arg("loss_parameter"), nb::arg("trains"), nb::arg("states"), nb::arg("input_gradient"),
             nb::arg("host").none(), nb::arg("levels") = std::vector<double>())
        .def("pack", &N::pack, nb::arg("layer"), nb::arg("W"), nb::arg("b"))
        .def("unpack", &N::unpack, nb::arg("layer"), nb::arg("W"), nb::arg("b"))
        .def("pack_state", &N::pack_state, nb::arg("layer"), nb::arg("which"), nb::arg("W"), nb::arg("b"))
        .def("unpack_state", &N::unpack_state, nb::arg("layer"), nb::arg("which"), nb::arg("W"), nb::arg("b"))
        .def("forward", &N::forward, nb::arg("X"), nb::arg("a").none(), nb::arg("h").none(), nb::arg("threads"),
             nb::arg("dropout") = nb::none())
        .def("gradients", &N::gradients, nb::arg("X"), nb::arg("given_a").none(), nb::arg("labels").none(),
             nb::arg("target").none(), nb::arg("weight").none(), nb::arg("weight_sum"), nb::arg("grad_a"),
             nb::arg("grad_h"), nb::arg("grad_W"), nb::arg("grad_b"), nb::arg("threads"),
             nb::arg("dropout") = nb::none())
        .def("pairs", &N::pairs, nb::arg("X"), nb::arg("labels").none(), nb::arg("target").none(), nb::arg("losses"),
             nb::arg("threads"), nb::arg("h") = nb::none(), nb::arg("grad_a") = nb::none(),
             nb::arg("norms_h") = nb::none(), nb::arg("norms_a") = nb::none(), nb::arg("grad_W") = nb::none(),
             nb::arg("grad_b") = nb::none(), nb::arg("parts") = nb::none(), nb::arg("most_norm") = 0.0)
        .def("set_update", &N::set_update, nb::arg("rule"), nb::arg("momentum"), nb::arg("beta_1"), nb::arg("beta_2"),
             nb::arg("epsilon"), nb::arg("momentum_decay"), nb::arg("epsilon_hat"), nb::arg("corrects"),
             nb::arg("l2_penalty"), nb::arg("l2_per_weight"), nb::arg("weight_decay"), nb::arg("clip_norm"),
             nb::arg("loss_by_count") = false)
        .def("set_privacy", &N::set_privacy, nb::arg("clipping"), nb::arg("max_norm"), nb::arg("deviation"),
             nb::arg("batch_size"), nb::arg("key"), nb::arg("grid"))
        .def("set_dropout", &N::set_dropout, nb::arg("levels"), nb::arg("seed"))
        .def("train", &N::train, nb::arg("X"), nb::arg("labels").none(), nb::arg("target").none(),
             nb::arg("weight").none(), nb::arg("order"), nb::arg("ends").none(), nb::arg("start"), nb::arg("batch_size"),
             nb::arg("rates"), nb::arg("most_steps"), nb::arg("seconds"), nb::arg("loss"), nb::arg("weight_sum"), nb::arg("threads"),
             nb::arg("save"), nb::arg("measure_every"), nb::arg("points") = nb::none(), nb::arg("most_points") = 0)
        .def("size", &N::size)
        .def("load_point", &N::load_point, nb::arg("point"), nb::arg("updates"))
        .def("restore", &N::restore)
        .def("begin_after", &N::begin_after, nb::arg("updates"))
        .def("updates", &N::updates)
        .def("finite", &N::finite)
        .def("seconds_of_copy", &N::seconds_of_copy)
        .def("measured", &N::measured)
        .def("begin_measuring", &N::begin_measuring, nb::arg("steps"), nb::arg("sums"));
}

template <class T>
void bind_predictor(nb::module_ &m, const char *name) {
    using P = PyPredictor<T>;
    nb::class_<P>(m, name)
        .def(nb::init<const PyNet<T> &, int64_t, int, nb::object, nb::object, nb::object>(), nb::keep_alive<1, 2>(),
             nb::arg("net"), nb::arg("rows"), nb::arg("rooms"), nb::arg("empty"), nb::arg("dtype"), nb::arg("threads"))
        .def("predict", &P::predict, nb::arg("x"), nb::arg("out").none(), nb::arg("a").none());
}

template <class T>
void bind_noise(nb::module_ &m) {  // an array of another dtype is none: a converted copy would get the noise
    m.def("add_noise", &add_noise<T>, nb::arg("variant"), nb::arg("total").noconvert(), nb::arg("key"), nb::arg("layer"),
          nb::arg("step"), nb::arg("deviation"), nb::arg("grid"));
}

void bind_sweep(nb::module_ &m) {
    nb::class_<PySweep> sweep(m, "Sweep");
    sweep.def(nb::init<PyNet<double> &, const std::string &, int64_t>(), nb::keep_alive<1, 2>(), nb::arg("net"),
              nb::arg("variant"), nb::arg("directions"))
        .def("pack_bars", &PySweep::pack_bars, nb::arg("W"), nb::arg("b"))
        .def("unpack_bars", &PySweep::unpack_bars, nb::arg("W"), nb::arg("b"))
        .def("product", &PySweep::product, nb::arg("X"), nb::arg("labels").none(), nb::arg("target").none(),
             nb::arg("weight").none(), nb::arg("V"), nb::arg("c"), nb::arg("W"), nb::arg("b"), nb::arg("slopes"),
             nb::arg("threads"), nb::arg("dropout") = nb::none());
    const auto back = [&](auto method) {
        sweep.def("back", method, nb::arg("source"), nb::arg("points"), nb::arg("left"), nb::arg("X"),
                  nb::arg("labels").none(), nb::arg("target").none(), nb::arg("weight").none(), nb::arg("rows"),
                  nb::arg("starts"), nb::arg("rates"), nb::arg("first"), nb::arg("updates_before"), nb::arg("by_example"),
                  nb::arg("by_rate"), nb::arg("by_penalty"), nb::arg("seconds"), nb::arg("threads"));
    };
    back(&PySweep::back<float>);
    back(&PySweep::back<double>);
}

// The table of names, each with the attribute of its parameter, or ""
template <class Kind, size_t COUNT>
std::vector<std::pair<std::string, std::string>> names_of(const Named<Kind> (&table)[COUNT]) {
    std::vector<std::pair<std::string, std::string>> names;
    for (const Named<Kind> &each : table) names.emplace_back(each.name, each.parameter);
    return names;
}

}  // namespace

// By this name threadpoolctl knows the library
extern "C" NB_EXPORT int backtalk_kernels() { return 1; }

NB_MODULE(_native, m) {
    nb::set_leak_warnings(false);
    watch_forks();
    bind<float>(m, "Net32");
    bind<double>(m, "Net64");
    bind_predictor<float>(m, "Predictor32");
    bind_predictor<double>(m, "Predictor64");
    bind_sweep(m);
    bind_noise<float>(m);
    bind_noise<double>(m);
    m.def("activations", [] { return names_of(ACTIVATIONS); });
    m.def("losses", [] { return names_of(LOSSES); });
    m.def("processors", &processors);
    m.def("ready_threads", [](int wanted) {  // fewer than wanted only if the system refuses to start them
        const int most = std::min(wanted, Net<float>::MOST_THREADS), ready = ready_threads(most);
        return ready < most ? ready : wanted;
    }, nb::arg("wanted"));
    m.def("variants", [] {
        std::vector<std::pair<std::string, bool>> table;
        for (const Variant &variant : variants()) table.emplace_back(variant.name, variant.runs_here());
        return table;
    });
}
