// The caller's arrays: checked, and read or written where they lie.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <optional>
#include <stdexcept>
#include <type_traits>

namespace backtalk {

namespace nb = nanobind;

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Rows = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// What data_of reads, under the type that the stub shows: handed over without the cost of a cast, or None
template <class T>
using Array = nb::typed<nb::object, nb::ndarray<nb::numpy, T>>;
template <class T>
using Sequence = nb::typed<nb::object, nb::typed<nb::sequence, nb::ndarray<nb::numpy, T>>>;
template <class T>
using Optionals = nb::typed<nb::object, nb::typed<nb::sequence, std::optional<nb::ndarray<nb::numpy, T>>>>;
template <class T>
using Function = // of a layer, whether its derivative is wanted, and a
    nb::typed<nb::object, nb::typed<nb::callable, nb::ndarray<nb::numpy, T>(int, bool, nb::ndarray<nb::numpy, T>)>>;

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

}  // namespace backtalk
