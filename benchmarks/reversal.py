"""Reversal of 20 symbols out of 10, the classical test of attention: recurrent decoders with and without it.

    python benchmarks/reversal.py [--seeds 0 1 2] [--steps 20] [--sequences 5000] [--epochs 20]

Symbols are one-hot columns; the forecast of a step is the column with the largest output. Every setting has the same
data, weights other than attention's, batches and epochs. One thread; seconds are CPU seconds of `fit`.
"""

import argparse
import time

import numpy as np

from forecast import RNNForecaster, Windows

SYMBOLS = 10
SETTINGS = {
    "no attention": {},
    "dot": dict(attention="dot"),
    "additive": dict(attention="additive"),
}
BUDGET = dict(
    cell="lstm", hidden_size=64, decoder="recurrent", learning_rate=5e-3, batch_size=64, early_stopping=False,
    n_jobs=1,
)  # fmt: skip


def sequences(count, steps, seed):
    """Windows of `steps` symbols, each followed by the same symbols in reverse, and these as numbers."""
    symbols = np.random.default_rng(seed).integers(SYMBOLS, size=(count, steps))
    rows = np.eye(SYMBOLS)[np.concatenate([symbols, symbols[:, ::-1]], axis=1)].reshape(-1, SYMBOLS)
    windows = Windows(rows, np.arange(count) * 2 * steps + steps - 1, lookback=steps, horizon=steps,
                      n_targets=SYMBOLS)  # fmt: skip
    return windows, symbols[:, ::-1]


def accuracy(model, windows, expected):
    """Share of the symbols, and of the sequences, that are right."""
    found = model.predict(windows).reshape(*expected.shape, SYMBOLS).argmax(axis=2) == expected
    return found.mean(), found.all(axis=1).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sequences", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--only", default="", help="settings whose name contains this")
    parser.add_argument("--teacher-forcing", type=float, nargs="+", default=[0.0])
    given = parser.parse_args()
    train, _ = sequences(given.sequences, given.steps, seed=100)
    test, expected = sequences(1000, given.steps, seed=101)
    forcing = given.teacher_forcing[0] if len(given.teacher_forcing) == 1 else tuple(given.teacher_forcing)
    for name, setting in SETTINGS.items():
        for seed in given.seeds if given.only in name else ():
            model = RNNForecaster(**BUDGET | setting, max_iter=given.epochs, teacher_forcing=forcing, random_state=seed)
            started = time.process_time()
            model.fit(train)
            seconds = time.process_time() - started
            symbols, whole = accuracy(model, test, expected)
            print(
                f"{name:14s} seed {seed}: symbols {100 * symbols:6.2f} %, whole sequences {100 * whole:6.2f} %, "
                f"{model.n_parameters_} parameters, loss {model.loss_curve_[-1]:.4f}, {seconds:.0f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
