// What the driver and the kernels tell each other. Plain data: kernels.cpp is compiled once for each
// instruction set, and nothing that could be shared between two of them by the linker may stand here.
#pragma once
#include <cstdint>

namespace backtalk {

// The one table of what the kernels compute: the kind, its name in Python, and the attribute there that is its
// parameter, or "" where it has none. names.h makes the table that Python reads.
#define ACTIVATION_KINDS(KIND)                \
    KIND(IDENTITY, "identity", "")            \
    KIND(SIGMOID, "sigmoid", "")              \
    KIND(TANH, "tanh", "")                    \
    KIND(RELU, "relu", "")                    \
    KIND(LEAKY_RELU, "leaky_relu", "slope")   \
    KIND(ELU, "elu", "alpha")                 \
    KIND(SELU, "selu", "")                    \
    KIND(GELU, "gelu", "")                    \
    KIND(GELU_TANH, "gelu_tanh", "")          \
    KIND(SILU, "silu", "")                    \
    KIND(SOFTPLUS, "softplus", "")            \
    KIND(MISH, "mish", "")                    \
    KIND(EXPONENTIAL, "exp", "")              \
    KIND(HARD_SIGMOID, "hard_sigmoid", "")    \
    KIND(HARD_TANH, "hard_tanh", "")          \
    KIND(HARD_SWISH, "hard_swish", "")        \
    KIND(SOFTSIGN, "softsign", "")            \
    KIND(RELU6, "relu6", "")                  \
    KIND(CELU, "celu", "alpha")

#define LOSS_KINDS(KIND)                                      \
    KIND(CROSS_ENTROPY, "cross_entropy", "")                  \
    KIND(BINARY_CROSS_ENTROPY, "binary_cross_entropy", "")    \
    KIND(SQUARED_ERROR, "squared_error", "")                  \
    KIND(ABSOLUTE_ERROR, "absolute_error", "")                \
    KIND(HUBER, "huber", "delta")                             \
    KIND(POISSON_DEVIANCE, "poisson_deviance", "")            \
    KIND(KL_DIVERGENCE, "kl_divergence", "")                  \
    KIND(FOCAL, "focal", "gamma")                             \
    KIND(CATEGORICAL_HINGE, "categorical_hinge", "")          \
    KIND(QUANTILE, "quantile", "level")                       \
    KIND(QUANTILES, "quantiles", "levels")                    \
    KIND(GAUSSIAN_NLL, "gaussian_nll", "")

// The rules of the update: the kind, its name in Python, and how many arrays of the optimizer it keeps.
#define RULE_KINDS(KIND)                                    \
    KIND(SGD, "sgd", 0)                                     \
    KIND(MOMENTUM, "momentum", 1)                           \
    KIND(NESTEROV, "nesterov", 1)                           \
    KIND(ADAGRAD, "adagrad", 1)                             \
    KIND(RMSPROP, "rmsprop", 1)                             \
    KIND(RMSPROP_MOMENTUM, "rmsprop_momentum", 2)           \
    KIND(RMSPROP_CENTERED, "rmsprop_centered", 2)           \
    KIND(RMSPROP_BOTH, "rmsprop_centered_momentum", 3)      \
    KIND(ADADELTA, "adadelta", 2)                           \
    KIND(ADAM, "adam", 2)                                   \
    KIND(AMSGRAD, "amsgrad", 3)                             \
    KIND(ADAMAX, "adamax", 2)                               \
    KIND(NADAM, "nadam", 2)                                 \
    KIND(LION, "lion", 1)

// How the gradients of single examples are clipped: the kind, and its name in Python.
#define CLIPPING_KINDS(KIND)           \
    KIND(FLAT, "flat", "")             \
    KIND(PER_LAYER, "per_layer", "")   \
    KIND(AUTOMATIC, "automatic", "")

#define ENUMERATOR(kind, name, parameter) kind,
enum Activation : int {
    ACTIVATION_KINDS(ENUMERATOR)
    HOST,  // a user's own: the caller computes it
    SOFTMAX,  // of the last layer only, over all of its units
};
enum Loss : int { LOSS_KINDS(ENUMERATOR) };
enum Rule : int {
    WRITE_OUT,  // no update: the gradient is given out
    NORM,       // no update: only the squares of the gradient are added up, those of the biases too
    RULE_KINDS(ENUMERATOR)
};
enum Clipping : int { CLIPPING_KINDS(ENUMERATOR) };
#undef ENUMERATOR

// How many arrays of the optimizer a rule keeps
#define STATES_OF(kind, name, states) rule == kind ? states :
constexpr int states_of(Rule rule) { return RULE_KINDS(STATES_OF) 0; }
#undef STATES_OF
constexpr int MOST_STATES = 3;

// What an update adds up on the way, over one piece of W; in a step that is measured.
struct UpdateSums {
    double gradient, weight, update;  // squares of the entries of grad_W, of W before, and of what is added to it
};

constexpr int ROWS_OF_SCRATCH = 7;

// What the talk to the hidden units adds up on the way, over SUM_ROWS rows: the same rows for any number of threads.
constexpr int64_t SUM_ROWS = 32;
constexpr int64_t MOST_ROWS = 256;  // of a block, which one thread takes through all layers
struct UnitSums {
    double grad_a, grad_h;  // squares of the entries
};

template <class T>
struct Update {
    Rule rule;
    T learning_rate, momentum;
    T beta_1, beta_2, epsilon;             // shares of the running means: of the gradient, of its square
    T rest_1, rest_2;                      // 1 - beta_1, 1 - beta_2, rounded after the subtraction
    T step, root_correction;               // learning_rate/(1 - beta_1^t), 1/sqrt(1 - beta_2^t)
    T gradient_step;                       // NADAM: of the gradient itself, beside that of its running mean
    T l2_penalty, keep;                    // of the weights, which are first multiplied by keep; biases have neither
    T scale;                               // of the gradient, where it is clipped
    double norm_unit;                      // NORM: the gradient is multiplied by this before it is squared
};

// Every matrix stands in panels of NR columns: [panel][row][NR], so that each kernel reads straight ahead.
template <class T>
struct Layer {
    int64_t inputs, outputs;
    Activation activation;  // g of this layer, or the output function of the last one
    T parameter;          // of the activation
    uint32_t level;       // dropout: a unit whose draw of 16 bits is below it falls silent
    T scale;              // dropout: of the other units, 65536/(65536 - level)
    T *w;                 // W^T: [panels of outputs][inputs, rounded up][NR], for the forward product
    T *wt;                // W: [panels of inputs][outputs, rounded up][NR], for the talk to the layer below, or null
    T *b;                 // [panels of outputs][NR]
    T *w_state[MOST_STATES], *b_state[MOST_STATES];  // the optimizer's arrays, as w and b; null where there are fewer
    T *g, *g_b;           // grad W and grad b, as w and b, from the sweep for their norm on; null without clipping
    T *h;                 // h_i (a_L in the last layer): [panels of outputs][rows][NR]
    T *d;                 // g'(a_i), and then grad a_i, the same shape
    // for products with the Hessian, as h, or null. In the last layer slope holds yhat.
    T *slope;             // m_i * g'(a_i), where m_i is the mask of dropout
    T *bend;              // m_i * g''(a_i), and then times grad_{h_i}
    T *peak;              // max over a block of |g'(a_i)| for each unit, in [first chunk of the block][unit]
    UnitSums *unit_sums;  // [chunk of SUM_ROWS rows]
    UpdateSums *update_sums;  // [piece]
    // where the caller wants its results, row-major, or null
    const T *given_a;     // a_i that the caller already has: it is not computed again
    T *out_a, *out_h, *out_grad_a, *out_grad_h, *out_grad_w, *out_grad_b;
    double *out_norm_h, *out_norm_a;  // of each example's h_{i-1} and grad_{a_i}: the caller's, or a private step's own
};

template <class T>
struct Job {
    int depth;
    Layer<T> *layers;        // layers[i] is layer i + 1
    T *x;                    // h_0 in panels
    T *out_grad_x;           // grad h_0, row-major, or null
    int64_t batch;           // B
    int64_t rows;            // room for rows in each panel
    int64_t block;           // rows that go through all layers together, whole chunks of SUM_ROWS
    const T *X;              // the caller's examples, row-major, contiguous
    const int64_t *order;    // which row of X, target and weight is example n of the batch, or null: row n
    const T *target;         // (examples, k), or null where labels serve
    const int64_t *labels;   // of example n of the batch
    const T *weight;         // of each row of X, or null: all the same
    double weight_sum;       // w_n = weight / weight_sum
    Loss loss;
    T loss_parameter;        // such as delta of huber; label smoothing is in the target
    const T *levels;         // QUANTILES: of each output
    uint64_t seed, step;     // dropout: what the draws depend on, besides layer, row and unit
    int64_t first_row;       // dropout: the number that row 0 of this batch has in its draws
    T *losses;               // w_n * l_n, [batch]
    bool backward;           // false: forward only
    bool to_weights;         // the third talk too
    bool norms;              // of each example, where the layers' out_norm_ pointers say
    const double *parts;     // what each example counts in grad_W and grad_b, after its norms; or null: 1
    double share;            // by which each example's gradient is multiplied besides
    Clipping clipping;       // how examples whose gradients have a larger norm than most_norm count less
    double most_norm;        // or 0: none does
    const uint32_t *key;     // of the noise, 8 words
    T deviation;             // of the noise in each entry of grad W and grad b, or 0: there is none
    T rounder;               // of the noisy entries: the number whose last digit is one step of their grid
    bool measure;            // add up peak and sums
    bool prefetch;           // the parameters are larger than the second cache
    bool (*host)(void *context, int layer, bool derivative, int64_t rows, const T *a, T *result);
    void *host_context;
    bool host_failed;
    Update<T> update;
};

// One of several directions (V_i, c_i) along which the talks are differentiated, in one layer: what depends on it
template <class T>
struct AlongLayer {
    T *v, *vt, *c;        // the direction, as w, wt and b; no vt in the lowest layer
    T *h, *d;             // R{h_i} and R{grad a_i}, as h and d
    // the derivatives of a loss after training by the parameters and the optimizer's arrays, as w and b
    T *bar, *bar_b, *state_bar[MOST_STATES], *state_bar_b[MOST_STATES];
};

template <class T>
struct Along {
    AlongLayer<T> *layers;
    T *shares;  // of each example of the batch: w_n grad l_n . (V, c)
};

// What comes back through an update, summed over one piece of the parameters
struct PullSums {
    double rate;            // the derivative by the learning rate
    double along_gradient;  // direction . gradient, where that is clipped
    double along_weights;   // direction . W
};

// Products of the Hessian with directions, and steps of training backwards
template <class T>
struct CurvatureKernels {
    int64_t scratch_size;  // bytes for each output, rounded up to whole panels
    // rows first ... last - 1 of the batch along a direction, after Kernels::rows with slope and bend
    void (*rows)(const Job<T> &job, const Along<T> &along, int64_t first, int64_t last, void *scratch);
    // some strips of a panel of W^T, and the bias with strip 0: bar <- keep bar + R{grad} + penalty direction
    void (*weights)(const Job<T> &job, const Along<T> &along, int layer, int64_t panel, int64_t first, int64_t last, T keep,
                    T penalty);
    // the update of the same strips backwards, for `count` losses: from the bars to the direction of each
    void (*pull_back)(const Job<T> &job, double decay, int layer, int64_t panel, int64_t first, int64_t last,
                      const Along<T> *along, int64_t count, PullSums *sums, int64_t sums_step);
    // and through the clipping of the gradient
    void (*across_clipped)(const Job<T> &job, const Along<T> &along, T share, int layer, int64_t panel, int64_t first,
                           int64_t last, PullSums &sums);
    // W^T, the same strips, to W for the talk below
    void (*mirror)(const Layer<T> &layer, int64_t panel, int64_t first, int64_t last, const T *w, T *wt);
};

template <class T>
struct Kernels {
    int panel;  // NR
    int strip;  // MR: W^T is updated in strips of so many rows
    // rows first ... last - 1 of the batch: forward, the talk to the output units, the talk to the hidden units
    // scratch: room for ROWS_OF_SCRATCH rows of outputs, each rounded up to whole panels
    void (*rows)(Job<T> &job, int64_t first, int64_t last, T *scratch);
    // the talk to the weights: strips first ... last - 1 of one panel of W^T, and the bias with strip 0
    void (*weights)(Job<T> &job, Rule rule, int layer, int64_t panel, int64_t first, int64_t last, UpdateSums *sums);
    void (*pack)(const T *W, const T *b, Layer<T> &layer);    // row-major (outputs, inputs) to w, wt and b
    void (*unpack)(const Layer<T> &layer, T *W, T *b);
    int64_t predicted_block;  // rows of a prediction that go through all layers together, at the most
    // prediction: some panels of h_i for some rows of h_{i-1}, all row-major, with in_step and h_step from row to row
    void (*predict_hidden)(const Layer<T> &layer, const T *in, int64_t in_step, int64_t rows, int64_t first,
                           int64_t panels, T *h, int64_t h_step);
    // yhat, row-major, and a_L unless it is null; room: for the rows in panels of outputs, twice
    void (*predict_output)(const Layer<T> &layer, const T *in, int64_t in_step, int64_t rows, T *room, T *a, T *yhat);
    // total + deviation * z, in double and on the grid, where total is a row: z is that of a layer with one output
    void (*add_noise)(T *total, int64_t count, const uint32_t *key, const uint32_t *nonce, double deviation,
                      double rounder);
};

struct Variant {
    const char *name;
    bool (*runs_here)();
    const Kernels<float> *f32;
    const Kernels<double> *f64;
    const CurvatureKernels<double> *curvature;
};

}  // namespace backtalk
