// The names by which Python asks for an activation, a loss, an update rule or a clipping.
#pragma once
#include <stdexcept>
#include <string>

#include "types.h"

namespace backtalk {

template <class Kind>
struct Named {
    Kind kind;
    const char *name;
    const char *parameter;  // the attribute of the Python object that holds it, or ""
};

#define NAMED(kind, name, parameter) {kind, name, parameter},
constexpr Named<Activation> ACTIVATIONS[] = {ACTIVATION_KINDS(NAMED)};
constexpr Named<Loss> LOSSES[] = {LOSS_KINDS(NAMED)};
constexpr Named<Clipping> CLIPPINGS[] = {CLIPPING_KINDS(NAMED)};
#undef NAMED
#define NAMED(kind, name, states) {kind, name, ""},
constexpr Named<Rule> RULES[] = {RULE_KINDS(NAMED)};
#undef NAMED

template <class Kind, size_t COUNT>
Kind kind_of(const Named<Kind> (&table)[COUNT], const std::string &name) {
    for (const Named<Kind> &each : table)
        if (name == each.name) return each.kind;
    throw std::invalid_argument("the kernels know no " + name);
}

// "host": one of the user's own; "softmax": the output function that is no activation
inline Activation activation_named(const std::string &name) {
    return name == "host" ? HOST : name == "softmax" ? SOFTMAX : kind_of(ACTIVATIONS, name);
}

}  // namespace backtalk
