"""Train the network on generated series. A run that was ended goes on from its last checkpoint.

    python pretraining/train.py --out weights.npz [--minutes 60] [--threads 2]

Each block makes windows, trains on them once and forgets them; the next block is made meanwhile. The held-out windows
come from a seed of their own. The log has a line of JSON for every eight blocks: the loss of training, the quantile
loss of the held-out windows, the error of their medians relative to that of the seasonal naive forecast (both for
windows whose forecast begins at once and for those that begin later), and seconds.
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from windows import Pool, batch_of

from forecast import _core
from forecast._pretrained.network import LEVELS, network_of, quantiles, source

BATCH = 256
BLOCK, SAVED = 32, 8  # steps of a block; blocks between two checkpoints
WARM_UP, DECAY = 500, 0.998  # steps in which the rate rises; of the average of the weights
HELD_OUT = 4096
NETWORK = ("cell", "units", "layers", "segment", "decoder", "future")  # options that describe it


def parser():
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--out", required=True, type=Path, help="checkpoint, a NumPy file, with its options next to it")
    found.add_argument("--minutes", type=float, default=60)
    found.add_argument("--threads", type=int, default=2)
    found.add_argument("--cell", default="gru")
    found.add_argument("--units", type=int, default=128)
    found.add_argument("--layers", type=int, default=1)
    found.add_argument("--segment", type=int, default=16, help="steps of a segment")
    found.add_argument("--decoder", type=int, default=128, help="hidden units of the decoder")
    found.add_argument("--future", type=int, default=40, help="units of the layer over the continued seasons")
    found.add_argument("--steps", type=int, default=40_000, help="optimiser steps until the rate is 0")
    found.add_argument("--rate", type=float, default=2e-3)
    found.add_argument("--pool", type=int, default=32_768, help="series that windows are cut from")
    found.add_argument("--renewed", type=int, default=256, help="series of the pool that a block replaces")
    return found


def weights_of(windows):
    """Windows whose season goes on well count more: scores are relative to the error of that continuation."""
    weight = 1 / (0.2 + windows.error.astype(np.float64))
    return weight / weight.mean()


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
        pool = Pool(7, HELD_OUT).series
        self.windows, self.targets, self.skipped = batch_of(np.random.default_rng(3), pool, HELD_OUT)

    def scores(self, network, theta, threads):
        found = quantiles(network, theta, self.windows, threads)
        error, levels = self.targets[:, :, None] - found, np.array(LEVELS)
        pinball = np.maximum(levels * error, (levels - 1) * error).mean(axis=(1, 2))
        median = np.abs(error[:, :, len(LEVELS) // 2]).mean(axis=1)
        naive = np.abs(self.targets - self.windows.known[:, :, 0]).mean(axis=1)
        scores = {}
        for name, rows in (("next", self.skipped == 0), ("later", self.skipped > 0)):
            scores[name] = round(float(pinball[rows].mean()), 4)
            scores[f"{name}, of naive"] = round(float(median[rows].mean() / naive[rows].mean()), 4)
        return scores


class Blocks:
    """Windows of training, each block made while the one before is trained on."""

    def __init__(self, seed, pool, renewed):
        self.pool, self.renewed = Pool(1000 + seed, pool), renewed
        self.rng, self.maker = np.random.default_rng(seed), ThreadPoolExecutor(1)
        self.ahead = self.maker.submit(self._made)

    def _made(self):
        self.pool.renew(self.renewed)
        windows, targets, _ = batch_of(self.rng, self.pool.series, BLOCK * BATCH)
        return source(windows, targets, weights_of(windows))

    def next(self):
        found, self.ahead = self.ahead.result(), self.maker.submit(self._made)
        return found


def main():
    options = parser().parse_args()
    began = time.time()
    network = network_of(**{name: getattr(options, name) for name in NETWORK})
    at = Checkpoint(options.out, network)
    print(json.dumps({"weights": len(at.theta), "steps": at.steps, **vars(options)}, default=str), flush=True)
    held_out, blocks = HeldOut(), Blocks(at.steps, options.pool, options.renewed)
    scratch, trained, loss = _core.Scratch(), 0.0, 0.0
    while time.time() - began < 60 * options.minutes and at.steps < options.steps:
        windows, before = blocks.next(), time.time()
        steps = at.steps + np.arange(BLOCK)
        falling = 0.5 + 0.5 * np.cos(np.pi * np.minimum(steps / options.steps, 1))
        found = network.compiled.train(
            at.theta, at.optimizer, windows, np.arange(BLOCK * BATCH), BATCH,
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
            print(json.dumps(line | {"trained": round(trained), "seconds": round(time.time() - began)}), flush=True)


if __name__ == "__main__":
    main()
