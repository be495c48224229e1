"""Writes the golden files next to it: what PyTorch answers for the same weights and windows.

    pip install torch==2.13.0 && python tests/golden/make_golden.py

Here a row has one bias, in PyTorch two. Its second is frozen at 0, but for the GRU's candidate, where the bias inside
the reset product, b_hn, is a row of its own (nh). Gates are stored in our order: PyTorch's LSTM has i, f, g, o as here,
its GRU r, z, n. Weights and windows are rounded to float32, so that both dtypes start from the same numbers.
"""

from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
SHAPES = {
    "small": dict(steps=9, inputs=3, hidden=5, layers=1, targets=2, extra=0),
    "deep": dict(steps=12, inputs=2, hidden=7, layers=2, targets=3, extra=2),
    "single": dict(steps=6, inputs=1, hidden=16, layers=1, targets=1, extra=1),
}
ROWS = {  # ours -> the place in PyTorch's stack of gates
    "rnn_tanh": {"h": 0},
    "rnn_relu": {"h": 0},
    "gru": {"nx": 2, "r": 0, "z": 1, "nh": 2},
    "lstm": {"i": 0, "f": 1, "g": 2, "o": 3},
}
INPUT_ROWS = {cell: [row for row in rows if row != "nh"] for cell, rows in ROWS.items()}
STATE_ROWS = {cell: [row for row in rows if row != "nx"] for cell, rows in ROWS.items()}
WINDOWS, BATCH, STEPS, RATE = 48, 16, 50, 0.01


def make_model(cell, inputs, hidden, layers, targets, extra, **_):
    kinds = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    if cell in kinds:
        rnn = kinds[cell](inputs, hidden, layers, batch_first=True)
    else:
        rnn = torch.nn.RNN(inputs, hidden, layers, nonlinearity=cell.removeprefix("rnn_"), batch_first=True)
    return torch.nn.ModuleDict({"rnn": rnn, "head": torch.nn.Linear(hidden + extra, targets)})


def freeze_second_bias(cell, model, hidden, layers):
    """Zero, and a gradient of zero, so that Adam leaves it where it is."""
    keep = torch.zeros(len(model["rnn"].bias_hh_l0), dtype=next(model.parameters()).dtype)
    if cell == "gru":
        keep[2 * hidden :] = 1.0
    for layer in range(layers):
        bias = getattr(model["rnn"], f"bias_hh_l{layer}")
        with torch.no_grad():
            bias *= keep
        bias.register_hook(lambda gradient: gradient * keep)


def flat(cell, model, hidden, layers, of):
    """Weights (or gradients) in the storage order of the core."""
    rnn, parts = model["rnn"], []

    def gate(name, layer, place):
        return of(getattr(rnn, f"{name}_l{layer}"))[place * hidden : (place + 1) * hidden].reshape(-1)

    for layer in range(layers):
        parts += [gate("weight_ih", layer, ROWS[cell][row]) for row in INPUT_ROWS[cell]]
        parts += [gate("weight_hh", layer, ROWS[cell][row]) for row in STATE_ROWS[cell]]
        for row, place in ROWS[cell].items():
            parts.append(gate("bias_hh" if row == "nh" else "bias_ih", layer, place))
    parts += [of(model["head"].weight).reshape(-1), of(model["head"].bias).reshape(-1)]
    return torch.cat(parts).detach().numpy().copy()


def outputs_of(model, past, extra, initial=None):
    sequence, _ = model["rnn"](past) if initial is None else model["rnn"](past, initial)
    return model["head"](torch.cat([sequence[:, -1], extra], dim=1))


def make_case(cell, shape, dtype, data):
    """Outputs, gradients with an initial state, and the loss curve of 50 Adam steps."""
    torch.manual_seed(7)
    hidden, layers = shape["hidden"], shape["layers"]
    model = make_model(cell, **shape).to(dtype)
    freeze_second_bias(cell, model, hidden, layers)
    past, extra, target = (torch.tensor(data[name], dtype=dtype) for name in ("past", "extra", "target"))
    initial = torch.tensor(data["initial"], dtype=dtype).requires_grad_()
    weights = flat(cell, model, hidden, layers, lambda p: p)
    assert np.array_equal(weights, weights.astype(np.float32)), "weights start as float32 numbers"
    with torch.no_grad():
        outputs = outputs_of(model, past, extra).numpy()

    x, e = past[:BATCH].clone().requires_grad_(), extra[:BATCH].clone().requires_grad_()
    start = (initial[:, 0], initial[:, 1]) if cell == "lstm" else initial[:, 0]
    loss = torch.nn.functional.mse_loss(outputs_of(model, x, e, start), target[:BATCH])
    loss.backward()
    case = {
        "theta": weights.astype(np.float32),
        "outputs": outputs,
        "loss": loss.detach().numpy(),
        "gradient_theta": flat(cell, model, hidden, layers, lambda p: p.grad),
        "gradient_past": x.grad.numpy(),
        "gradient_extra": e.grad.numpy(),
        "gradient_initial": initial.grad.numpy(),
    }

    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    curve = []
    for batch in torch.from_numpy(data["order"]).reshape(STEPS, BATCH):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(outputs_of(model, past[batch], extra[batch]), target[batch])
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
    return case | {"curve": np.array(curve)}


def make_data(cell, steps, inputs, hidden, layers, targets, extra):
    rng = np.random.default_rng(11)
    states = 2 if cell == "lstm" else 1
    past = rng.normal(size=(WINDOWS, steps, inputs)).astype(np.float32)
    return {
        "past": past,
        "extra": rng.normal(size=(WINDOWS, extra)).astype(np.float32),
        "target": (np.tanh(past.sum(axis=(1, 2)))[:, None] + rng.normal(size=(WINDOWS, targets)) / 4).astype(
            np.float32
        ),
        "initial": (rng.normal(size=(layers, states, BATCH, hidden)) / 2).astype(np.float32),
        "order": np.concatenate([rng.permutation(WINDOWS)[:BATCH] for _ in range(STEPS)]),
    }


def make_cells():
    for cell in ROWS:
        arrays = {}
        for name, shape in SHAPES.items():
            data = make_data(cell, **shape)
            arrays |= {f"{name}/{key}": value for key, value in data.items()}
            arrays |= {f"{name}/shape/{key}": np.array(value) for key, value in shape.items()}
            for dtype in ("float32", "float64"):
                torch.set_default_dtype(torch.float32)  # the same draws of the weights for both
                case = make_case(cell, shape, getattr(torch, dtype), data)
                arrays |= {f"{name}/{dtype}/{key}": value for key, value in case.items()}
        np.savez_compressed(HERE / f"{cell}.npz", **arrays)


def make_optimizers():
    """Parameters after each of 8 steps along given gradients, in float64."""
    cases = {
        "sgd": (torch.optim.SGD, dict(weight_decay=0.03)),
        "sgd_momentum": (torch.optim.SGD, dict(momentum=0.8, weight_decay=0.03)),
        "adam": (torch.optim.Adam, dict(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.03)),
        "adamw": (torch.optim.AdamW, dict(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.03)),
        "rmsprop": (torch.optim.RMSprop, dict(eps=1e-6, weight_decay=0.03)),
        "rmsprop_momentum": (torch.optim.RMSprop, dict(momentum=0.8, eps=1e-6, weight_decay=0.03)),
    }
    rng = np.random.default_rng(5)
    arrays = {"theta": rng.normal(size=9), "gradients": rng.normal(size=(8, 9))}
    for name, (kind, constants) in cases.items():
        p = torch.nn.Parameter(torch.tensor(arrays["theta"]))
        optimizer, path = kind([p], lr=0.05, **constants), []
        for gradient in arrays["gradients"]:
            p.grad = torch.tensor(gradient)
            optimizer.step()
            path.append(p.detach().numpy().copy())
        arrays[name] = np.array(path)
    np.savez_compressed(HERE / "optimizers.npz", **arrays)


def make_losses():
    """Values and derivatives of single outputs, in float64; the pinball by its definition, as PyTorch has none."""
    rng = np.random.default_rng(6)
    p, y = torch.tensor(rng.normal(size=40) * 2).requires_grad_(), torch.tensor(rng.normal(size=40))
    cases = {
        "squared_error": torch.nn.functional.mse_loss(p, y, reduction="none"),
        "absolute_error": torch.nn.functional.l1_loss(p, y, reduction="none"),
        "huber": torch.nn.functional.huber_loss(p, y, delta=0.7, reduction="none"),
        "quantile": torch.maximum(0.3 * (y - p), -0.7 * (y - p)),
    }
    arrays = {"p": p.detach().numpy(), "y": y.numpy()}
    for name, value in cases.items():
        arrays[f"{name}/value"] = value.detach().numpy()
        arrays[f"{name}/derivative"] = torch.autograd.grad(value.sum(), p)[0].numpy()
    np.savez_compressed(HERE / "losses.npz", **arrays)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_cells()
    make_optimizers()
    make_losses()
    print(f"torch {torch.__version__}: {sum(path.stat().st_size for path in HERE.glob('*.npz')) / 1e3:.0f} kB")
