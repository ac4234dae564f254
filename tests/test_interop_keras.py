"""Networks from Keras models: the same bits, what model.predict gives, and the gradients of the backend."""

from __future__ import annotations

import os

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, forward, from_keras, gradients

pytestmark = pytest.mark.filterwarnings("ignore")  # of Keras and its backend
torch = pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
layers = keras.layers

NAMES = {
    "linear": "identity", "relu": "relu", "leaky_relu": "leaky_relu(slope=0.2)", "elu": "elu", "selu": "selu",
    "gelu": "gelu", "silu": "silu", "swish": "silu", "softplus": "softplus", "mish": "mish", "tanh": "tanh",
    "sigmoid": "sigmoid",
}  # fmt: skip
ENDS = {
    "softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "exponential": "poisson_deviance",
    "linear": "squared_error",
}  # fmt: skip
# Also in float64: there Keras 3.15 multiplies matrices in float32 with PyTorch, and has a tanh of float32 with JAX
TOLERANCE = 2e-6
SIZES = [[3, 2], [1, 1], [3, 1, 2], [5, 6, 1, 4, 3]]


@pytest.fixture
def precision():
    """Sets the dtype in which Keras computes."""

    def precise(dtype):
        keras.config.set_floatx(dtype)  # of what is given to a model
        keras.config.set_dtype_policy(dtype)

    yield precise
    precise("float32")


def stacked(sizes, name, end="linear"):
    """A Sequential of Dense layers, with biases."""
    dense = [layers.Dense(size, name, bias_initializer="random_normal") for size in sizes[1:-1]]
    last = layers.Dense(sizes[-1], end, bias_initializer="random_normal")
    return keras.Sequential([keras.Input((sizes[0],)), *dense, last])


def given(count, inputs, dtype="float32"):
    return np.random.default_rng(0).normal(size=(count, inputs)).astype(dtype)


def outputs(model, X):
    return keras.ops.convert_to_numpy(model(X, training=False))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_keras(name, dtype, precision):
    precision(dtype)
    for sizes in SIZES:
        for end, loss in ENDS.items():
            model, X = stacked(sizes, name, end), given(9, sizes[0], dtype)
            network = from_keras(model)
            assert (network.sizes, network.spec.dtype_name) == (tuple(sizes), dtype)
            assert {repr(each) for each in network.activations} <= {NAMES[name]}
            assert network.loss.name == loss
            assert np.array_equal(network.W[1], keras.ops.convert_to_numpy(model.layers[0].kernel).T)
            expected = outputs(model, X)
            assert np.abs(forward(network, X).output - expected).max() <= TOLERANCE * max(1, np.abs(expected).max())


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="autograd is PyTorch's")
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_autograd(name):
    model, X = stacked([4, 6, 5, 3], name), given(9, 4)
    y = np.arange(9) % 3
    network = from_keras(model, "cross_entropy")
    torch.nn.functional.cross_entropy(model(torch.tensor(X)), torch.tensor(y)).backward()
    grads = gradients(network, X, y)
    for i, layer in enumerate(model.layers, start=1):
        np.testing.assert_allclose(grads.W[i], layer.kernel.value.grad.numpy().T, rtol=0, atol=2e-6)
        np.testing.assert_allclose(grads.b[i], layer.bias.value.grad.numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("layer", "activation"),
    [
        (lambda: layers.Activation("gelu"), "gelu"),
        (lambda: layers.ReLU(), "relu"),
        (lambda: layers.ReLU(negative_slope=0.1), "leaky_relu(slope=0.1)"),
        (lambda: layers.LeakyReLU(negative_slope=0.25), "leaky_relu(slope=0.25)"),
        (lambda: layers.ELU(alpha=0.5), "elu(alpha=0.5)"),
        (lambda: layers.Dropout(0.5), "identity"),
        (lambda: layers.GaussianNoise(0.5), "identity"),
        (lambda: layers.Identity(), "identity"),
    ],
)
def test_activations_and_what_does_nothing_as_layers(layer, activation):
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, use_bias=False), layer(), layers.Dense(2), layers.Softmax()]
    )
    network = from_keras(model)
    assert (repr(network.activations[0]), network.loss.name, network.b[1].tolist()) == (
        activation, "cross_entropy", [0, 0, 0, 0],
    )  # fmt: skip
    np.testing.assert_allclose(forward(network, given(5, 3)).output, outputs(model, given(5, 3)), atol=1e-6)


def test_functional_and_nested_models():
    x = keras.Input((2, 3), name="image")
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, "tanh"), layers.Dropout(0.1)])
    h = inner(layers.Flatten()(x))
    body = keras.Input((4,))
    nested = keras.Model(body, layers.Dense(3, "relu")(body))
    model = keras.Model(x, layers.Dense(2, "softmax")(nested(h)))
    network = from_keras(model)
    assert (network.sizes, repr(network.activations)) == ((6, 4, 3, 2), "(tanh, relu)")
    X = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
    np.testing.assert_allclose(forward(network, X.reshape(5, 6)).output, outputs(model, X), atol=1e-6)


def test_a_model_that_is_built_later():
    model = keras.Sequential([layers.Dense(4, "relu"), layers.Dense(2)])
    with pytest.raises(InputError, match=r"^model has no weights yet: give it a keras.Input, or call model.build"):
        from_keras(model)
    model.build((None, 3))
    assert from_keras(model).sizes == (3, 4, 2)


def functional(make):
    x = keras.Input((3,))
    return keras.Model(x, make(x))


def twice(x):
    layer = layers.Dense(3)
    return layer(layer(x))


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            [layers.Dense(2), layers.BatchNormalization(name="bn")],
            r"^layer 'bn' \(BatchNormalization\) is a layer that a",
        ),
        ([layers.Dense(2, name="d", activation="hard_sigmoid")], r"^layer 'd' \(Dense\) has the activation 'hard_sigm"),
        ([layers.Dense(2, name="d", activation=lambda a: a)], r"^layer 'd' \(Dense\) has the activation '<lambda>'"),
        ([layers.Dense(2, "relu"), layers.Activation("tanh", name="t")], r"^layer 't' \(Activation\) follows layer"),
        ([layers.Activation("tanh", name="t"), layers.Dense(2)], r"^layer 't' \(Activation\) comes before the first"),
        ([layers.Dense(2), layers.ReLU(6.0, name="r"), layers.Dense(2)], r"^layer 'r' \(ReLU\) has max_value 6\.0 and"),
        ([layers.Dense(2), layers.Softmax(0, name="s")], r"^layer 's' \(Softmax\) is over axis 0"),
        ([layers.Dense(2), layers.Softmax(name="s"), layers.Dense(2)], r"^layer 's' \(Softmax\) stands between two"),
        ([layers.Dense(2), layers.PReLU(name="p"), layers.Dense(2)], r"^layer 'p' \(PReLU\) is a layer that a Network"),
        ([layers.Dense(2), layers.Flatten(name="f")], r"^layer 'f' \(Flatten\) is a layer that"),
        ([layers.Dropout(0.1)], "^model has no layer with weights"),
    ],
)
def test_what_a_network_does_not_have_is_named(parts, words):
    with pytest.raises(InputError, match=words):
        from_keras(keras.Sequential([keras.Input((3,)), *parts]))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: functional(lambda x: layers.Add(name="sum")([x, layers.Dense(3)(x)])), r"^layer 'sum' \(Add\) hears "),
        (lambda: functional(twice), r"^layer 'dense\w*' \(Dense\) hears .*: expected one layer, once"),
        (
            lambda: functional(lambda x: 2 * layers.Dense(3)(x)),
            r"^Multiply 'multiply\w*' is no layer that a Network has",
        ),
        (lambda: functional(lambda x: [layers.Dense(3)(x), layers.Dense(2)(x)]), "^model has 2 outputs, expected one"),
        (
            lambda: keras.Sequential([keras.Input((5, 3)), layers.Dense(2, name="d")]),
            r"^layer 'd' .* \(None, 5, 3\), exp",
        ),
        (
            lambda: keras.Sequential([keras.Input((5, 3)), layers.Flatten("channels_first"), layers.Dense(2)]),
            "channels_first",
        ),
        (lambda: Own(), "^model (is a Own with a call of its own|has no weights yet)"),
    ],
)
def test_models_that_are_no_stack_are_refused(model, words):
    with pytest.raises(InputError, match=words):
        from_keras(model())


def test_what_is_no_model_and_an_output_function_that_does_not_fit_are_refused():
    with pytest.raises(InputTypeError, match=r"^model is a Dense, expected a keras.Sequential or a functional model"):
        from_keras(layers.Dense(3))
    assert repr(from_keras(stacked([2, 3], "relu", "softmax"), "huber").output) == "softmax"
    with pytest.raises(InputError, match=r"^output is 'tanh', but model ends with layer"):
        from_keras(stacked([2, 3], "relu", "softmax"), output="tanh")
