"""Writes the golden files of networks of several kinds of layers: what PyTorch answers for the same weights.

    pip install torch==2.13.0 && python tests/golden/make_layers.py

Weights and their gradients are stored under our names. As in make_golden.py the second bias of PyTorch is 0 and stays
there, but for the candidate of the GRU. Weights and windows are float32 numbers; all answers are computed in float64.
"""

from pathlib import Path

import numpy as np
import torch
from make_golden import INPUT_ROWS, ROWS, STATE_ROWS
from torch import nn

HERE = Path(__file__).parent
BATCH, STEPS, RATE = 16, 30, 0.01
RNN = {"gru": nn.GRU, "lstm": nn.LSTM}


class Bidirectional(nn.Module):
    """Two bidirectional layers; the head reads the last state of each direction of the upper one, and extra inputs."""

    def __init__(self, cell, inputs=3, hidden=5, targets=2, extra=2):
        super().__init__()
        self.rnn = RNN[cell](inputs, hidden, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden + extra, targets)

    def forward(self, past, extra):
        states = self.rnn(past)[1]
        h = states[0] if isinstance(states, tuple) else states  # (layers * directions, B, H)
        return self.head(torch.cat([h[2], h[3], extra], dim=1))

    def named(self):
        yield from recurrent(self.rnn, 0, "0")
        yield from recurrent(self.rnn, 0, "0.reverse", "_reverse")
        yield from recurrent(self.rnn, 1, "1")
        yield from recurrent(self.rnn, 1, "1.reverse", "_reverse")
        yield from linear(self.head, "head")


class SegRNN(nn.Module):
    """Lin et al. (2023), arXiv:2308.11200, as published: parallel multi-step forecasts, the last value subtracted.

    Channels are independent; here a window is one channel, and `channel` says which.
    """

    def __init__(self, steps=24, segment=6, horizon=12, channels=4, width=8):
        super().__init__()
        self.segment, self.horizon, self.width = segment, horizon, width
        self.value_embedding = nn.Sequential(nn.Linear(segment, width), nn.ReLU())
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.positions = nn.Parameter(torch.randn(horizon // segment, width // 2))
        self.channels = nn.Parameter(torch.randn(channels, width // 2))
        self.predict = nn.Linear(width, segment)

    def forward(self, past, channel):
        last = past[:, -1:]
        x = self.value_embedding((past - last).reshape(len(past), -1, self.segment))
        _, state = self.rnn(x)
        count = self.horizon // self.segment
        positions = self.positions.unsqueeze(0).repeat(len(past), 1, 1)
        channels = self.channels[channel].unsqueeze(1).repeat(1, count, 1)
        decoded = torch.cat([positions, channels], dim=-1).view(-1, 1, self.width)
        _, states = self.rnn(decoded, state.repeat(1, 1, count).view(1, -1, self.width))
        return self.predict(states).view(-1, self.horizon) + last

    def named(self):
        yield from linear(self.value_embedding[0], "segment")
        yield from recurrent(self.rnn, 0, "0")
        yield "decoder.positions.b", lambda of: of(self.positions)
        yield from linear(self.predict, "head")
        yield "series.V", lambda of: torch.cat([of(self.channels), torch.zeros(1, self.width // 2)])  # none is unknown


class Steps(nn.Module):
    """A decoder over the steps of the horizon: each reads its known future, itself read in both directions."""

    def __init__(self, cell, inputs=2, future=2, static=1, horizon=5, hidden=6, size=3, width=7):
        super().__init__()
        self.encoder = RNN[cell](inputs, hidden, batch_first=True)
        self.future = RNN[cell](future, size, batch_first=True, bidirectional=True)
        self.context = nn.Linear(hidden + inputs + static, width, bias=False)
        self.hidden = nn.Linear(future + 2 * size, width, bias=False)
        self.positions = nn.Parameter(torch.randn(horizon, width) / 2)
        self.head = nn.Linear(width, 1)

    def forward(self, past, future, static):
        h = self.encoder(past)[0][:, -1]
        context = self.context(torch.cat([h, past[:, -1], static], dim=1))
        ahead = torch.cat([future, self.future(future)[0]], dim=2)
        return self.head(torch.relu(self.hidden(ahead) + self.positions + context[:, None])).squeeze(2)

    def named(self):
        yield from recurrent(self.encoder, 0, "0")
        yield from recurrent(self.future, 0, "future")
        yield from recurrent(self.future, 0, "future.reverse", "_reverse")
        yield from linear(self.context, "decoder.context")
        yield from linear(self.hidden, "decoder")
        yield "decoder.b", lambda of: of(self.positions)
        yield from linear(self.head, "head")


def linear(layer, name):
    yield f"{name}.W", lambda of: of(layer.weight)
    if layer.bias is not None:
        yield f"{name}.b", lambda of: of(layer.bias)


def recurrent(rnn, layer, name, direction=""):
    """Our names, each with how its part is cut out of PyTorch's stack of gates."""
    cell, hidden = ("gru" if isinstance(rnn, nn.GRU) else "lstm"), rnn.hidden_size

    def part(kind, place):
        stack = getattr(rnn, f"{kind}_l{layer}{direction}")
        return lambda of: of(stack)[place * hidden : (place + 1) * hidden]

    for row in INPUT_ROWS[cell]:
        yield f"{name}.W_{row}", part("weight_ih", ROWS[cell][row])
    for row in STATE_ROWS[cell]:
        yield f"{name}.R_{row}", part("weight_hh", ROWS[cell][row])
    for row, place in ROWS[cell].items():
        yield f"{name}.b_{row}", part("bias_hh" if row == "nh" else "bias_ih", place)


def freeze_second_bias(model):
    """Zero, and a gradient of zero, so that Adam leaves it where it is."""
    for rnn in (module for module in model.modules() if isinstance(module, nn.RNNBase)):
        for name, bias in rnn.named_parameters():
            if name.startswith("bias_hh"):
                keep = torch.zeros_like(bias)
                if isinstance(rnn, nn.GRU):
                    keep[2 * rnn.hidden_size :] = 1.0
                with torch.no_grad():
                    bias *= keep
                bias.register_hook(lambda gradient, keep=keep: gradient * keep)


def answers(model, inputs, target, order):
    """Outputs of all windows, loss and gradients of the first batch, and the loss curve of Adam."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.float().double())
    freeze_second_bias(model)
    found = {f"weights/{name}": cut(lambda p: p).detach().numpy().astype(np.float32) for name, cut in model.named()}
    with torch.no_grad():
        found["outputs"] = model(*inputs).numpy()
    first = [x[order[:BATCH]].clone().requires_grad_(x.is_floating_point()) for x in inputs]
    loss = nn.functional.mse_loss(model(*first), target[order[:BATCH]])
    loss.backward()
    found["loss"] = np.array(loss.item())
    found |= {f"gradient/{name}": cut(lambda p: p.grad).numpy().copy() for name, cut in model.named()}
    for number, x in enumerate(first):
        if x.is_floating_point():
            found[f"input_gradient/{number}"] = x.grad.numpy()
    optimizer, curve = torch.optim.Adam(model.parameters(), lr=RATE), []
    for index in order.reshape(-1, BATCH):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(*[x[index] for x in inputs]), target[index])
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
    return found | {"curve": np.array(curve)}


def drawn(rng, *shape):
    return torch.tensor(rng.normal(size=shape).astype(np.float32)).double()


def make(name, model, windows, inputs, target, order=None):
    """`inputs` by name, in the order in which the model takes them."""
    rng = np.random.default_rng(3)
    if order is None:
        order = np.concatenate([rng.permutation(windows)[:BATCH] for _ in range(STEPS)])
    target = target.float().double()
    arrays = {key: x.numpy().astype(np.float32 if x.is_floating_point() else np.int64) for key, x in inputs.items()}
    arrays |= {"target": target.numpy().astype(np.float32), "order": order}
    np.savez_compressed(HERE / f"{name}.npz", **arrays, **answers(model, list(inputs.values()), target, order))


def make_bidirectional(cell):
    rng, windows = np.random.default_rng(11), 40
    past, extra = drawn(rng, windows, 9, 3), drawn(rng, windows, 2)
    target = torch.tanh(past.sum(dim=(1, 2)))[:, None] + drawn(rng, windows, 2) / 4
    make(f"bidirectional_{cell}", Bidirectional(cell).double(), windows, {"past": past, "extra": extra}, target)


def make_segrnn():
    """Every batch has all channels, as published."""
    rng, each, channels = np.random.default_rng(12), 12, 4
    level = drawn(rng, each * channels, 1) * 3
    past = level + torch.cumsum(drawn(rng, each * channels, 24) / 4, dim=1)
    past = past.float().double()
    channel = torch.arange(channels).repeat_interleave(each)
    target = past[:, -1:] + torch.sin(torch.arange(12.0).double()) * (channel[:, None] - 1.5) / 2
    order = np.concatenate(
        [np.concatenate([c * each + rng.permutation(each)[:4] for c in range(channels)]) for _ in range(STEPS)]
    )
    make("segrnn", SegRNN().double(), len(past), {"past": past, "channel": channel}, target, order)


def make_steps(cell):
    rng, windows = np.random.default_rng(13), 40
    past, future, static = drawn(rng, windows, 8, 2), drawn(rng, windows, 5, 2), drawn(rng, windows, 1)
    target = past[:, -1, :1] + torch.cumsum(future.sum(dim=2), dim=1) / 3 + static
    inputs = {"past": past, "future": future, "static": static}
    make(f"steps_{cell}", Steps(cell).double(), windows, inputs, target)


def make_sparse_adam():
    """A table whose batches read some of its rows: moments and values of the others stay, the bias counts all steps."""
    rng = np.random.default_rng(14)
    table, rows, gradients = rng.normal(size=(5, 3)), [[0, 2], [2], [4, 0], [2, 4]], rng.normal(size=(4, 2, 3))
    p = nn.Parameter(torch.tensor(table))
    # PyTorch adds epsilon before the bias is corrected, so it has to be too small to matter.
    optimizer, path = torch.optim.SparseAdam([p], lr=0.05, betas=(0.8, 0.95), eps=1e-300), []
    for read, gradient in zip(rows, gradients, strict=True):
        p.grad = torch.sparse_coo_tensor([read], torch.tensor(gradient[: len(read)]), table.shape, dtype=torch.float64)
        optimizer.step()
        path.append(p.detach().numpy().copy())
    read = np.array([[row in batch for row in range(5)] for batch in rows])
    dense = np.zeros((4, 5, 3))
    for step, batch in enumerate(rows):
        dense[step, batch] = gradients[step, : len(batch)]
    np.savez_compressed(HERE / "sparse_adam.npz", table=table, read=read, gradients=dense, path=np.array(path))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7)
    for cell in RNN:
        make_bidirectional(cell)
        make_steps(cell)
    make_segrnn()
    make_sparse_adam()
