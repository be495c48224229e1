"""The oracle's formulas: every cell, loss and optimiser in plain float64 NumPy, to be read like the equations.

Windows are rows (B, n), so a product W x is written `x @ W.T`. A prefix d is the derivative of the loss.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

# -------------------- cells
# A cell sees one pre-activation per row, a = [W x] + [R h] + b, and the states before the step. `forward` returns the
# states after it and what `backward` needs; `backward` returns one gradient per row, and that of the states before the
# step where they enter the cell other than through R. A cell that owns vectors, one number per unit each, gets them as
# one more argument in both, and `backward` returns their gradients as well, window by window (B, H).


@dataclass(frozen=True)
class Cell:
    rows: tuple[str, ...]
    input: tuple[int, int]
    state: tuple[int, int]
    states: tuple[str, ...]
    forward: Callable
    backward: Callable
    kink: Callable = lambda saved: np.inf  # the least distance of a pre-activation from a kink
    gates: tuple[str, ...] = ()  # what the first arrays of `saved` are called
    vectors: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()  # states that are divided by: first ones are well above 0

    def own(self, p):
        """The further argument of `forward` and `backward`, if the cell has one, out of a layer's weights."""
        return [[p[f"p_{name}"] for name in self.vectors]] if self.vectors else []

    def first_states(self, drawn):
        """`drawn` (..., S, B, H) as states that a step may begin with."""
        positive = np.array([name in self.positive for name in self.states])[:, None, None]
        return np.where(positive, np.abs(drawn) + 0.25, drawn)


def sigmoid(a):
    return np.exp(-np.logaddexp(0.0, -a))


def rnn_tanh_forward(a, states):
    h = np.tanh(a[0])
    return (h,), h


def rnn_tanh_backward(saved, states, dstates):
    h, (dh,) = saved, dstates
    da = dh * (1.0 - h**2)
    return (da,), (np.zeros_like(dh),)


def rnn_relu_forward(a, states):
    return (np.maximum(a[0], 0.0),), a[0]


def rnn_relu_backward(saved, states, dstates):
    (dh,) = dstates
    da = dh * (saved > 0.0)
    return (da,), (np.zeros_like(dh),)


def gru_forward(a, states):
    nx, ar, az, nh = a
    (h,) = states
    r, z = sigmoid(ar), sigmoid(az)
    n = np.tanh(nx + r * nh)
    return ((1.0 - z) * n + z * h,), (n, r, z, nh)


def gru_backward(saved, states, dstates):
    (n, r, z, nh), (h,), (dh,) = saved, states, dstates
    dn = dh * (1.0 - z)
    dz = dh * (h - n)
    dnx = dn * (1.0 - n**2)
    dr = dnx * nh
    dnh = dnx * r
    return (dnx, dr * r * (1.0 - r), dz * z * (1.0 - z), dnh), (dh * z,)


def lstm_forward(a, states):
    ai, af, ag, ao = a
    _, c = states
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)
    c = f * c + i * g
    return (o * np.tanh(c), c), (i, f, g, o, np.tanh(c))


def lstm_backward(saved, states, dstates):
    (i, f, g, o, tanh_c), (_, c), (dh, dc) = saved, states, dstates
    do = dh * tanh_c
    dc = dc + dh * o * (1.0 - tanh_c**2)
    di = dc * g
    df = dc * c
    dg = dc * i
    da = (di * i * (1.0 - i), df * f * (1.0 - f), dg * (1.0 - g**2), do * o * (1.0 - o))
    return da, (np.zeros_like(dh), dc * f)


def lstm_peephole_forward(a, states, vectors):
    a_i, a_f, a_g, a_o = a
    (_, c), (pi, pf, po) = states, vectors
    i, f, g = sigmoid(a_i + pi * c), sigmoid(a_f + pf * c), np.tanh(a_g)
    new_c = f * c + i * g
    o = sigmoid(a_o + po * new_c)
    return (o * np.tanh(new_c), new_c), (i, f, g, o, new_c)


def lstm_peephole_backward(saved, states, dstates, vectors):
    (i, f, g, o, new_c), (_, c), (dh, dc), (pi, pf, po) = saved, states, dstates, vectors
    dao = dh * np.tanh(new_c) * o * (1.0 - o)
    dc = dc + dh * o * (1.0 - np.tanh(new_c) ** 2) + po * dao
    dai = dc * g * i * (1.0 - i)
    daf = dc * c * f * (1.0 - f)
    dag = dc * i * (1.0 - g**2)
    return (dai, daf, dag, dao), (np.zeros_like(dh), dc * f + pi * dai + pf * daf), (dai * c, daf * c, dao * new_c)


def indrnn_tanh_forward(a, states, vectors):
    (h,), (p,) = states, vectors
    h = np.tanh(a[0] + p * h)
    return (h,), h


def indrnn_tanh_backward(saved, states, dstates, vectors):
    h, (prev,), (dh,), (p,) = saved, states, dstates, vectors
    da = dh * (1.0 - h**2)
    return (da,), (da * p,), (da * prev,)


def indrnn_relu_forward(a, states, vectors):
    (h,), (p,) = states, vectors
    a = a[0] + p * h
    return (np.maximum(a, 0.0),), a


def indrnn_relu_backward(saved, states, dstates, vectors):
    (prev,), (dh,), (p,) = states, dstates, vectors
    da = (saved > 0.0) * dh
    return (da,), (da * p,), (da * prev,)


def mingru_forward(a, states):
    (az, n), (h,) = a, states
    z = sigmoid(az)
    return ((1.0 - z) * n + z * h,), (z, n)


def mingru_backward(saved, states, dstates):
    (z, n), (h,), (dh,) = saved, states, dstates
    return ((h - n) * dh * z * (1.0 - z), (1.0 - z) * dh), (z * dh,)


def minlstm_forward(a, states):
    (af, ai, n), (h,) = a, states
    f, i = sigmoid(af), sigmoid(ai)
    s = f / (f + i)
    return (s * h + (1.0 - s) * n,), (f, i, n, s)


def minlstm_backward(saved, states, dstates):
    (f, i, n, s), (h,), (dh,) = saved, states, dstates
    ds = dh * (h - n)
    df, di = ds * i / (f + i) ** 2, -ds * f / (f + i) ** 2
    return (df * f * (1.0 - f), di * i * (1.0 - i), dh * (1.0 - s)), (dh * s,)


def slstm_forward(a, states):
    ai, af, ag, ao = a
    _, c, n, m = states
    new_m = np.where(n > 0.0, np.maximum(af + m, ai), ai)
    i, f, g, o = np.exp(ai - new_m), np.exp(af + m - new_m), np.tanh(ag), sigmoid(ao)
    c, n = f * c + i * g, f * n + i
    return (o * c / n, c, n, new_m), (i, f, g, o, c, n)


def slstm_backward(saved, states, dstates):
    (i, f, g, o, new_c, new_n), (_, c, n, _), (dh, dc, dn, _) = saved, states, dstates
    do = dh * new_c / new_n
    dc = dc + dh * o / new_n
    dn = dn - dh * o * new_c / new_n**2
    di = dc * g + dn
    daf = f * (c * dc + n * dn)
    da = (di * i, daf, dc * i * (1.0 - g**2), o * (1.0 - o) * do)
    return da, (np.zeros_like(dh), dc * f, dn * f, daf)


REFERENCE_CELLS = {
    "rnn_tanh": Cell(("h",), (0, 1), (0, 1), ("h",), rnn_tanh_forward, rnn_tanh_backward),
    "rnn_relu": Cell(
        ("h",), (0, 1), (0, 1), ("h",), rnn_relu_forward, rnn_relu_backward, lambda saved: np.abs(saved).min()
    ),
    "gru": Cell(("nx", "r", "z", "nh"), (0, 3), (1, 4), ("h",), gru_forward, gru_backward, gates=("n", "r", "z")),
    "lstm": Cell(
        ("i", "f", "g", "o"), (0, 4), (0, 4), ("h", "c"), lstm_forward, lstm_backward, gates=("i", "f", "g", "o")
    ),
    "lstm_peephole": Cell(
        ("i", "f", "g", "o"),
        (0, 4),
        (0, 4),
        ("h", "c"),
        lstm_peephole_forward,
        lstm_peephole_backward,
        gates=("i", "f", "g", "o"),
        vectors=("i", "f", "o"),
    ),
    "indrnn_tanh": Cell(("h",), (0, 1), (1, 1), ("h",), indrnn_tanh_forward, indrnn_tanh_backward, vectors=("h",)),
    "indrnn_relu": Cell(
        ("h",),
        (0, 1),
        (1, 1),
        ("h",),
        indrnn_relu_forward,
        indrnn_relu_backward,
        lambda saved: np.abs(saved).min(),
        vectors=("h",),
    ),
    "mingru": Cell(("z", "n"), (0, 2), (2, 2), ("h",), mingru_forward, mingru_backward, gates=("z", "n")),
    "minlstm": Cell(
        ("f", "i", "n"), (0, 3), (3, 3), ("h",), minlstm_forward, minlstm_backward, gates=("f", "i", "n", "s")
    ),
    "slstm": Cell(
        ("i", "f", "g", "o"),
        (0, 4),
        (0, 4),
        ("h", "c", "n", "m"),
        slstm_forward,
        slstm_backward,
        gates=("i", "f", "g", "o"),
        positive=("n",),
    ),
}

# -------------------- losses
# A loss sees outputs p (B, K, Q) and targets y (B, K, 1); it returns value and derivative of every one (B, K, Q).
# The loss of a target is the mean over its Q outputs: a likelihood is the same for each of them, (B, K, 1), and its
# derivatives are times Q. Of counts the parameters are the scales (1, K, 1) by which they were divided.


@dataclass(frozen=True)
class Loss:
    parameters: tuple[str, ...]
    outputs: int  # 0: one per parameter
    value: Callable
    derivative: Callable
    target: str = "real"
    kink: Callable = lambda p, y, parameters: np.full_like(p - y, np.inf)  # the distance from a kink


def squared_error_value(p, y, parameters):
    return (p - y) ** 2


def squared_error_derivative(p, y, parameters):
    return 2.0 * (p - y)


def absolute_error_value(p, y, parameters):
    return np.abs(p - y)


def absolute_error_derivative(p, y, parameters):
    return np.sign(p - y)


def huber_value(p, y, parameters):
    (delta,) = parameters
    d = np.abs(p - y)
    return np.where(d <= delta, 0.5 * d**2, delta * (d - 0.5 * delta))


def huber_derivative(p, y, parameters):
    (delta,) = parameters
    return np.clip(p - y, -delta, delta)


def pseudo_huber_value(p, y, parameters):
    return np.sqrt(1.0 + (p - y) ** 2) - 1.0


def pseudo_huber_derivative(p, y, parameters):
    return (p - y) / np.sqrt(1.0 + (p - y) ** 2)


def quantile_value(p, y, parameters):
    level = np.asarray(parameters)
    return np.maximum(level * (y - p), (level - 1.0) * (y - p))


def quantile_derivative(p, y, parameters):
    level = np.asarray(parameters)
    return np.where(y > p, -level, 1.0 - level)


def _of_classes(p, y, parameters):
    """Probabilities of the classes, which of them is the target, and its weight."""
    e = np.exp(p - p.max(axis=-1, keepdims=True))
    own = (y == np.arange(p.shape[-1])).astype(float)
    return e / e.sum(axis=-1, keepdims=True), own, (own * np.asarray(parameters)).sum(axis=-1, keepdims=True)


def cross_entropy_value(p, y, parameters):
    share, own, weight = _of_classes(p, y, parameters)
    return -weight * (own * np.log(share)).sum(axis=-1, keepdims=True) + 0.0 * p  # the same Q times, with that mean


def cross_entropy_derivative(p, y, parameters):
    share, own, weight = _of_classes(p, y, parameters)
    return p.shape[-1] * weight * (share - own)


def positive(raw, least):
    return np.logaddexp(0.0, raw) + least


def sigmoid_of(raw):
    return special.expit(raw)


def columns(p):
    return [p[..., [number]] for number in range(p.shape[-1])]


def likelihood(*slopes):
    """Derivatives by each output, side by side."""
    return len(slopes) * np.concatenate(slopes, axis=-1)


def normal_value(p, y, parameters):
    mu, raw = columns(p)
    sigma = positive(raw, 1e-3)
    return np.log(sigma) + 0.5 * ((y - mu) / sigma) ** 2 + 0.5 * np.log(2 * np.pi)


def normal_derivative(p, y, parameters):
    mu, raw = columns(p)
    sigma = positive(raw, 1e-3)
    z = (y - mu) / sigma
    return likelihood(-z / sigma, (1.0 - z**2) / sigma * sigmoid_of(raw))


def student_t_value(p, y, parameters):
    mu, raw, raw_nu = columns(p)
    sigma, nu = positive(raw, 1e-3), positive(raw_nu, 2.01)
    z = (y - mu) / sigma
    constant = special.gammaln(nu / 2) - special.gammaln((nu + 1) / 2) + 0.5 * np.log(np.pi * nu)
    return np.log(sigma) + constant + (nu + 1) / 2 * np.log1p(z**2 / nu)


def student_t_derivative(p, y, parameters):
    mu, raw, raw_nu = columns(p)
    sigma, nu = positive(raw, 1e-3), positive(raw_nu, 2.01)
    z = (y - mu) / sigma
    w = (nu + 1) / (nu + z**2)
    dnu = special.psi(nu / 2) - special.psi((nu + 1) / 2) + 1 / nu + np.log1p(z**2 / nu) - w * z**2 / nu
    return likelihood(-w * z / sigma, (1.0 - w * z**2) / sigma * sigmoid_of(raw), 0.5 * dnu * sigmoid_of(raw_nu))


def poisson_value(p, y, scale):
    mu, count = scale * positive(p, 1e-6), scale * y
    return mu - count * np.log(mu) + special.gammaln(count + 1)


def poisson_derivative(p, y, scale):
    mu, count = scale * positive(p, 1e-6), scale * y
    return (1.0 - count / mu) * scale * sigmoid_of(p)


def negative_binomial_value(p, y, scale):
    raw, raw_alpha = columns(p)
    mu, r, count = scale * positive(raw, 1e-6), 1.0 / positive(raw_alpha, 1e-4), scale * y
    gammas = special.gammaln(count + 1) - special.gammaln(count + r) + special.gammaln(r)
    return gammas + (count + r) * np.log(r + mu) - r * np.log(r) - count * np.log(mu)


def negative_binomial_derivative(p, y, scale):
    raw, raw_alpha = columns(p)
    mu, r, count = scale * positive(raw, 1e-6), 1.0 / positive(raw_alpha, 1e-4), scale * y
    dmu = r * (mu - count) / (mu * (r + mu))
    dr = special.psi(r) - special.psi(count + r) + np.log((r + mu) / r) + (count - mu) / (r + mu)
    return likelihood(dmu * scale * sigmoid_of(raw), -(r**2) * dr * sigmoid_of(raw_alpha))


def gamma_value(p, y, parameters):
    raw, raw_shape = columns(p)
    mu, a, y = positive(raw, 1e-6), positive(raw_shape, 1e-2), np.maximum(y, 1e-30)
    return a * (y / mu - np.log(y / mu)) + np.log(y) + special.gammaln(a) - a * np.log(a)


def gamma_derivative(p, y, parameters):
    raw, raw_shape = columns(p)
    mu, a, y = positive(raw, 1e-6), positive(raw_shape, 1e-2), np.maximum(y, 1e-30)
    da = y / mu - np.log(y / mu) - 1.0 + special.psi(a) - np.log(a)
    return likelihood(a * (1.0 - y / mu) / mu * sigmoid_of(raw), da * sigmoid_of(raw_shape))


REFERENCE_LOSSES = {
    "squared_error": Loss((), 1, squared_error_value, squared_error_derivative),
    "absolute_error": Loss(
        (), 1, absolute_error_value, absolute_error_derivative, kink=lambda p, y, parameters: np.abs(p - y)
    ),
    "huber": Loss(
        ("delta",),
        1,
        huber_value,
        huber_derivative,
        kink=lambda p, y, parameters: np.abs(np.abs(p - y) - parameters[0]),
    ),
    "pseudo_huber": Loss((), 1, pseudo_huber_value, pseudo_huber_derivative),
    "quantile": Loss(("level",), 0, quantile_value, quantile_derivative, kink=lambda p, y, parameters: np.abs(p - y)),
    "normal": Loss((), 2, normal_value, normal_derivative),
    "student_t": Loss((), 3, student_t_value, student_t_derivative),
    "poisson": Loss((), 1, poisson_value, poisson_derivative, "counts"),
    "negative_binomial": Loss((), 2, negative_binomial_value, negative_binomial_derivative, "counts"),
    "gamma": Loss((), 2, gamma_value, gamma_derivative, "positive"),
    "cross_entropy": Loss(("class_weight",), 0, cross_entropy_value, cross_entropy_derivative, "labels"),
}

# -------------------- optimisers
# PyTorch's formulas. `state` holds steps, first and second; `steps` is counted before the call: 1 in the first.


def sgd(theta, g, state, rate, momentum=0.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0):
    g = g + weight_decay * theta
    state["first"] = momentum * state["first"] + g
    return theta - rate * state["first"]


def adam(theta, g, state, rate, momentum=0.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0):
    g = g + weight_decay * theta
    state["first"] = beta_1 * state["first"] + (1.0 - beta_1) * g
    state["second"] = beta_2 * state["second"] + (1.0 - beta_2) * g**2
    first = state["first"] / (1.0 - beta_1 ** state["steps"])
    second = state["second"] / (1.0 - beta_2 ** state["steps"])
    return theta - rate * first / (np.sqrt(second) + epsilon)


def adamw(theta, g, state, rate, weight_decay=0.0, **constants):
    return adam(theta - rate * weight_decay * theta, g, state, rate, **constants)


def rmsprop(theta, g, state, rate, momentum=0.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0):
    alpha = 0.99
    g = g + weight_decay * theta
    state["second"] = alpha * state["second"] + (1.0 - alpha) * g**2
    state["first"] = momentum * state["first"] + g / (np.sqrt(state["second"]) + epsilon)
    return theta - rate * state["first"]


REFERENCE_OPTIMIZERS = {"sgd": sgd, "adam": adam, "adamw": adamw, "rmsprop": rmsprop}


def clip(g, clip_norm=None, clip_value=None):
    """By value first, then by the global norm."""
    if clip_value is not None:
        g = np.clip(g, -clip_value, clip_value)
    if clip_norm is not None:
        norm = np.sqrt((g**2).sum())
        g = g * (clip_norm / norm) if norm > clip_norm else g
    return g
