"""Walks over the classifier."""

import numpy as np
from test_promises import EFFECTS
from walks import Also, Walk
from walks_of_models import saved

from forecast import RNNClassifier

__all__ = ["LABELS"]


def labelled(n=80, seed=0, codes=False):
    rng = np.random.default_rng(seed)
    X = rng.integers(4, size=(n, 6)) if codes else rng.normal(size=(n, 6))
    return X, np.where(X[:, -1] + X[:, -2] > 0.7, "up", "down")


def classified(codes=False, every=False, rows=80, **parameters):
    """What two fits say, the second of which may go on from the first."""
    X, y = labelled(rows, codes=codes)
    y = X > 0 if every else y
    model = RNNClassifier(**dict(hidden_size=4, max_iter=3, random_state=0) | parameters).fit(X, y).fit(X, y)
    return model.predict_proba(X), model.n_iter_, model.n_threads_, model.validation_loss_curve_


def trained(at=None, early_stopping=False, **data):
    model = RNNClassifier(hidden_size=4, max_iter=2, random_state=0, early_stopping=early_stopping).fit(**data)
    return model.predict_proba(labelled()[0]), model.validation_loss_curve_


XY, OTHER = (dict(zip(("X", "y"), labelled(seed=seed), strict=True)) for seed in (0, 1))
MODEL = RNNClassifier(hidden_size=4, max_iter=2, random_state=0).fit(**XY)
STOPS = dict(early_stopping=True, X_val=OTHER["X"], y_val=OTHER["y"])
OWN = {
    "heads": Also(2, cell="mlstm"),
    "vocabulary": Also(4, codes=True),
    "embedding_size": Also(3, codes=True, vocabulary=4),
    "return_sequences": Also(True, every=True, says="1d"),
    "class_weight": {"up": 5.0},
    "tol": Also(10.0, early_stopping=True, n_iter_no_change=1),
    "n_jobs": Also(3, rows=1500, batch_size=512, hidden_size=8),
}
SHARED = {name: Also(way[0], **way[1]) for name, way in EFFECTS.items() if name in RNNClassifier().get_params()}

LABELS = {
    "RNNClassifier": Walk(classified, {}, SHARED | OWN),
    "RNNClassifier.fit": Walk(
        trained,
        XY,
        {
            "X": OTHER["X"], "y": OTHER["y"], "sample_weight": np.linspace(0.1, 2.0, 80),
            "X_val": Also(XY["X"], **STOPS), "y_val": Also(XY["y"], **STOPS),
        },
    ),
    "RNNClassifier.score": Walk(
        MODEL.score, XY, {"X": OTHER["X"], "y": OTHER["y"], "sample_weight": np.linspace(0.1, 2.0, 80)}
    ),
    "RNNClassifier.save": Walk(
        lambda path: saved(lambda: MODEL.save(path)), {"path": "a.forecast"}, {"path": "b.forecast"}
    ),
    "RNNClassifier.to_onnx": Walk(
        lambda path: saved(lambda: MODEL.to_onnx(path)), {"path": "a.onnx"}, {"path": "b.onnx"}
    ),
}  # fmt: skip
LABELS |= {
    f"RNNClassifier.{method}": Walk(getattr(MODEL, method), {"X": XY["X"]}, {"X": OTHER["X"]})
    for method in ("predict", "predict_proba", "predict_log_proba")
}
