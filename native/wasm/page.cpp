// The kernels for a page: what web/src/wasm/kernels.ts calls. Every array is the page's, in the module's memory; Python
// made the lesson, and has checked its shapes and names.
#include <cstring>

#include "../kernels.cpp"
#include "../names.h"
#include "passes.h"
#include "steps.h"

using namespace backtalk;

struct Page {
    std::unique_ptr<Steps> steps;
    Passes passes;
    Shape shape;
    Dropout dropout;
};

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

EXPORT(allocate) void *page_allocate(int bytes) { return std::malloc(bytes); }
EXPORT(release) void page_release(void *memory) { std::free(memory); }

// The numbers of names; -1 if there is none
template <class Kind, size_t COUNT>
static int number_of(const Named<Kind> (&table)[COUNT], const char *name) {
    for (const Named<Kind> &each : table)
        if (std::strcmp(name, each.name) == 0) return each.kind;
    return -1;
}
EXPORT(activation) int page_activation(const char *name) {
    return std::strcmp(name, "softmax") == 0 ? int(SOFTMAX) : number_of(ACTIVATIONS, name);
}
EXPORT(loss) int page_loss(const char *name) { return number_of(LOSSES, name); }
EXPORT(rule) int page_rule(const char *name) { return number_of(RULES, name); }

// A network, and room for the optimizer's arrays of a rule; wide: its numbers are double, else float
EXPORT(make)
Page *page_make(int wide, int depth, const int32_t *sizes, const int32_t *activations, const double *parameters, int loss,
                double loss_parameter, int levels, const double *level, int rule) {
    Shape shape{{sizes, sizes + depth + 1}, {}, {parameters, parameters + depth}, Loss(loss), loss_parameter,
                {level, level + levels}};
    for (int i = 0; i < depth; ++i) shape.activations.push_back(Activation(activations[i]));
    std::unique_ptr<Steps> steps;
    const int states = states_of(Rule(rule));
    if (wide) steps.reset(new StepsOf<double>(VARIANT::f64, shape, states));
    else steps.reset(new StepsOf<float>(VARIANT::f32, shape, states));
    return new Page{std::move(steps), Passes(VARIANT::f64, shape), shape, {}};
}
EXPORT(end) void page_end(Page *page) { delete page; }

EXPORT(pack) void page_pack(Page *page, int layer, const double *W, const double *b) {
    page->steps->pack(layer, W, b);
    page->passes.pack(layer, W, b);
}

// The network as it stands, which the passes then see too
EXPORT(unpack) void page_unpack(Page *page, int layer, double *W, double *b) {
    page->steps->unpack(layer, W, b);
    page->passes.pack(layer, W, b);
}

EXPORT(give) void page_give(Page *page, int examples, const double *X, const int32_t *labels, const double *target) {
    page->steps->give(examples, X, labels, target);
}

EXPORT(set_update)
void page_set_update(Page *page, int rule, double momentum, double beta_1, double beta_2, double epsilon,
                     double momentum_decay, int epsilon_hat, int corrects, double l2_penalty, double weight_decay) {
    Settings settings;
    settings.rule = Rule(rule);
    settings.momentum = momentum;
    settings.beta_1 = beta_1, settings.beta_2 = beta_2, settings.epsilon = epsilon;
    settings.momentum_decay = momentum_decay;
    settings.epsilon_hat = epsilon_hat, settings.corrects = corrects;
    settings.l2_penalty = l2_penalty, settings.weight_decay = weight_decay;
    page->steps->set_update(settings);
}

// levels: one for each hidden layer
EXPORT(set_dropout) void page_set_dropout(Page *page, const int32_t *levels, uint64_t seed) {
    page->dropout = {{levels, levels + page->shape.sizes.size() - 2}, seed};
    page->steps->set_dropout(page->dropout);
}

EXPORT(stand_at)
void page_stand_at(Page *page, uint64_t state_high, uint64_t state_low, uint64_t increment_high, uint64_t increment_low,
                   int has_half, uint32_t half) {
    page->steps->generator.stand_at(State(state_high) << 64 | state_low, State(increment_high) << 64 | increment_low,
                                    has_half, half);
}

// A number of 64 bits, by which dropout is drawn
EXPORT(draw) uint64_t page_draw(Page *page) { return page->steps->generator.next(); }

// The order of the next epoch
EXPORT(shuffle) void page_shuffle(Page *page, int32_t *order) {
    page->steps->shuffle();
    std::copy(page->steps->order.begin(), page->steps->order.end(), order);
}

// Steps from a place in the order, until it ends or the steps or the seconds are over; gives their number. found: the
// place after them, the sum of the losses times the rows, the rows, and whether the loss of the next one is not finite
EXPORT(train)
int page_train(Page *page, int start, int batch_size, const double *rates, int most, double seconds, double *found) {
    const Progress done = page->steps->train(start, batch_size, rates, most, seconds);
    found[0] = double(done.place), found[1] = done.loss, found[2] = done.weight, found[3] = done.diverged;
    return int(done.steps);
}

EXPORT(predict) void page_predict(Page *page, int rows, const double *X, double *yhat) {
    page->passes.predict(rows, X, yhat);
}

// step: of training, whose silent units are silent; 0: none is
EXPORT(gradients)
double page_gradients(Page *page, int rows, const double *X, const int32_t *labels, const double *target, int step,
                      double *out) {
    return page->passes.gradients(rows, X, labels, target, step ? page->dropout : Dropout{}, step, out);
}

// g(a) and g'(a); of the last layer O and O', unless that is softmax
EXPORT(activate) void page_activate(Page *page, int layer, int count, const double *a, double *h, double *slope) {
    constexpr int ROOM = VARIANT::NR<double>;
    alignas(64) double value[ROOM], derivative[ROOM];
    for (int first = 0; first < count; first += ROOM) {
        const int some = std::min(ROOM, count - first);
        std::copy_n(a + first, some, value);
        std::fill(value + some, value + ROOM, 0.0);
        VARIANT::activate<double>(page->shape.activations[layer], page->shape.parameters[layer], ROOM, value, derivative);
        std::copy_n(value, some, h + first);
        std::copy_n(derivative, some, slope + first);
    }
}
