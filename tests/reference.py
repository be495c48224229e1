"""The one oracle: every cell, loss and optimiser once more, in plain float64 NumPy, to be read like the equations.

Shape letters: T steps, B batch, I inputs, H hidden, L layers, S states, K targets, Q outputs per target, E extra.
Windows are rows here (B, n), so a product W x is written `x @ W.T`. A prefix d is the derivative of the loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# -------------------- cells
# A cell sees one pre-activation per row, a = [W x] + [R h] + b, and the states before the step. `forward` returns the
# states after it and what `backward` needs; `backward` returns one gradient per row, and that of the states before the
# step where they enter the cell other than through R.


@dataclass(frozen=True)
class Cell:
    rows: tuple[str, ...]
    input: tuple[int, int]
    state: tuple[int, int]
    states: tuple[str, ...]
    forward: Callable
    backward: Callable
    kink: Callable = lambda saved: np.inf  # the least distance of a pre-activation from a kink


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


REFERENCE_CELLS = {
    "rnn_tanh": Cell(("h",), (0, 1), (0, 1), ("h",), rnn_tanh_forward, rnn_tanh_backward),
    "rnn_relu": Cell(
        ("h",), (0, 1), (0, 1), ("h",), rnn_relu_forward, rnn_relu_backward, lambda saved: np.abs(saved).min()
    ),
    "gru": Cell(("nx", "r", "z", "nh"), (0, 3), (1, 4), ("h",), gru_forward, gru_backward),
    "lstm": Cell(("i", "f", "g", "o"), (0, 4), (0, 4), ("h", "c"), lstm_forward, lstm_backward),
}

# -------------------- losses
# A loss sees outputs p (B, K, Q) and targets y (B, K, 1); it returns value and derivative of every one (B, K, Q).
# The loss of a target is the mean over its Q outputs.


@dataclass(frozen=True)
class Loss:
    parameters: tuple[str, ...]
    one_output_per_parameter: bool
    value: Callable
    derivative: Callable
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


def quantile_value(p, y, parameters):
    level = np.asarray(parameters)
    return np.maximum(level * (y - p), (level - 1.0) * (y - p))


def quantile_derivative(p, y, parameters):
    level = np.asarray(parameters)
    return np.where(y > p, -level, 1.0 - level)


REFERENCE_LOSSES = {
    "squared_error": Loss((), False, squared_error_value, squared_error_derivative),
    "absolute_error": Loss(
        (), False, absolute_error_value, absolute_error_derivative, lambda p, y, parameters: np.abs(p - y)
    ),
    "huber": Loss(
        ("delta",),
        False,
        huber_value,
        huber_derivative,
        lambda p, y, parameters: np.abs(np.abs(p - y) - parameters[0]),
    ),
    "quantile": Loss(("level",), True, quantile_value, quantile_derivative, lambda p, y, parameters: np.abs(p - y)),
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


# -------------------- gather


class Batch(NamedTuple):
    past: np.ndarray  # (B, T, I)
    target: np.ndarray  # (B, K), NaN where missing
    extra: np.ndarray  # (B, E)
    weight: np.ndarray  # (B,)


def anchors(x, anchor, n, steps=0, season=0, floor=None):
    """What the kinds of `anchor` (I,) take off one window x (T, I) and the n steps after it, and what they divide by.

    Both are (T + n, I); `floor` (I,) is the least that a deviation counts for.
    """
    T = len(x)
    centre, phase = np.zeros((T + n, x.shape[1])), np.arange(T + n)
    spread = np.ones(centre.shape)
    for c, kind in enumerate(anchor):
        newest = x[T - (steps or T) :, c]
        if kind == 1:
            centre[:, c] = x[-1, c]
        elif kind in (2, 3):
            centre[:, c] = newest.sum() / len(newest)
        elif kind == 4:
            centre[:, c] = [x[p % season :: season, c].mean() for p in phase]
        if kind == 3:
            deviation = np.sqrt(((newest - centre[0, c]) ** 2).sum() / len(newest))
            spread[:, c] = max(deviation, 1e-3 * abs(centre[0, c]) if floor is None else floor[c]) or 1.0
    return centre, spread


def gather(
    index,
    past,
    lookback,
    origin=None,
    past_stride=1,
    past_shift=0,
    target=None,
    horizon=0,
    target_stride=1,
    target_shift=0,
    extra=None,
    future=None,
    static=None,
    starts=None,
    weight=None,
    anchor=None,
    target_anchor=None,
    past_mean=0.0,
    past_scale=1.0,
    target_mean=0.0,
    target_scale=1.0,
    extra_mean=0.0,
    extra_scale=1.0,
    padding=0,
    anchor_steps=0,
    season=0,
    anchor_floor=None,
):
    """The windows `index` of a source, window by window; the arguments are those of `Source`."""
    past_rows, target_rows, extra_rows = [], [], []
    for w in index:
        base = w if origin is None else int(origin[w])
        start, ahead = base * past_stride + past_shift, base * target_stride + target_shift
        x = np.asarray(past[start : start + lookback], dtype=float)
        newest = start + lookback - 1
        series = 0 if starts is None else next(s for s in range(len(starts) - 1) if starts[s] <= newest < starts[s + 1])
        floor = None if anchor_floor is None else anchor_floor[series if len(anchor_floor) > 1 else 0]
        kinds = np.zeros(x.shape[1]) if anchor is None else anchor
        centre, spread = anchors(x, kinds, horizon, anchor_steps, season, floor)
        x = (x - centre[:lookback]) / spread[:lookback]
        past_rows.append(np.concatenate([np.repeat(x[:1], padding, axis=0), x]))
        if target is not None:
            y = np.array(target[ahead : ahead + horizon], dtype=float)
            for column, channel in enumerate([] if target_anchor is None else target_anchor):
                if channel >= 0:
                    y[:, column] = (y[:, column] - centre[lookback:, channel]) / spread[lookback:, channel]
            target_rows.append(y.reshape(-1))
        beside = [] if extra is None else [extra[w]]
        beside += [] if future is None else list(future[ahead : ahead + horizon])
        if static is not None:
            beside.append(static[series])
        extra_rows.append(np.concatenate([np.asarray(part, dtype=float) for part in beside] or [np.zeros(0)]))
    B = len(index)
    target_rows = np.array(target_rows) if target is not None else np.zeros((B, 0))
    return Batch(
        (np.array(past_rows) - past_mean) / past_scale,
        (target_rows - target_mean) / target_scale,
        (np.array(extra_rows) - extra_mean) / extra_scale,
        np.ones(B) if weight is None else np.asarray(weight, dtype=float)[index],
    )


# -------------------- sequence and network


def layer_forward(cell, p, x, start):
    """x (T, B, I), start (S, B, H) -> the states before step 0, 1, ... T, and what each step saved."""
    states, saved = [tuple(start)], []
    for t in range(len(x)):
        h = states[t][0]
        a = []
        for k, row in enumerate(cell.rows):
            ak = p[f"b_{row}"]
            if cell.input[0] <= k < cell.input[1]:
                ak = ak + x[t] @ p[f"W_{row}"].T
            if cell.state[0] <= k < cell.state[1]:
                ak = ak + h @ p[f"R_{row}"].T
            a.append(np.broadcast_to(ak, h.shape))
        new, s = cell.forward(a, states[t])
        states.append(new)
        saved.append(s)
    return states, saved


def layer_backward(cell, p, x, states, saved, dy):
    """dy (T, B, H), the gradient of every h from above -> those of the parameters, of x and of the first states."""
    dp = {name: np.zeros_like(value) for name, value in p.items()}
    dx = np.zeros_like(x)
    dstates = [np.zeros_like(s) for s in states[0]]
    for t in reversed(range(len(x))):
        h = states[t][0]
        dstates[0] = dstates[0] + dy[t]
        da, dstates = cell.backward(saved[t], states[t], dstates)
        dstates = list(dstates)
        for k, row in enumerate(cell.rows):
            dp[f"b_{row}"] += da[k].sum(axis=0)
            if cell.input[0] <= k < cell.input[1]:
                dp[f"W_{row}"] += da[k].T @ x[t]
                dx[t] += da[k] @ p[f"W_{row}"]
            if cell.state[0] <= k < cell.state[1]:
                dp[f"R_{row}"] += da[k].T @ h
                dstates[0] = dstates[0] + da[k] @ p[f"R_{row}"]
    return dp, dx, np.array(dstates)


@dataclass(frozen=True)
class Network:
    """The arguments are those of the core's `Network`; dropout comes as masks, already divided by 1 - rate."""

    cell: str
    steps: int
    inputs: int
    hidden: int
    layers: int
    targets: int
    extra: int = 0
    loss: str = "squared_error"
    loss_parameters: tuple[float, ...] = ()

    @property
    def levels(self):
        return len(self.loss_parameters) if REFERENCE_LOSSES[self.loss].one_output_per_parameter else 1

    @property
    def n_outputs(self):
        return self.targets * self.levels

    @property
    def layout(self):
        """(name, offset, shape) in storage order."""
        cell, H = REFERENCE_CELLS[self.cell], self.hidden
        shapes = []
        for layer in range(self.layers):
            inputs = H if layer else self.inputs
            shapes += [(f"{layer}.W_{row}", (H, inputs)) for row in cell.rows[slice(*cell.input)]]
            shapes += [(f"{layer}.R_{row}", (H, H)) for row in cell.rows[slice(*cell.state)]]
            shapes += [(f"{layer}.b_{row}", (H,)) for row in cell.rows]
        shapes += [("head.W", (self.n_outputs, H + self.extra)), ("head.b", (self.n_outputs,))]
        offsets = np.cumsum([0] + [int(np.prod(shape)) for _, shape in shapes]).tolist()
        return [(name, offset, shape) for (name, shape), offset in zip(shapes, offsets[:-1], strict=True)]

    @property
    def n_parameters(self):
        _, offset, shape = self.layout[-1]
        return offset + int(np.prod(shape))

    def views(self, theta):
        """Name -> that part of theta."""
        return {name: theta[at : at + int(np.prod(shape))].reshape(shape) for name, at, shape in self.layout}

    def _layer(self, parameters, layer):
        prefix = f"{layer}."
        return {name[len(prefix) :]: value for name, value in parameters.items() if name.startswith(prefix)}

    def forward(self, theta, batch, initial=None, masks=None):
        """Outputs (B, K * Q), and per layer its input, its states and what its steps saved; and the head's input."""
        cell, p = REFERENCE_CELLS[self.cell], self.views(np.asarray(theta, dtype=float))
        B = len(batch.past)
        if initial is None:
            initial = np.zeros((self.layers, len(cell.states), B, self.hidden))
        x, trace = batch.past.transpose(1, 0, 2), []
        for layer in range(self.layers):
            states, saved = layer_forward(cell, self._layer(p, layer), x, initial[layer])
            trace.append((x, states, saved))
            x = np.array([s[0] for s in states[1:]])
            x = x if masks is None else x * masks[layer]
        u = np.concatenate([x[-1], batch.extra], axis=1)
        return u @ p["head.W"].T + p["head.b"], trace, u

    def loss_and_derivative(self, outputs, batch):
        """Mean over windows and observed targets, weighted by window; and its derivative by the outputs."""
        loss, B = REFERENCE_LOSSES[self.loss], len(outputs)
        p = outputs.reshape(B, self.targets, self.levels)
        seen = ~np.isnan(batch.target)[:, :, None]
        y = np.where(seen, batch.target[:, :, None], 0.0)
        weight = np.broadcast_to(batch.weight[:, None, None] * seen, p.shape) / self.levels
        total = weight.sum()
        if total == 0.0:
            return 0.0, np.zeros_like(outputs)
        value = (weight * loss.value(p, y, self.loss_parameters)).sum() / total
        derivative = weight * loss.derivative(p, y, self.loss_parameters) / total
        return float(value), derivative.reshape(B, -1)

    def gradient(self, theta, batch, initial=None, masks=None):
        """Everything that the core's `gradient` returns, under the same names."""
        cell, p = REFERENCE_CELLS[self.cell], self.views(np.asarray(theta, dtype=float))
        outputs, trace, u = self.forward(theta, batch, initial, masks)
        loss, dp = self.loss_and_derivative(outputs, batch)
        dtheta = np.zeros(self.n_parameters)
        d = self.views(dtheta)
        d["head.W"] += dp.T @ u
        d["head.b"] += dp.sum(axis=0)
        du = dp @ p["head.W"]
        dy = np.zeros((self.steps, len(outputs), self.hidden))
        dy[-1] = du[:, : self.hidden]
        dinitial = []
        for layer in reversed(range(self.layers)):
            dy = dy if masks is None else dy * masks[layer]
            x, states, saved = trace[layer]
            dlayer, dy, dstart = layer_backward(cell, self._layer(p, layer), x, states, saved, dy)
            for name, value in dlayer.items():
                d[f"{layer}.{name}"] += value
            dinitial.insert(0, dstart)
        return {
            "loss": loss,
            "outputs": outputs,
            "theta": dtheta,
            "past": dy.transpose(1, 0, 2),
            "extra": du[:, self.hidden :],
            "initial": np.array(dinitial),
        }

    def distance_from_kinks(self, theta, batch, initial=None):
        """How far the nearest pre-activation and the nearest observed target are from a kink of cell and loss."""
        cell, loss = REFERENCE_CELLS[self.cell], REFERENCE_LOSSES[self.loss]
        outputs, trace, _ = self.forward(theta, batch, initial)
        nearest = min(cell.kink(s) for _, _, saved in trace for s in saved)
        p = outputs.reshape(len(outputs), self.targets, self.levels)
        seen = ~np.isnan(batch.target)[:, :, None]
        distance = loss.kink(p, np.where(seen, batch.target[:, :, None], 0.0), self.loss_parameters)
        return float(min(nearest, np.where(seen, distance, np.inf).min(initial=np.inf)))

    def train(self, theta, optimizer, batches, rate, clip_norm=None, clip_value=None, **constants):
        """One step per batch from fresh optimiser state -> theta, losses, norms before clipping, state."""
        theta = np.array(theta, dtype=float)
        state = {"steps": 0, "first": np.zeros_like(theta), "second": np.zeros_like(theta)}
        losses, norms = [], []
        for batch in batches:
            result = self.gradient(theta, batch)
            g = result["theta"]
            losses.append(result["loss"])
            norms.append(np.sqrt((g**2).sum()))
            state["steps"] += 1
            theta = REFERENCE_OPTIMIZERS[optimizer](theta, clip(g, clip_norm, clip_value), state, rate, **constants)
        return theta, np.array(losses), np.array(norms), state
