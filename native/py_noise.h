// Noise for a sum that did not come of a step of the kernels, as Python calls it.
#pragma once
#include <cstring>
#include <string>

#include "py_net.h"

namespace backtalk {

// total + deviation * z in place, where z are the numbers of a layer of one output and so many inputs in this step
template <class T>
void add_noise(const std::string &variant, const Out<T> &total, const nb::bytes &key, uint32_t layer, uint64_t step,
               double deviation, double grid) {
    uint32_t words[8];
    require(key.size() == sizeof words, "a key has 32 bytes");
    require(double(total.size()) < 0x1p35, "too large a layer");  // 8 numbers from each of 2^32 blocks
    std::memcpy(words, key.data(), sizeof words);
    const uint32_t nonce[3] = {layer, uint32_t(step), uint32_t(step >> 32)};
    const Kernels<T> &kernels = kernels_named<T>(variant);
    nb::gil_scoped_release released;
    kernels.add_noise(total.data(), int64_t(total.size()), words, nonce, deviation, rounder_of<double>(grid));
}

}  // namespace backtalk
