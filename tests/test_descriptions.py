"""The core's door: a description of streams and layers that the kernels could not compute is refused by name."""

import numpy as np
import pytest

from forecast import _core

T, C, H = 6, 3, 4


def sound():
    """Segments of two steps, a GRU over them, and a head on its last state: streams and layers by name."""
    streams = {
        "past": ("past", T, C, "", 0, 0),
        "joined": ("joined", 3, 2 * C, "past", 0, 2 * C),
        "segment": ("segment", 3, H, "", 0, 0),
        "0": ("0", 3, H, "", 0, 0),
        "last": ("last", 1, H, "0", 2 * H, H),
        "out": ("out", 1, 2, "", 0, 0),
    }
    layers = {
        "segment": dict(kind="dense", inputs=("joined",), output="segment", activation="relu"),
        "0": dict(kind="recurrent", cell="gru", inputs=("segment",), output="0"),
        "head": dict(kind="dense", inputs=("last",), output="out"),
    }
    return streams, layers


def made(streams, layers, **arguments):
    named = [dict(name=name, **layer) for name, layer in layers.items()]
    return _core.Network(list(streams.values()), named, **dict(dtype="float64", targets=2) | arguments)


def stream(name, *values):
    """A stream in place of one of that name, or before the last."""

    def change(streams, layers):
        streams[name] = (name, *values)
        streams["out"] = streams.pop("out")

    return change


def layer(name, **fields):
    return lambda streams, layers: layers.update({name: layers.get(name, {}) | fields})


def both(*changes):
    return lambda streams, layers: [change(streams, layers) for change in changes]


def before_head(name, **fields):
    """A layer before the head."""

    def change(streams, layers):
        head = layers.pop("head")
        layers[name] = fields
        layers["head"] = head

    return change


CYCLE = dict(kind="cycle_off", inputs=("past",), output="off", rows=1, length=4, channels=1)
BROKEN = {
    "a view beyond its stream": (stream("joined", 3, 2 * C, "past", 1, 2 * C), "'joined': the view reaches beyond"),
    "a view of nothing": (stream("joined", 3, 2 * C, "pasture", 0, 2 * C), "there is no 'pasture'"),
    "a stream without steps": (stream("segment", 0, H, "", 0, 0), "'segment': expected 1 to 2"),
    "joined states": (stream("last", 1, 2 * H, "0", H, H), "'last': steps of a recurrent layer cannot be joined"),
    "an unknown kind": (layer("segment", kind="denser"), "there is no layer 'denser'"),
    "an unknown cell": (layer("0", cell="gruu"), "cell: expected one of .*, got 'gruu'"),
    "an unwritten input": (layer("segment", inputs=("0",)), "reads '0', which nothing has written yet"),
    "an output that is a view": (layer("0", output="last"), "its output is a view"),
    "an output written twice": (before_head("1", kind="recurrent", cell="gru", inputs=("segment",), output="0"), "'1'"),
    "other steps": (stream("0", 2, H, "", 0, 0), "'last': the view reaches beyond|differ in steps"),
    "three inputs of a cell": (layer("0", inputs=("segment",) * 3), "'0': number of inputs"),
    "a second input that is not a time": (layer("0", inputs=("segment",) * 2), "a decay has one time at each step"),
    "three inputs of a dense layer": (layer("head", inputs=("last",) * 3), "'head': number of inputs"),
    "five inputs": (layer("head", inputs=("last",) * 5), "'head': more than 4 inputs"),
    "another width added": (layer("head", added="last"), "'head': what is added has another width"),
    "a dropout of another width": (
        both(stream("d", 1, 3, "", 0, 0), before_head("d", kind="dropout", inputs=("last",), output="d")),
        "'d': input and output differ in width",
    ),
    "a restart from nothing": (layer("0", restart=True), "'0': restart needs a start"),
    "a start of another width": (
        both(
            stream("1", 3, 5, "", 0, 0),
            before_head("1", kind="recurrent", cell="gru", inputs=("segment",), output="1", start="0"),
        ),
        "'1': start needs a recurrent layer of the same cell and width",
    ),
    "a tie to another kind": (layer("head", tied="0"), "'head': tied needs"),
    "a cycle put on that was not taken off": (
        both(
            stream("on", 1, H, "", 0, 0),
            before_head("on", **CYCLE | {"kind": "cycle_on", "inputs": ("last",), "output": "on"}),
        ),
        "'on': tied needs",
    ),
    "a cycle without a length": (
        both(stream("off", T, C, "", 0, 0), before_head("cycle", **CYCLE | {"length": 0})),
        "'cycle': a cycle has a length",
    ),
    "a lookup of one row": (
        both(stream("v", 1, 2, "", 0, 0), before_head("v", kind="lookup", inputs=(), output="v", rows=1)),
        "'v': rows of a table",
    ),
    "an output that nobody reads": (
        both(stream("v", 1, 2, "", 0, 0), before_head("v", kind="lookup", inputs=(), output="v", rows=3)),
        "'v': its output is not read",
    ),
    "too few outputs": (stream("out", 1, 1, "", 0, 0), "'out': expected the output of a layer that is no cell, of at"),
    "two layers of a name": (None, "two of that name"),
    "columns that do not divide": (dict(columns=3), "columns: expected a divisor of targets"),
    "all series left out": (dict(left_out=1.0), "left_out: expected"),
}


def test_the_sound_description_is_computed():
    network = made(*sound())
    assert [name for name, _, _ in network.layout][:2] == ["segment.W", "segment.b"]
    theta = np.full(network.n_parameters, 0.1)
    source = _core.Source(np.ones((20, C)), lookback=T)
    assert network.predict(theta, source, np.arange(3)).shape == (3, 2)


@pytest.mark.parametrize("what", BROKEN)
def test_a_description_that_cannot_be_computed_is_refused(what):
    change, words = BROKEN[what]
    (streams, layers), arguments = sound(), {}
    if isinstance(change, dict):
        arguments = change
    elif change is not None:
        change(streams, layers)
    named = [dict(name=name, **fields) for name, fields in layers.items()]
    if change is None:
        named.append(named[0])
    with pytest.raises(ValueError, match=words):
        _core.Network(list(streams.values()), named, **dict(dtype="float64", targets=2) | arguments)


def test_windows_say_what_a_table_needs():
    streams, layers = sound()
    both(
        stream("v", 1, 2, "", 0, 0), before_head("v", kind="lookup", inputs=(), output="v", rows=3),
        layer("head", inputs=("last", "v")),
    )(streams, layers)  # fmt: skip
    network, index = made(streams, layers), np.arange(3)
    theta = np.zeros(network.n_parameters)
    with pytest.raises(ValueError, match="source: the network reads tables by series_row"):
        network.predict(theta, _core.Source(np.ones((20, C)), lookback=T), index)
    with pytest.raises(ValueError, match="series_row: 2 of window 1, but there are 2 series"):
        network.predict(theta, _core.Source(np.ones((20, C)), lookback=T, series_row=np.array([0, 2, 1])), index)
