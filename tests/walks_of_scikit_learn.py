"""Walks over what is for scikit-learn's tools: scorers of quantiles and intervals, and callbacks."""

from walks import Walk
from walks_of_models import OTHER, XY, network

from forecast import RNNClassifier, RNNForecaster, SeriesForecaster, metrics

__all__ = ["SCIKIT_LEARN"]

SCORED = dict(estimator=network(loss="normal").fit(**XY), X=XY["X"], y=XY["y"])
RESCORED = {"estimator": network(loss="normal", hidden_size=4).fit(**XY), "X": OTHER["X"], "y": XY["y"] + 1.0}


class Silent:
    """A callback that does nothing."""

    def setup(self, estimator, context):
        """Ignores the begin of a fit."""

    def teardown(self, estimator, context):
        """Ignores its end."""

    def on_fit_task_begin(self, estimator, context):
        """Ignores the begin of a task."""

    def on_fit_task_end(self, estimator, context):
        """Ignores its end."""


def listened(kind):
    """How many callbacks are set; where scikit-learn has none, the argument is refused with the method."""

    def call(callbacks=()):
        model = kind().set_callbacks(*callbacks) if callbacks else kind()
        return len(getattr(model, "_skl_callbacks", ()))

    return call


SCIKIT_LEARN = {
    "metrics.neg_pinball": Walk(metrics.neg_pinball, SCORED, RESCORED | {"level": 0.3}),
    "metrics.neg_interval_score": Walk(metrics.neg_interval_score, SCORED, RESCORED | {"coverage": 0.4}),
    "metrics.neg_coverage_error": Walk(metrics.neg_coverage_error, SCORED, RESCORED | {"coverage": 0.4}),
    **{
        f"{kind.__name__}.set_callbacks": Walk(listened(kind), {}, {"callbacks": [Silent()]})
        for kind in (RNNClassifier, RNNForecaster, SeriesForecaster)
    },
}
