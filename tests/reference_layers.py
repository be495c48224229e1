"""The oracle's layers: every kind, forward above backward, in plain float64 NumPy.

A stream is (B, steps, width). `forward` gets a layer, the streams that it reads (`added` last), its weights by short
name ("W", "b_r"; a table has the name of its layer, "" here) and the run; it returns its output and what `backward`
needs. `backward` returns the gradients of the streams in the same order, and of the weights.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from reference_attention import attention_backward, attention_forward, attention_weights
from reference_decay import decay_at, decay_backward
from reference_formulas import REFERENCE_CELLS, sigmoid


@dataclass
class Run:
    """What belongs to one pass over one batch next to streams and weights."""

    spec: object
    levels: int  # outputs per target
    batch: object
    initial: dict = field(default_factory=dict)  # recurrent layer without `start` -> (S, B, H); zeros where absent
    masks: dict = field(default_factory=dict)  # dropout layer -> (B, steps, width), divided by 1 - rate; also of a
    # recurrent layer: "<name>.hidden" -> (B, H), divided by 1 - rate; "<name>.kept" -> (B, steps, H), 0 or 1; of an
    # embedding -> (B, steps) bool: steps that read the row of unknown codes
    left_out: dict = field(default_factory=dict)  # lookup layer -> (B,) bool: windows that read the unknown row
    last: dict = field(default_factory=dict)  # recurrent layer -> its last states (S, B, H)
    dlast: dict = field(default_factory=dict)  # their gradients, from the layers that start with them
    dinitial: dict = field(default_factory=dict)  # recurrent layer without `start` -> (S, B, H)
    taught: object = False  # (B, steps) bool: where a decoder that feeds itself reads the true target, if it is known
    outputs: object = None  # what it feeds back, (B, steps, width): of the pass before
    doutputs: object = 0.0  # its gradient

    def shape(self, layer):
        """(steps, width) of the layer's output."""
        output = self.spec.streams[layer.output]
        return output.steps, output.width

    def row(self):
        B = len(self.batch.weight)
        return np.full(B, -1) if self.batch.row is None else self.batch.row


@dataclass(frozen=True)
class Kind:
    weights: Callable  # (layer, widths of its inputs, (steps, width) of its output) -> [(short name, shape)] as stored
    forward: Callable  # (layer, x, p, run) -> output, saved
    backward: Callable  # (layer, x, p, run, saved, dout) -> gradients of x, gradients of p
    table: bool = False  # a table: it is at the end of theta, and only rows that a batch reads are stepped
    rows_read: Callable | None = None  # of a table: (layer, run) -> row of every window, -1 where none is read
    kink: Callable = lambda layer, saved: np.inf  # the least distance of a pre-activation from a kink


def no_weights(layer, widths, output):
    return []


# -------------------- recurrent: states_s = cell(x_s, states before s), from the first step to the last or reversed


def recurrent_weights(layer, widths, output):
    cell, (_, H) = REFERENCE_CELLS[layer.cell], output
    shapes = [(f"W_{row}", (H, widths[0])) for row in cell.rows[slice(*cell.input)]]
    shapes += [(f"R_{row}", (H, H)) for row in cell.rows[slice(*cell.state)]]
    shapes += [(f"b_{row}", (H,)) for row in cell.rows] + [(f"p_{name}", (H,)) for name in cell.vectors]
    return shapes + [(f"decay_{name}", (H,)) for name in "wb" if len(widths) > 1]


def times(layer, x):
    """The times of a layer's steps in the order in which they are computed."""
    return list(range(x.shape[1]))[:: -1 if layer.reverse else 1]


def masks_of(layer, run):
    """What h is multiplied by before R, and what share of its states of before a unit keeps at step t."""
    hidden, kept = run.masks.get(f"{layer.name}.hidden", 1.0), run.masks.get(f"{layer.name}.kept")
    return hidden, lambda t: layer.zoneout if kept is None else kept[:, t]


def recurrent_step(cell, p, x, states, hidden=1.0):
    """One step: x (B, I) and the states before it -> the states after it, and what `cell.backward` needs."""
    a, h = [], states[0] * hidden
    for k, row in enumerate(cell.rows):
        ak = p[f"b_{row}"]
        if cell.input[0] <= k < cell.input[1]:
            ak = ak + x @ p[f"W_{row}"].T
        if cell.state[0] <= k < cell.state[1]:
            ak = ak + h @ p[f"R_{row}"].T
        a.append(np.broadcast_to(ak, states[0].shape))
    return cell.forward(a, states, *cell.own(p))


def recurrent_forward(layer, x, p, run):
    (x, *elapsed), cell = x, REFERENCE_CELLS[layer.cell]
    _, H = run.shape(layer)
    zeros = np.zeros((len(cell.states), len(x), H))
    start = tuple(run.last[layer.start] if layer.start else run.initial.get(layer.name, zeros))
    h, saved, before, undecayed = np.zeros((*x.shape[:2], H)), {}, {}, {}
    (hidden, kept), chains = masks_of(layer, run), [start] * layer.dilation
    for n, t in enumerate(times(layer, x)):
        states = chains[n % layer.dilation]
        before[t] = undecayed[t] = start if layer.restart else states
        if elapsed:
            before[t] = (decay_at(layer, *elapsed, p, t)[1] * states[0],)
        made, saved[t] = recurrent_step(cell, p, x[:, t], before[t], hidden)
        states = tuple(kept(t) * s + (1.0 - kept(t)) * new for s, new in zip(before[t], made, strict=True))
        chains[n % layer.dilation] = states
        h[:, t] = states[0]
    run.last[layer.name] = np.array(states)
    kink = np.abs(elapsed[0] * p["decay_w"] + p["decay_b"]).min() if elapsed else np.inf
    return h, (before, saved, undecayed, kink)


def recurrent_backward(layer, x, p, run, kept, dh):
    (x, *elapsed), cell, (before, saved, undecayed, _) = x, REFERENCE_CELLS[layer.cell], kept
    dp = {name: np.zeros_like(value) for name, value in p.items()}
    dx, delapsed = np.zeros_like(x), [np.zeros_like(e) for e in elapsed]
    dstart, (hidden, kept) = np.zeros_like(run.last[layer.name]), masks_of(layer, run)
    carries = [list(np.zeros_like(dstart)) for _ in range(layer.dilation)]
    carries[(x.shape[1] - 1) % layer.dilation] = list(run.dlast.get(layer.name, np.zeros_like(dstart)))
    for n, t in reversed(list(enumerate(times(layer, x)))):
        h, dstates = before[t][0] * hidden, carries[n % layer.dilation]
        dstates[0] = dstates[0] + dh[:, t]
        past_cell = [kept(t) * d for d in dstates]
        dstates = [(1.0 - kept(t)) * d for d in dstates]
        da, dstates, *dvectors = cell.backward(saved[t], before[t], dstates, *cell.own(p))
        dstates = [d + kept_d for d, kept_d in zip(dstates, past_cell, strict=True)]
        for name, d in zip(cell.vectors, dvectors[0] if dvectors else (), strict=True):
            dp[f"p_{name}"] += d.sum(axis=0)
        for k, row in enumerate(cell.rows):
            dp[f"b_{row}"] += da[k].sum(axis=0)
            if cell.input[0] <= k < cell.input[1]:
                dp[f"W_{row}"] += da[k].T @ x[:, t]
                dx[:, t] += da[k] @ p[f"W_{row}"]
            if cell.state[0] <= k < cell.state[1]:
                dp[f"R_{row}"] += da[k].T @ h
                dstates[0] = dstates[0] + hidden * (da[k] @ p[f"R_{row}"])
        if elapsed:
            dstates = decay_backward(layer, *elapsed, p, t, undecayed[t][0], dstates, dp, *delapsed)
        if layer.restart:
            dstart += np.array(dstates)
            dstates = [np.zeros_like(d) for d in dstates]
        carries[n % layer.dilation] = dstates
    dstart += np.sum(carries, axis=0)
    if layer.start:
        run.dlast[layer.start] = run.dlast.get(layer.start, 0.0) + dstart
    else:
        run.dinitial[layer.name] = dstart
    return [dx, *delapsed], dp


def recurrent_kink(layer, kept):
    return min(kept[3], *(REFERENCE_CELLS[layer.cell].kink(saved) for saved in kept[1].values()))


# -------------------- dense: out_s = act(W [a_s ; b_s] + bias + added_s)


def broadcast(x, steps):
    """An input of one step is used at every step of the output."""
    return np.broadcast_to(x, (len(x), steps, x.shape[2]))


def gathered(dx, x):
    """The gradient of what was broadcast: the sum over the steps at which it was used."""
    return dx.sum(axis=1, keepdims=True) if x.shape[1] == 1 else dx


def parts(dx, inputs):
    """A gradient of [a ; b ; ...] cut into those of a, b, ..."""
    cuts = np.cumsum([x.shape[2] for x in inputs])[:-1]
    return [gathered(d, x) for d, x in zip(np.split(dx, cuts, axis=2), inputs, strict=True)]


def dense_weights(layer, widths, output):
    steps, width = output
    shapes = [("W", (width, sum(widths)))] if widths else []
    return shapes + {"none": [], "one": [("b", (width,))], "steps": [("b", (steps, width))]}[layer.bias]


def dense_forward(layer, x, p, run):
    steps, width = run.shape(layer)
    a = np.zeros((len(run.batch.weight), steps, width))
    inputs = x[: len(layer.inputs)]
    if inputs:
        a = a + np.concatenate([broadcast(u, steps) for u in inputs], axis=2) @ p["W"].T
    if layer.bias != "none":
        a = a + p["b"]
    if layer.added:
        a = a + x[-1]
    return (np.maximum(a, 0.0) if layer.activation == "relu" else a), a


def dense_backward(layer, x, p, run, a, dout):
    da = dout * (a > 0.0) if layer.activation == "relu" else dout
    dp, dx, inputs = {}, [], x[: len(layer.inputs)]
    if inputs:
        u = np.concatenate([broadcast(u, a.shape[1]) for u in inputs], axis=2)
        dp["W"] = np.einsum("bsn,bsm->nm", da, u)
        dx += parts(da @ p["W"], inputs)
    if layer.bias != "none":
        dp["b"] = da.sum(axis=0) if layer.bias == "steps" else da.sum(axis=(0, 1))
    if layer.added:
        dx.append(gathered(da, x[-1]))
    return dx, dp


def dense_kink(layer, a):
    return np.abs(a).min(initial=np.inf) if layer.activation == "relu" else np.inf


# -------------------- dropout: out = x * mask while training, else x


def dropout_forward(layer, x, p, run):
    mask = run.masks.get(layer.name, 1.0)
    return x[0] * mask, mask


def dropout_backward(layer, x, p, run, mask, dout):
    return [dout * mask], {}


# -------------------- concat: out_s = [a_s ; b_s ; ...]


def concat_forward(layer, x, p, run):
    return np.concatenate([broadcast(part, run.shape(layer)[0]) for part in x], axis=2), None


def concat_backward(layer, x, p, run, saved, dout):
    return parts(dout, x), {}


# -------------------- sum: out_s = a_s + b_s


def sum_forward(layer, x, p, run):
    return x[0] + x[1], None


def sum_backward(layer, x, p, run, saved, dout):
    return [dout, dout], {}


# -------------------- norm: out_s = g (x_s - mean) / sqrt(variance + epsilon) + b, over the features of each step

EPSILON = 1e-5


def norm_weights(layer, widths, output):
    return [("g", (output[1],)), ("b", (output[1],))]


def norm_forward(layer, x, p, run):
    centred = x[0] - x[0].mean(axis=2, keepdims=True)
    scale = 1.0 / np.sqrt((centred**2).mean(axis=2, keepdims=True) + EPSILON)
    return p["g"] * centred * scale + p["b"], (centred * scale, scale)


def norm_backward(layer, x, p, run, saved, dout):
    z, scale = saved
    e = dout * p["g"]
    dx = scale * (e - e.mean(axis=2, keepdims=True) - z * (e * z).mean(axis=2, keepdims=True))
    return [dx], {"g": (dout * z).sum(axis=(0, 1)), "b": dout.sum(axis=(0, 1))}


# -------------------- lookup: out = V[row]; the last row is the unknown series'


def lookup_weights(layer, widths, output):
    return [("", (layer.rows, output[1]))]


def lookup_rows(layer, run):
    row = np.where(run.left_out.get(layer.name, False), -1, run.row())
    return np.where(row < 0, layer.rows - 1, row)


def lookup_forward(layer, x, p, run):
    return p[""][lookup_rows(layer, run)][:, None], None


def lookup_backward(layer, x, p, run, saved, dout):
    dV = np.zeros_like(p[""])
    np.add.at(dV, lookup_rows(layer, run), dout[:, 0])
    return [], {"": dV}


# -------------------- embedding: out_s = V[code_s], the code as the source holds it; of an unknown one the last row


def embedding_rows(layer, run):
    """(B, steps): the row of every window and step."""
    view = run.spec.streams[layer.inputs[0]]
    raw = run.batch.raw[view.of].reshape(len(run.batch.weight), -1)
    codes = np.rint(raw[:, view.first + np.arange(view.steps) * view.pitch]).astype(int)
    known = layer.rows - (layer.rate > 0)
    unknown = (codes < 0) | (codes >= known) | run.masks.get(layer.name, False)
    return np.where(unknown, layer.rows - 1, codes)


def embedding_forward(layer, x, p, run):
    return p[""][embedding_rows(layer, run)], None


def embedding_backward(layer, x, p, run, saved, dout):
    dV = np.zeros_like(p[""])
    np.add.at(dV, embedding_rows(layer, run), dout)
    return [np.zeros_like(x[0])], {"": dV}


# -------------------- cycle_off: out = past - Q[row, channel, place in the cycle]; cycle_on puts it back on the targets


def cycle_weights(layer, widths, output):
    return [("", (layer.rows, layer.channels, layer.length))]


def cycle_rows(layer, run, rows=None):
    """A table of one row is shared by all windows; of one for each series an unknown series has none."""
    return np.zeros(len(run.batch.weight), dtype=int) if (rows or layer.rows) == 1 else run.row()


def past_places(layer, run, steps):
    """(B, steps): the phase in the cycle of each row of the past; padding has that of the oldest real row."""
    t = np.maximum(np.arange(steps) - run.batch.padding, 0)
    return (run.batch.phase[:, None] + t) % layer.length


def cycle_off_forward(layer, x, p, run):
    (past,), row = x, cycle_rows(layer, run, len(p[""]))
    out, known = past.copy(), row >= 0
    values = p[""][row[known, None], :, past_places(layer, run, past.shape[1])[known]]  # (B, T', channels)
    out[known, :, : layer.channels] -= values
    return out, None


def cycle_off_backward(layer, x, p, run, saved, dout):
    dQ, row = np.zeros_like(p[""]), cycle_rows(layer, run, len(p[""]))
    known, places = row >= 0, past_places(layer, run, dout.shape[1])
    rows = np.broadcast_to(row[:, None], places.shape)
    for channel in range(layer.channels):
        np.add.at(dQ[:, channel], (rows[known], places[known]), -dout[known, :, channel])
    return [dout], {"": dQ}


def target_places(layer, run, entries):
    """For each entry of the output its target k (-1: it belongs to none), column, and steps after the oldest row."""
    k = np.arange(entries) // run.levels
    lookback = run.spec.streams["past"].steps - run.batch.padding
    return np.where(k < run.spec.targets, k, -1), k % run.spec.columns, lookback + k // run.spec.columns


def cycle_on_forward(layer, x, p, run):
    (joined,), row = x, cycle_rows(layer, run, len(p[""]))
    flat = joined.reshape(len(joined), -1).copy()
    k, column, ahead = target_places(layer, run, flat.shape[1])
    ratio = np.ones(run.spec.targets) if run.batch.ratio is None else np.asarray(run.batch.ratio)
    for entry in np.flatnonzero(k >= 0):
        place = (run.batch.phase + ahead[entry]) % layer.length
        flat[:, entry] += np.where(row >= 0, ratio[k[entry]] * p[""][row, column[entry], place], 0.0)
    return flat.reshape(joined.shape), ratio


def cycle_on_backward(layer, x, p, run, ratio, dout):
    dQ, row = np.zeros_like(p[""]), cycle_rows(layer, run, len(p[""]))
    flat, known = dout.reshape(len(dout), -1), row >= 0
    k, column, ahead = target_places(layer, run, flat.shape[1])
    for entry in np.flatnonzero(k >= 0):
        place = (run.batch.phase + ahead[entry]) % layer.length
        np.add.at(dQ[:, column[entry]], (row[known], place[known]), ratio[k[entry]] * flat[known, entry])
    return [dout], {"": dQ}


# -------------------- mlstm: h = o (C q) / max(|n q|, e^-m) of every head; its inputs are q, k, v, [o ; i ; f]


def heads_of(layer, x):
    """(B, T, heads, d)."""
    return x.reshape(*x.shape[:2], layer.heads, -1)


def mlstm_gates(layer, x):
    """a_o (B, T, heads, d), a_i and a_f (B, T, heads)."""
    width = x[0].shape[2]
    return (heads_of(layer, x[3][:, :, :width]), *np.split(x[3][:, :, width:], 2, axis=2))


def mlstm_forward(layer, x, p, run):
    q, k, v = (heads_of(layer, part) for part in x[:3])
    a_o, a_i, a_f = mlstm_gates(layer, x)
    B, _, heads, d = q.shape
    k, o = k / np.sqrt(d), sigmoid(a_o)
    C, n, m = np.zeros((B, heads, d, d)), np.zeros((B, heads, d)), np.zeros((B, heads))
    h, saved = np.zeros_like(q), {}
    for t in times(layer, x[0]):
        before = C, n
        new_m = np.maximum(a_f[:, t] + m, a_i[:, t])
        i, f, m = np.exp(a_i[:, t] - new_m), np.exp(a_f[:, t] + m - new_m), new_m
        C = f[..., None, None] * C + i[..., None, None] * v[:, t, :, :, None] * k[:, t, :, None, :]
        n = f[..., None] * n + i[..., None] * k[:, t]
        s, bound = (n * q[:, t]).sum(axis=-1), np.exp(-m)
        mean = np.einsum("bhvk,bhk->bhv", C, q[:, t]) / np.maximum(np.abs(s), bound)[..., None]
        h[:, t] = o[:, t] * mean
        saved[t] = before, (C, n), (i, f), (s, bound), mean
    return h.reshape(x[0].shape), (k, o, saved)


def mlstm_backward(layer, x, p, run, kept, dh):
    k, o, saved = kept
    q, v, dh = heads_of(layer, x[0]), heads_of(layer, x[2]), heads_of(layer, dh)
    dq, dk, dv, do = (np.zeros_like(q) for _ in range(4))
    da_i, da_f = np.zeros(q.shape[:3]), np.zeros(q.shape[:3])
    dC, dn = 0.0, 0.0
    for t in reversed(times(layer, x[0])):
        (old_C, old_n), (C, n), (i, f), (s, bound), mean = saved[t]
        do[:, t] = dh[:, t] * mean * o[:, t] * (1.0 - o[:, t])
        dmean = dh[:, t] * o[:, t]
        size = np.maximum(np.abs(s), bound)
        dtop = dmean / size[..., None]
        ds = np.where(np.abs(s) > bound, -np.sign(s) * (dmean * mean).sum(axis=-1) / size, 0.0)
        dq[:, t] = np.einsum("bhvk,bhv->bhk", C, dtop) + ds[..., None] * n
        dC = dC + dtop[..., :, None] * q[:, t, :, None, :]
        dn = dn + ds[..., None] * q[:, t]
        from_v = np.einsum("bhvk,bhv->bhk", dC, v[:, t]) + dn
        dk[:, t] = i[..., None] * from_v
        dv[:, t] = i[..., None] * np.einsum("bhvk,bhk->bhv", dC, k[:, t])
        da_i[:, t] = i * (from_v * k[:, t]).sum(axis=-1)
        da_f[:, t] = f * ((dC * old_C).sum(axis=(-1, -2)) + (dn * old_n).sum(axis=-1))
        dC, dn = f[..., None, None] * dC, f[..., None] * dn
    flat = [d.reshape(x[0].shape) for d in (dq, dk / np.sqrt(q.shape[3]), dv, do)]
    return [*flat[:3], np.concatenate([flat[3], da_i, da_f], axis=2)], {}


def mlstm_kink(layer, kept):
    """Where |n q| is the bound: the distance of their ratio from 1."""
    return min(float(np.abs(np.abs(s) / bound - 1.0).min()) for _, _, _, (s, bound), _ in kept[2].values())


# -------------------- feed: out_0 = x, out_s = scale z + shift of the step before; z is the output, or the true target


def read_back(layer, run):
    """(B, steps - 1, columns): what is read of every step but the last, and where it is the true target."""
    columns = run.spec.columns
    B, steps, _ = run.outputs.shape
    own = run.outputs.reshape(B, steps, columns, run.levels)[..., layer.level]
    true = run.batch.target.reshape(B, steps, columns)
    taught = np.broadcast_to(np.asarray(run.taught)[..., None], true.shape)[:, 1:] & ~np.isnan(true)[:, :-1]
    return np.where(taught, true[:, :-1], own[:, :-1]), taught


def feed_scale(run, steps, which):
    return np.broadcast_to(run.batch.fed[which], (steps * run.spec.columns,)).reshape(steps, -1)[:-1]


def feed_forward(layer, x, p, run):
    (steps, _), (newest,) = run.shape(layer), x
    z, taught = read_back(layer, run)
    return np.concatenate([newest, feed_scale(run, steps, 0) * z + feed_scale(run, steps, 1)], axis=1), taught


def feed_backward(layer, x, p, run, taught, dout):
    back = np.zeros((*run.outputs.shape[:2], run.spec.columns, run.levels))
    back[:, :-1, :, layer.level] = np.where(taught, 0.0, feed_scale(run, dout.shape[1], 0) * dout[:, 1:])
    run.doutputs = back.reshape(run.outputs.shape)
    return [dout[:, :1]], {}


REFERENCE_LAYERS = {
    "recurrent": Kind(recurrent_weights, recurrent_forward, recurrent_backward, kink=recurrent_kink),
    "dense": Kind(dense_weights, dense_forward, dense_backward, kink=dense_kink),
    "dropout": Kind(no_weights, dropout_forward, dropout_backward),
    "concat": Kind(no_weights, concat_forward, concat_backward),
    "sum": Kind(no_weights, sum_forward, sum_backward),
    "norm": Kind(norm_weights, norm_forward, norm_backward),
    "lookup": Kind(lookup_weights, lookup_forward, lookup_backward, table=True, rows_read=lookup_rows),
    "embedding": Kind(lookup_weights, embedding_forward, embedding_backward, table=True, rows_read=embedding_rows),
    "cycle_off": Kind(cycle_weights, cycle_off_forward, cycle_off_backward, table=True, rows_read=cycle_rows),
    "attention_dot": Kind(attention_weights, attention_forward, attention_backward),
    "attention_additive": Kind(attention_weights, attention_forward, attention_backward),
    "feed": Kind(no_weights, feed_forward, feed_backward),
    "cycle_on": Kind(cycle_weights, cycle_on_forward, cycle_on_backward, table=True, rows_read=cycle_rows),
    "mlstm": Kind(no_weights, mlstm_forward, mlstm_backward, kink=mlstm_kink),
}
