"""What each cell remembers: three made-up problems whose answer lies far back, not forecasts of anything.

adding: two of 200 values are marked; their sum (Hochreiter and Schmidhuber 1997), MSE; the mean of all sums has 0.17.
copy: ten signs, then 50 empty steps, then which signs it was; share of right ones, 0.5 is chance. parity: the product
of 20 noisy signs, of 1 to 20 in the windows for training; share of right ones. One layer, the same arguments and steps
for all cells, new windows for the test.

    python benchmarks/long_memory.py [--seeds 0 1 2 3 4] [--cells lstm gru] [--problems adding]
"""

import argparse
import time
import warnings

import numpy as np

from forecast import RNNForecaster
from forecast._network import ACTIVATED_CELLS, ESTIMATOR_CELLS

SOLVED = {"adding": 0.01, "copy": 0.99, "parity": 0.99}  # an MSE at most, a share at least


def adding(n, rng, steps=200):
    values = rng.uniform(size=(n, steps))
    marks = np.zeros((n, steps))
    for half in (0, steps // 2):
        marks[np.arange(n), rng.integers(half, half + steps // 2, size=n)] = 1.0
    return np.stack([values, marks], axis=2), (values * marks).sum(axis=1)


def copy(n, rng, symbols=10, delay=50):
    signs = rng.choice([-1.0, 1.0], size=(n, symbols))
    return np.concatenate([signs, np.zeros((n, delay))], axis=1)[:, :, None], signs


def parity(n, rng, steps=20, noise=0.2, lengths=None):
    signs = rng.choice([-1.0, 1.0], size=(n, steps))
    given = np.arange(steps) >= steps - (rng.integers(1, steps + 1, size=n) if lengths is None else lengths)[:, None]
    past = given * (signs + noise * rng.normal(size=signs.shape))
    return np.stack([past, given], axis=2), np.where(given, signs, 1.0).prod(axis=1)


def share(forecasts, y):
    return float((np.sign(forecasts) == y).mean())


def mse(forecasts, y):
    return float(((forecasts - y) ** 2).mean())


PROBLEMS = {  # name -> windows for training, for the test, what is measured
    "adding": (adding, adding, mse),
    "copy": (copy, copy, share),
    "parity": (parity, lambda n, rng: parity(n, rng, lengths=np.full(n, 20)), share),
}
NAMES = {"adding": "adding, MSE", "copy": "copy, share", "parity": "parity, share"}


def networks(words):
    """Name -> arguments: every cell, those whose activation can be chosen once for each."""
    found = {}
    for word in words:
        for activation in ("tanh", "relu") if word in ACTIVATED_CELLS else ("tanh",):
            name = f"{word}, {activation}" if word in ACTIVATED_CELLS else word
            found[name] = dict(cell=word, activation=activation)
    return found


def measured(problem, arguments, seed, steps):
    """The score of one training, and its seconds."""
    train, test, score = PROBLEMS[problem]
    X, y = train(20_000, np.random.default_rng(1000 + seed))
    begin = time.perf_counter()
    model = RNNForecaster(
        **arguments, hidden_size=64, batch_size=64, learning_rate=2e-3, learning_rate_schedule="cosine",
        max_iter=-(-steps * 64 // len(X)), max_steps=steps, early_stopping=False, random_state=seed, n_jobs=1,
    ).fit(X, y)  # fmt: skip
    seconds = time.perf_counter() - begin
    X, y = test(2000, np.random.default_rng(2000 + seed))
    return score(model.predict(X), y), seconds


def text(problem, scores):
    """Median, worst, and how many of the seeds solved it."""
    solved = sum(s < SOLVED[problem] if problem == "adding" else s > SOLVED[problem] for s in scores)
    worst = max(scores) if problem == "adding" else min(scores)
    return f"{np.median(scores):.3f}, {worst:.3f}, {solved}/{len(scores)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--cells", nargs="+", default=ESTIMATOR_CELLS, choices=ESTIMATOR_CELLS)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--steps", type=int, default=3000, help="optimiser steps of each training")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # a training that does not converge is seen in the table
    print("median, worst, solved\n")
    print(f"| cell | {' | '.join(NAMES[problem] for problem in options.problems)} | seconds |")
    print("|---" * (len(options.problems) + 2) + "|")
    for name, arguments in networks(options.cells).items():
        texts, seconds = [], 0.0
        for problem in options.problems:
            scores = []
            for seed in options.seeds:
                score, taken = measured(problem, arguments, seed, options.steps)
                scores.append(score)
                seconds += taken
            texts.append(text(problem, scores))
        print(f"| {name} | {' | '.join(texts)} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
