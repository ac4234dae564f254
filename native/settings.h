// What training is told, and what it tells. Plain data.
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "types.h"

namespace backtalk {

// What the steps of training are told once, in double: each step rounds its own scalars from it
struct Settings {
    Rule rule = WRITE_OUT;
    double momentum = 0, beta_1 = 0, beta_2 = 0, epsilon = 0;
    double momentum_decay = 0;  // NADAM
    bool epsilon_hat = false;  // ADAM: epsilon stands beside the root of v before it is corrected
    bool corrects = true;  // ADAM: m and v, which begin at 0
    double l2_penalty = 0;
    bool l2_per_weight = false;  // the penalty is divided by the weight of the batch
    double weight_decay = 0, clip_norm = 0;  // no clipping where it is 0
    bool loss_by_count = false;  // in the sums of losses a batch counts by its examples, and not by its weight
};

// Which hidden units fall silent; without levels, none do
struct Dropout {
    std::vector<uint32_t> levels;  // of each hidden layer, in units of 1/65536
    uint64_t seed = 0;
};

// What makes the steps private; none are where most_norm is 0
struct Privacy {
    Clipping clipping = FLAT;
    double most_norm = 0;   // C
    double deviation = 0;   // of the noise in each entry of the gradient
    double grid = 0;        // noisy entries are multiples of it
    double batch_size = 1;  // that is expected: the sum of the clipped gradients is divided by it
    std::array<uint32_t, 8> key{};
};

// The number whose last digit is one step of the grid
template <class T>
constexpr T rounder_of(double grid) {
    return T(grid / std::numeric_limits<T>::epsilon());
}

// What one call of train may do. Its arrays are the caller's: nothing in them is trusted.
struct Call {
    const int64_t *order;  // rows of the examples
    const int64_t *ends;   // of each batch in the order, or null: each has batch_size rows, and the last one the rest
    int64_t rows;          // of the order
    int64_t count;         // places in it: rows, or batches where they have ends
    int64_t batch_size;    // the most rows of a batch
    int64_t examples;       // rows of X
    const int64_t *labels;  // of the examples, or null
    const double *rates;    // the learning rate of each update that it may make
    int64_t most_steps;
    double seconds;
    int threads;
    bool save;              // the parameters, as they are before its first update
    int64_t measure_every;  // steps, or 0
};

struct Progress {
    int64_t place = 0;     // in the order, up to which it is done
    int64_t steps = 0;     // updates made in this call
    double loss = 0;       // sum over the batches of the mean loss times the weight, from what the caller had so far
    double weight = 0;     // sum of the weights of the batches, likewise; with loss_by_count, of their examples
    bool diverged = false; // the loss of the next step is not finite; its update was not made
    bool saved = false;    // the snapshot was replaced, by the parameters at the beginning of this call
    bool host_failed = false;
    const char *refused = nullptr;  // why the next batch was not read
};

}  // namespace backtalk
