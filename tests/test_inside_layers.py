"""Looks inside networks that are no plain stack: which layers are shown, under which names, at which steps."""

import numpy as np
import pytest

from forecast._network import Architecture, Network, Scaling, core
from forecast.diagnostics import GateActivity, GradientFlow

SIZES = dict(cell="gru", dtype="float64", steps=6, inputs=1, hidden=2, layers=2, targets=4)
EVERY = SIZES | dict(bidirectional=True, segment=2, decoder="segments", future=1, extra=4, future_size=3)


class Core:
    """Answers for each recurrent layer with its number, in the layer's own sizes."""

    n_parameters = 5

    def __init__(self, spec):
        self.shapes = [(spec.streams[layer.output].steps, spec.streams[layer.output].width) for layer in spec.recurrent]

    def flow(self, theta, source, index, threads):
        return {"loss": 0.5, "squares": [np.full(steps, float(n) ** 2) for n, (steps, _) in enumerate(self.shapes)]}

    def activity(self, theta, source, index, threads):
        return [{"h": np.full((len(index), *shape), float(n))} for n, shape in enumerate(self.shapes)]


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(core, "_TAKES_LAYERS", True, raising=False)
    scaling = Scaling(np.zeros(1), np.ones(1), np.zeros(4), np.ones(4))
    network = Network(Architecture(**EVERY), scaling, np.zeros(5))
    network._compiled = Core(network.spec)
    return network


ARGUMENTS = {"past": np.zeros((60, 1)), "lookback": 6}


def test_the_encoders_layers_are_shown_and_no_others(network):
    assert [layer.name for layer in network.spec.recurrent] == [
        "0", "0.reverse", "1", "1.reverse", "future", "future.reverse", "decoder",
    ]  # fmt: skip
    assert network.spec.encoder == ["0", "0.reverse", "1", "1.reverse"]
    loss, norms = network.flow(ARGUMENTS, 7)
    assert loss == 0.5
    assert np.array_equal(norms, np.repeat(np.arange(4.0)[:, None], 3, axis=1)), "3 segments of 2 rows"
    found = network.activity(ARGUMENTS, 7)
    assert found["h"].shape == (7, 4, 3, 2)
    assert np.array_equal(found["h"][0, :, 0, 0], np.arange(4.0))


def test_a_frame_names_the_layers_that_are_no_stack():
    names = ("0", "0.reverse")
    flow = GradientFlow(np.ones((2, 3)), np.arange(-2, 1), "gru", 0.1, names, 2)
    assert list(flow.to_frame().columns) == list(names)
    activity = GateActivity({}, {"h": np.arange(12.0).reshape(1, 2, 3, 2)}, np.arange(-2, 1), "gru", names, 2)
    frame = activity.to_frame()
    assert list(frame.columns) == [("0", "h"), ("0.reverse", "h")]
    assert frame["0.reverse", "h"].tolist() == [6.5, 8.5, 10.5]


def test_a_scale_in_the_past_becomes_one_in_the_targets():
    """What a cycle of 1 is in each target: the ratio of the scales of its column."""
    a = Architecture(**SIZES | dict(inputs=2, columns=2, cycle=3, cycle_rows=1))
    scaling = Scaling(np.zeros(2), np.array([2.0, 6.0]), np.zeros(4), np.array([1.0, 2.0, 4.0, 3.0]))
    assert Network(a, scaling, np.zeros(0)).cycle_ratio.tolist() == [2.0, 3.0, 0.5, 2.0]
