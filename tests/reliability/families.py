"""One small fit, forecast and gradient of each family of networks: what memory checkers run."""

import numpy as np

from forecast import RNNForecaster, _core
from forecast._network import ESTIMATOR_CELLS

X = np.random.default_rng(0).normal(size=(40, 6))
TARGETS = np.abs(np.column_stack([X[:, -1], X[:, -2]])) + 0.1
MORE = [
    {"num_layers": 2, "dropout": 0.2, "bidirectional": True},
    {"segment": 3, "decoder": "segments"},
    {"decoder": "recurrent", "attention": "dot"},
    {"skip": "linear", "layer_norm": True, "num_layers": 2},
]


def fitted(**changes):
    model = RNNForecaster(**{"hidden_size": 4, "max_iter": 1, "random_state": 0, "n_jobs": 1} | changes)
    model.fit(X, TARGETS)
    return model.predict(X), model.predict(X[:1])


def main():
    done = 0
    for cell in ESTIMATOR_CELLS:
        if cell == "gru_decay":  # it needs times: the tests of its own run it
            continue
        fitted(cell=cell)
        done += 1
    for changes in MORE:
        fitted(**changes)
        done += 1
    for loss in ("squared_error", "absolute_error", "huber"):
        fitted(loss=loss)
        done += 1
    print(f"{done} fits, {_core.config()['isa_used']}")


if __name__ == "__main__":
    main()
