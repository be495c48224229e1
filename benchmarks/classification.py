"""RNNClassifier against an LSTM in PyTorch: accuracy on the test part, and CPU seconds of a fit.

Sequences: the digits of scikit-learn, 8 rows of 8 pixels; Japanese vowels of 9 speakers, 7 to 29 steps of 12 channels;
power demand in Italy, 24 hours, summer or winter. The last two are in aeon's wheel (`pip install --no-deps aeon`), of
which only the files are read. Both networks: one layer of 64 LSTM units and a dense head on the last state, the same
batches of 32, epochs, Adam with the same cosine, clipping and standardised inputs, one thread; the order of the fits
alternates. PyTorch reads unequal lengths as packed sequences.

    python benchmarks/classification.py [--seeds 0 1 2 3 4] [--epochs 40]
"""

import argparse
import math
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.utils.rnn import pack_padded_sequence

from forecast import RNNClassifier

HIDDEN, BATCH, RATE = 64, 32, 1e-2


def digits():
    found = load_digits()
    X, y = list(found.images), found.target
    return X[:1200], y[:1200], X[1200:], y[1200:]


def of_aeon(name):
    """Both parts of a data set in aeon's format: channels by colons, steps by commas, the label last."""
    folder = Path(find_spec("aeon").submodule_search_locations[0]) / "datasets" / "data" / name
    parts = []
    for part in ("TRAIN", "TEST"):
        lines = (folder / f"{name}_{part}.ts").read_text(encoding="utf-8").splitlines()
        rows = [line.split(":") for line in lines if line and line[0] not in "#@"]
        parts += [[np.array([c.split(",") for c in row[:-1]], dtype=float).T for row in rows]]
        parts += [np.array([row[-1].strip() for row in rows])]
    return parts


SETS = {
    "digits by rows": digits,
    "Japanese vowels": lambda: of_aeon("JapaneseVowels"),
    "Italian power": lambda: of_aeon("ItalyPowerDemand"),
}


class Torch(torch.nn.Module):
    """The same network and training in PyTorch."""

    def __init__(self, channels, classes):
        super().__init__()
        self.lstm = torch.nn.LSTM(channels, HIDDEN, batch_first=True)
        self.head = torch.nn.Linear(HIDDEN, classes)

    def forward(self, x, lengths):
        if lengths.min() < x.shape[1]:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.head(self.lstm(x)[1][0][0])

    def fit(self, X, y, epochs):
        every = np.concatenate(X)
        self.mean, self.scale = every.mean(axis=0), np.where(every.std(axis=0) > 0, every.std(axis=0), 1.0)
        x, lengths = self.tensors(X)
        target = torch.from_numpy(y)
        optimizer = torch.optim.Adam(self.parameters(), lr=RATE)
        for epoch in range(epochs):
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
            for rows in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(self(x[rows], lengths[rows]), target[rows])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
                optimizer.step()
        return self

    def tensors(self, X):
        lengths = torch.tensor([len(row) for row in X])
        table = np.zeros((len(X), int(lengths.max()), X[0].shape[1]), dtype=np.float32)
        for row, to in zip(X, table, strict=True):
            to[: len(row)] = (row - self.mean) / self.scale
        return torch.from_numpy(table), lengths

    def predict(self, X):
        with torch.no_grad():
            return self(*self.tensors(X)).argmax(dim=1).numpy()


def ours(X, y, epochs, seed):
    settings = dict(hidden_size=HIDDEN, batch_size=BATCH, max_iter=epochs, early_stopping=False, n_jobs=1)
    return RNNClassifier(**settings, random_state=seed).fit(X, y)


def theirs(X, y, epochs, seed):
    torch.manual_seed(seed)
    return Torch(X[0].shape[1], y.max() + 1).fit(X, y, epochs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=40)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| data | train, test | accuracy | PyTorch | CPU seconds | PyTorch | times as fast |")
    print("|---|---|---|---|---|---|---|")
    for name, load in SETS.items():
        X, y, X_test, y_test = load()
        classes, y = np.unique(y, return_inverse=True)
        y_test = np.searchsorted(classes, y_test)
        share, seconds = {ours: [], theirs: []}, {ours: [], theirs: []}
        for seed in given.seeds:
            for fit in (ours, theirs) if seed % 2 else (theirs, ours):
                begun = time.process_time()
                model = fit(X, y, given.epochs, seed)
                seconds[fit].append(time.process_time() - begun)
                share[fit].append(float(np.mean(model.predict(X_test) == y_test)))
        cost = {fit: float(np.median(found)) for fit, found in seconds.items()}
        print(
            f"| {name} | {len(X):,}, {len(X_test):,} | {np.mean(share[ours]):.3f} | {np.mean(share[theirs]):.3f} | "
            f"{cost[ours]:.2f} | {cost[theirs]:.2f} | {cost[theirs] / cost[ours]:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
