"""Train the network on generated series. A run that was ended goes on from its last checkpoint.

    python pretraining/train.py --out weights.npz [--minutes 60] [--threads 2]

Each block makes windows, trains on them once and forgets them. The held-out windows come from a seed of their own. The
log has a line of JSON for every eight blocks: the loss of training, the quantile loss of the held-out windows, the
error of their medians relative to that of the seasonal naive forecast, and where the seconds went.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from features import CHANNELS, KNOWN, STATIC
from windows import Pool, batch_of

from forecast import _core
from forecast._network import Architecture, Network, Scaling

LOOKBACK, HORIZON, BATCH = 512, 64, 256
LEVELS = tuple(np.arange(1, 10) / 10)
LENGTH = 2 * (LOOKBACK + HORIZON)  # of a series, from which several windows are cut
BLOCK, SAVED = 32, 8  # steps of a block; blocks between two checkpoints
WARM_UP, DECAY = 500, 0.998  # steps in which the rate rises; of the average of the weights
HELD_OUT = 4096


def parser():
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--out", required=True, type=Path, help="the checkpoint, a file of NumPy; its options beside it")
    found.add_argument("--minutes", type=float, default=60)
    found.add_argument("--threads", type=int, default=2)
    found.add_argument("--cell", default="gru")
    found.add_argument("--units", type=int, default=128)
    found.add_argument("--layers", type=int, default=1)
    found.add_argument("--segment", type=int, default=16, help="steps of a segment")
    found.add_argument("--decoder", type=int, default=128, help="hidden units of the decoder")
    found.add_argument("--future", type=int, default=32, help="units of the layer over the continued seasons")
    found.add_argument("--steps", type=int, default=20_000, help="optimiser steps until the rate is 0")
    found.add_argument("--rate", type=float, default=2e-3)
    found.add_argument("--pool", type=int, default=32_768, help="series that windows are cut from")
    found.add_argument("--renewed", type=int, default=256, help="series of the pool that a block replaces")
    return found


def network_of(options):
    """The network with its first weights; nothing is scaled, as windows come standardised."""
    a = Architecture(
        cell=options.cell, dtype="float32", steps=LOOKBACK, inputs=CHANNELS, hidden=options.units,
        layers=options.layers, targets=HORIZON, extra=HORIZON * KNOWN + STATIC, loss="quantile", loss_parameters=LEVELS,
        horizon=HORIZON, future=KNOWN, static=STATIC, segment=options.segment, decoder="steps",
        decoder_size=options.decoder, future_size=options.future,
    )  # fmt: skip
    ones = [np.ones(n) for n in (a.inputs, a.targets, a.extra)]
    scaling = Scaling(0 * ones[0], ones[0], 0 * ones[1], ones[1], 0 * ones[2], ones[2])
    return Network.initial(a, scaling, np.random.default_rng(0))


def source(windows, targets=None):
    """The windows as the core gathers them."""
    n = len(windows.past)
    arguments = {
        "past": windows.past.reshape(-1, CHANNELS), "lookback": LOOKBACK, "past_stride": LOOKBACK,
        "future": windows.known.reshape(-1, KNOWN), "horizon": HORIZON, "target_stride": HORIZON,
        "static": windows.static, "starts": np.arange(n + 1, dtype=np.int64) * LOOKBACK,
    }  # fmt: skip
    if targets is not None:
        arguments["target"] = targets.reshape(-1, 1)
    return _core.Source(**arguments)


def predict(network, theta, windows, threads=1):
    """Quantiles (n, horizon, levels) that rise, in standardised units."""
    found = network.compiled.predict(theta, source(windows), np.arange(len(windows.past)), threads=threads)
    return np.sort(found.reshape(len(windows.past), HORIZON, len(LEVELS)), axis=2)


def pinball(quantiles, targets):
    error, levels = targets[:, :, None] - quantiles, np.array(LEVELS)
    return np.maximum(levels * error, (levels - 1) * error)


class Checkpoint:
    """Weights, their average, and the optimiser's state, in a file."""

    def __init__(self, path, network):
        self.path, self.steps = path, 0
        self.theta, self.average = network.theta, network.theta.copy()
        self.optimizer = _core.Optimizer("adamw", "float32", len(network.theta), weight_decay=0.01)
        if path.exists():
            with np.load(path) as kept:
                self.theta, self.average, self.steps = kept["theta"], kept["average"], int(kept["steps"])
                self.optimizer.first, self.optimizer.second = kept["first"], kept["second"]
            self.optimizer.steps = self.steps

    def save(self, options):
        """As a whole: a run that is killed here leaves the file before."""
        new = self.path.with_suffix(".new.npz")
        np.savez(
            new, theta=self.theta, average=self.average, steps=self.steps, first=self.optimizer.first,
            second=self.optimizer.second,
        )  # fmt: skip
        new.replace(self.path)
        kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
        self.path.with_suffix(".json").write_text(json.dumps(kept))


class HeldOut:
    """Windows that training never sees, and the loss of a network on them."""

    def __init__(self):
        self.windows, self.targets = batch_of(
            np.random.default_rng(3), Pool(7, HELD_OUT, LENGTH).series, HELD_OUT, LOOKBACK, HORIZON
        )
        self.naive = np.abs(self.targets - self.windows.known[:, :, 0]).mean()

    def scores(self, network, theta, threads):
        found = predict(network, theta, self.windows, threads)
        median = np.abs(self.targets - found[:, :, len(LEVELS) // 2]).mean()
        return {
            "held out": round(float(pinball(found, self.targets).mean()), 4),
            "of seasonal naive": round(float(median / self.naive), 4),
        }


def main():
    options = parser().parse_args()
    began = time.time()
    network = network_of(options)
    at = Checkpoint(options.out, network)
    print(json.dumps({"weights": len(at.theta), "steps": at.steps, **vars(options)}, default=str), flush=True)
    held_out, pool = HeldOut(), Pool(1000 + at.steps, options.pool, LENGTH)
    rng, scratch = np.random.default_rng(at.steps), _core.Scratch()
    made = trained = loss = 0.0
    while time.time() - began < 60 * options.minutes and at.steps < options.steps:
        before = time.time()
        pool.renew(options.renewed)
        windows, targets = batch_of(rng, pool.series, BLOCK * BATCH, LOOKBACK, HORIZON)
        made, before = made + time.time() - before, time.time()
        steps = at.steps + np.arange(BLOCK)
        falling = 0.5 + 0.5 * np.cos(np.pi * np.minimum(steps / options.steps, 1))
        found = network.compiled.train(
            at.theta, at.optimizer, source(windows, targets), np.arange(len(targets)), BATCH,
            rates=options.rate * np.minimum(1, (steps + 1) / WARM_UP) * falling, clip_norm=1.0, average=at.average,
            average_decay=DECAY, seed=at.steps, threads=options.threads, scratch=scratch,
        )  # fmt: skip
        if not found["finite"]:
            raise SystemExit(f"the loss is not finite after {at.steps} steps; go on from the checkpoint, more slowly")
        trained += time.time() - before
        at.steps += BLOCK
        loss = found["losses"].mean() if not loss else 0.9 * loss + 0.1 * found["losses"].mean()
        if at.steps // BLOCK % SAVED == 0 or at.steps >= options.steps:
            at.save(options)
            line = {"steps": at.steps, "windows": at.steps * BATCH, "loss": round(float(loss), 4)}
            line |= held_out.scores(network, at.average, options.threads)
            line |= {"made": round(made), "trained": round(trained), "seconds": round(time.time() - began)}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
