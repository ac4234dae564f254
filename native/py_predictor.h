// A predictor as Python sees it. A call of microseconds keeps the GIL and reads its arrays by the buffer protocol.
#pragma once
#include "predictor.h"
#include "py_net.h"

namespace backtalk {

// A contiguous array of T by the buffer protocol, or nothing where the object is none; no error stays set
template <class T>
class Contiguous {
public:
    Contiguous(nb::handle array, bool writable) {
        const int wanted = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        held_ = PyObject_GetBuffer(array.ptr(), &view_, wanted) == 0;
        if (!held_) PyErr_Clear();
    }
    ~Contiguous() {
        if (held_) PyBuffer_Release(&view_);
    }
    Contiguous(const Contiguous &) = delete;
    Contiguous &operator=(const Contiguous &) = delete;

    bool fits() const {
        return held_ && view_.format && has_format<T>(view_.format) && uintptr_t(view_.buf) % alignof(T) == 0;
    }
    int dimensions() const { return view_.ndim; }
    int64_t size(int dimension) const { return view_.shape[dimension]; }
    T *data() const { return static_cast<T *>(view_.buf); }
    bool meets(const Contiguous &other) const {
        const char *begin = static_cast<char *>(view_.buf), *its = static_cast<char *>(other.view_.buf);
        return begin < its + other.view_.len && its < begin + view_.len;
    }

private:
    Py_buffer view_;
    bool held_;
};

template <class T>
class PyPredictor {
public:
    // rooms: threads that can compute at once. empty: of NumPy; dtype: its argument; threads: a function that tells how
    // many a call may use
    PyPredictor(const PyNet<T> &net, int64_t rows, int rooms, nb::object empty, nb::object dtype, nb::object threads)
        : rows_(rows), inputs_(net.net().layers()[0].inputs), outputs_(net.net().layers().back().outputs),
          empty_(empty), dtype_(dtype), threads_(threads), shape_(nb::make_tuple(outputs_)),
          predictor_(checked(net, rows, rooms), rows, rooms) {}

    // yhat for one row (inputs) or some rows (rows, inputs); None if x, out or a are not contiguous arrays of this
    // dtype and these shapes, apart from one another, and nothing is written then. a: where a_L goes, or None
    nb::object predict(nb::handle x, nb::handle out, nb::handle a) {
        if (forks_.load(std::memory_order_acquire) != forks()) free_rooms();
        const Contiguous<T> in(x, false);
        if (!in.fits()) return nb::none();
        const int last = in.dimensions() - 1;
        if (last < 0 || last > 1 || in.size(last) != inputs_) return nb::none();
        const int64_t rows = last ? in.size(0) : 1;
        if (rows < 1 || rows > rows_) return nb::none();
        nb::object result = out.is_none() ? empty_(last ? nb::object(nb::make_tuple(rows, outputs_)) : shape_, dtype_)
                                          : nb::borrow(out);
        const Contiguous<T> to(result, true);
        if (!fits(to, in) || to.meets(in)) return nb::none();
        if (a.is_none()) return compute(in.data(), rows, nullptr, to.data()), result;
        const Contiguous<T> sums(a, true);
        if (!fits(sums, in) || sums.meets(in) || sums.meets(to)) return nb::none();
        return compute(in.data(), rows, sums.data(), to.data()), result;
    }

private:
    static const Net<T> &checked(const PyNet<T> &net, int64_t rows, int rooms) {
        require(rows >= 1 && rooms >= 1, "a count is too small");
        require(!net.net().hosted(), "a network whose activations somebody else computes");
        return net.net();
    }

    bool fits(const Contiguous<T> &to, const Contiguous<T> &in) const {
        return to.fits() && to.dimensions() == in.dimensions() && to.size(to.dimensions() - 1) == outputs_ &&
               (to.dimensions() == 1 || to.size(0) == in.size(0));
    }

    // Once, by the first thread that predicts in the child of a fork
    void free_rooms() {
        std::lock_guard<std::mutex> guard(mutex_.get());
        if (forks_.load(std::memory_order_relaxed) == forks()) return;
        predictor_.free_rooms();
        forks_.store(forks(), std::memory_order_release);
    }

    void compute(const T *X, int64_t rows, T *a, T *yhat) {
        if (predictor_.work() * double(rows) < Predictor<T>::WORK_OF_A_THREAD)
            return predictor_.predict(X, rows, a, yhat, 1);
        const int threads = nb::cast<int>(threads_());
        nb::gil_scoped_release released;
        predictor_.predict(X, rows, a, yhat, threads);
    }

    const int64_t rows_, inputs_, outputs_;
    nb::object empty_, dtype_, threads_, shape_;
    Predictor<T> predictor_;
    ForkedMutex mutex_;
    std::atomic<unsigned> forks_{forks()};
};

}  // namespace backtalk
