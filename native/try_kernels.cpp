// Tries the kernels without Python, on systems for which there is a cross compiler and an emulator: cmake -S native
// -D WITHOUT_PYTHON=ON. For each build that runs there: gradients against differences of the loss, float against double,
// training on one thread against several. `make cross` runs it.
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "dispatch.h"
#include "names.h"
#include "predictor.h"
#include "training.h"

using namespace backtalk;

namespace {

constexpr int64_t BATCH = 50, INPUTS = 7, OUTPUTS = 3;

template <class T>
const Kernels<T> &kernels_of(const Variant &variant) {
    if constexpr (std::is_same_v<T, float>) return *variant.f32;
    else return *variant.f64;
}

struct Case {
    std::vector<Activation> activations;
    Loss loss;
};

const Case CASES[] = {
    {{TANH, GELU, SOFTMAX}, CROSS_ENTROPY},
    {{SOFTPLUS, MISH, SIGMOID}, BINARY_CROSS_ENTROPY},
    {{ELU, SILU, EXPONENTIAL}, POISSON_DEVIANCE},
    {{SIGMOID, GELU_TANH, IDENTITY}, SQUARED_ERROR},
};

// Numbers in [-1, 1) that are the same everywhere: distributions are left to the library
std::vector<double> draw(size_t count, unsigned seed) {
    std::mt19937 bits(seed);
    std::vector<double> values(count);
    for (double &value : values) value = double(bits()) / 2147483648.0 - 1;
    return values;
}

template <class T>
class Trial {
public:
    Trial(const Variant &variant, const Case &tried, int states, int threads)
        : sizes_{INPUTS, 33, 17, OUTPUTS}, threads_(threads),
          net_(kernels_of<T>(variant), sizes_, tried.activations, {1, 1, 1}, tried.loss, 1, {}, states > 0, states, false) {
        const std::vector<double> x = draw(BATCH * INPUTS, 1), y = draw(BATCH * OUTPUTS, 2);
        X_.assign(x.begin(), x.end());
        for (double value : y) target_.push_back(T(value > 0));
        for (int64_t n = 0; n < BATCH && tried.loss == CROSS_ENTROPY; ++n)  // a distribution
            for (int64_t j = 0; j < OUTPUTS; ++j) target_[n * OUTPUTS + j] = T(n % OUTPUTS == j);
        for (int i = 0; i < 3; ++i) {
            const std::vector<double> w = draw(sizes_[i] * sizes_[i + 1], 10 + i), b = draw(sizes_[i + 1], 20 + i);
            W.emplace_back(w.begin(), w.end());
            this->b.emplace_back(b.begin(), b.end());
            for (T &value : W.back()) value /= T(std::sqrt(double(sizes_[i])));
        }
        pack();
        Job<T> &job = net_.job();
        job.X = X_.data();
        job.target = target_.data();
        job.weight_sum = BATCH;
        job.share = 1;
        job.backward = true;
    }

    double loss(bool with_gradients) {
        pack();
        Job<T> &job = net_.job();
        net_.make_room(BATCH);
        job.to_weights = with_gradients;
        grad_W.resize(3), grad_b.resize(3);
        for (int i = 0; i < 3; ++i) {
            grad_W[i].resize(W[i].size()), grad_b[i].resize(b[i].size());
            net_.layer(i).out_grad_w = grad_W[i].data();
            net_.layer(i).out_grad_b = grad_b[i].data();
        }
        scheduler_.once(threads_);
        double sum = 0;
        for (int64_t n = 0; n < BATCH; ++n) sum += double(job.losses[n]);
        return sum;
    }

    // Adam with dropout for so many steps; leaves the weights in W and b
    void train(int64_t steps) {
        training_.set_update({ADAM, 0, 0.9, 0.999, 1e-8});
        net_.draw_from({{6553, 6553}, 5});
        std::vector<int64_t> order;
        for (int64_t n = 0; n < steps * BATCH; ++n) order.push_back(n % BATCH);
        const std::vector<double> rates(steps, 0.005);
        const int64_t rows = int64_t(order.size());
        training_.train({order.data(), nullptr, rows, rows, BATCH, BATCH, nullptr, rates.data(), steps, 1e9, threads_,
                         false, 0}, {}, nullptr, 0);
        for (int i = 0; i < 3; ++i) net_.unpack(i, W[i].data(), b[i].data());
        net_.draw_from({});
    }

    // yhat of all rows
    std::vector<T> predict(Predictor<T> &predictor) const {
        std::vector<T> yhat(BATCH * OUTPUTS);
        predictor.predict(X_.data(), BATCH, nullptr, yhat.data(), threads_);
        return yhat;
    }
    const Net<T> &net() const { return net_; }

    std::vector<std::vector<T>> W, b, grad_W, grad_b;

private:
    void pack() {
        for (int i = 0; i < 3; ++i) net_.pack(i, W[i].data(), b[i].data());
    }

    const std::vector<int64_t> sizes_;
    const int threads_;
    Net<T> net_;
    Scheduler<T> scheduler_{net_};
    Training<T> training_{net_, scheduler_};
    std::vector<T> X_, target_;
};

// The largest deviation of two lists of arrays, relative to the largest entry
template <class S, class T>
double deviation(const std::vector<std::vector<S>> &some, const std::vector<std::vector<T>> &others) {
    double most = 0, largest = 1e-30;
    for (size_t i = 0; i < some.size(); ++i)
        for (size_t k = 0; k < some[i].size(); ++k) {
            const double difference = std::fabs(double(some[i][k]) - double(others[i][k]));
            most = difference <= most ? most : difference;  // NaN too
            largest = std::max(largest, std::fabs(double(others[i][k])));
        }
    return most / largest;
}

std::string name_of(Loss loss) {
    for (const Named<Loss> &each : LOSSES)
        if (each.kind == loss) return each.name;
    return "";
}

bool failed = false;

void expect(const Variant &variant, const std::string &what, double error, double most) {
    const bool fits = error <= most;
    failed |= !fits;
    std::printf("%-10s %-58s %8.1e  %s\n", variant.name, what.c_str(), error, fits ? "ok" : "FAILED");
}

// Central differences of the loss, for some weights of each layer
double error_of_gradient(Trial<double> &trial) {
    const double step = 1e-5;
    std::vector<std::vector<double>> differences(3), gradients(3);
    trial.loss(true);
    const auto kept = trial.grad_W;
    for (int i = 0; i < 3; ++i)
        for (size_t k = 0; k < trial.W[i].size(); k += 7) {
            double &w = trial.W[i][k];
            const double value = w;
            w = value + step;
            const double above = trial.loss(false);
            w = value - step;
            const double below = trial.loss(false);
            w = value;
            differences[i].push_back((above - below) / (2 * step));
            gradients[i].push_back(kept[i][k]);
        }
    return deviation(gradients, differences);
}

void try_all(const Variant &variant) {
    for (const Case &tried : CASES) {
        const std::string name = name_of(tried.loss);
        Trial<double> exact(variant, tried, 0, 2);
        Trial<float> rough(variant, tried, 0, 2);
        expect(variant, name + ": gradient against differences", error_of_gradient(exact), 1e-7);
        exact.loss(true), rough.loss(true);
        expect(variant, name + ": float against double", deviation(rough.grad_W, exact.grad_W), 1e-4);
        Trial<double> one(variant, tried, 2, 1), several(variant, tried, 2, 4);
        const double before = one.loss(false);
        one.train(100), several.train(100);
        const double after = one.loss(false);
        expect(variant, name + ": trained on four threads against one", deviation(several.W, one.W), 0);
        expect(variant, name + ": loss after 100 steps over that before", after / before, 0.9);
        std::printf("%-10s %s: loss %.12g, then %.12g\n", variant.name, name.c_str(), before, after);
    }
}

// Threads of the caller that train, each its own network, and predict by one, at once: as each does alone
void try_together(const Variant &variant) {
    Trial<float> alone(variant, CASES[0], 2, 2), shared(variant, CASES[1], 0, 2);
    alone.train(50);
    Predictor<float> predictor(shared.net(), BATCH, 2);
    const std::vector<float> expected = shared.predict(predictor);
    double errors[4];
    std::vector<std::thread> callers;
    for (double &error : errors)
        callers.emplace_back([&] {
            Trial<float> own(variant, CASES[0], 2, 2);
            own.train(50);
            error = deviation(own.W, alone.W);
            for (int k = 0; k < 50; ++k) error += shared.predict(predictor) == expected ? 0 : 1;
        });
    for (std::thread &caller : callers) caller.join();
    for (double error : errors) expect(variant, "four callers at once against one", error, 0);
}

}  // namespace

int main() {
    std::printf("%d processors\n", processors());
    for (const Variant &variant : variants()) {
        if (variant.runs_here()) {
            try_all(variant);
            try_together(variant);
        } else std::printf("%-10s does not run here\n", variant.name);
    }
    return failed;
}
