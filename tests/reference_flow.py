"""The oracle of a network's inside: the gradient of the loss by the state h of each layer after each step; gates.

Next to `reference.py`, in the same plain float64 NumPy and letters, for stacked layers. A state may be nudged after a
step, so that a slope of the loss proves the gradient.
"""

import numpy as np
from reference import REFERENCE_CELLS
from reference_layers import recurrent_step


def state_gradients(network, theta, batch):
    """The mean loss and dh (L, T, B, H): all that reaches h, from later steps and from the layer above."""
    cell, p = REFERENCE_CELLS[network.cell], network.views(np.asarray(theta, dtype=float))
    _, saved, _ = network.run(theta, batch)
    outputs = network.forward(theta, batch)
    loss, dp = network.loss_and_derivative(outputs, batch)
    dh = np.zeros((network.layers, network.steps, len(outputs), network.hidden))
    dh[-1, -1] = (dp @ p["head.W"])[:, : network.hidden]
    for layer in reversed(range(network.layers)):
        before, steps, *_ = saved[str(layer)]
        own = cell.own({name.removeprefix(f"{layer}."): view for name, view in p.items()})
        dpast = [np.zeros_like(s) for s in before[0]]  # what reaches the states from later steps
        for t in reversed(range(network.steps)):
            dh[layer, t] += dpast[0]
            da, dpast, *_ = cell.backward(steps[t], before[t], [dh[layer, t], *dpast[1:]], *own)
            dpast = list(dpast)
            for k, row in enumerate(cell.rows):
                if cell.state[0] <= k < cell.state[1]:
                    dpast[0] = dpast[0] + da[k] @ p[f"{layer}.R_{row}"]
                if layer and cell.input[0] <= k < cell.input[1]:
                    dh[layer - 1, t] += da[k] @ p[f"{layer}.W_{row}"]
    return loss, dh


def loss_of_nudged(network, theta, batch, layer, step, nudge):
    """The mean loss where `nudge` (B, H) is added to h of a layer after a step, and all that is later follows."""
    cell, p = REFERENCE_CELLS[network.cell], network.views(np.asarray(theta, dtype=float))
    x = batch.past
    for number in range(network.layers):
        weights = {name.removeprefix(f"{number}."): view for name, view in p.items()}
        states, outputs = tuple(np.zeros((len(nudge), network.hidden)) for _ in cell.states), []
        for t in range(network.steps):
            (h, *others), _ = recurrent_step(cell, weights, x[:, t], states)
            states = (h + nudge if (number, t) == (layer, step) else h, *others)
            outputs.append(states[0])
        x = np.stack(outputs, axis=1)
    outputs = np.concatenate([x[:, -1], batch.extra], axis=1) @ p["head.W"].T + p["head.b"]
    return network.loss_and_derivative(outputs, batch)[0]


def activity(network, theta, batch):
    """Name -> values of every gate and state, (B, L, T, H)."""
    cell, found = REFERENCE_CELLS[network.cell], {}
    _, saved, run = network.run(theta, batch)
    layers = [saved[str(layer)][:2] for layer in range(network.layers)]
    times = range(network.steps)
    for i, name in enumerate(cell.gates):
        found[name] = np.array([[steps[t][i] for t in times] for _, steps in layers])
    for i, name in enumerate(cell.states):  # the states before the later steps, and the last ones
        after = [[before[t][i] for t in times[1:]] + [run.last[str(n)][i]] for n, (before, _) in enumerate(layers)]
        found[name] = np.array(after)
    return {name: value.transpose(2, 0, 1, 3) for name, value in found.items()}
