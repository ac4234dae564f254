// The orders of the epochs: numpy.random.Generator.permutation by PCG64 (O'Neill 2014), number for number.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace backtalk {

__extension__ typedef unsigned __int128 State;

class Generator {
public:
    // `half`: the upper half of a number whose lower half was drawn, if there is one
    void stand_at(State state, State increment, bool has_half, uint32_t half) {
        state_ = state, increment_ = increment, has_half_ = has_half, half_ = half;
    }

    // 0 ... count - 1, shuffled from the end (Fisher and Yates)
    std::vector<int64_t> permutation(int64_t count) {
        std::vector<int64_t> order(count);
        for (int64_t n = 0; n < count; ++n) order[n] = n;
        for (int64_t n = count - 1; n > 0; --n) std::swap(order[n], order[up_to(uint64_t(n))]);
        return order;
    }

    // Any number of 64 bits
    uint64_t next() {
        constexpr State MULTIPLIER = State(0x2360ED051FC65DA4) << 64 | 0x4385DF649FCCF645;
        state_ = state_ * MULTIPLIER + increment_;
        const uint64_t folded = uint64_t(state_ >> 64) ^ uint64_t(state_);
        const unsigned turn = unsigned(state_ >> 122);
        return folded >> turn | folded << (-turn & 63);
    }

private:
    // From 0 to most: as many bits as that has, drawn until they are not above it
    uint64_t up_to(uint64_t most) {
        const uint64_t mask = ~uint64_t(0) >> __builtin_clzll(most);
        for (;;) {
            const uint64_t value = (most <= UINT32_MAX ? next_half() : next()) & mask;
            if (value <= most) return value;
        }
    }

    uint32_t next_half() {
        has_half_ = !has_half_;
        if (!has_half_) return half_;
        const uint64_t whole = next();
        half_ = uint32_t(whole >> 32);
        return uint32_t(whole);
    }

    State state_ = 0, increment_ = 1;
    bool has_half_ = false;
    uint32_t half_ = 0;
};

}  // namespace backtalk
