"""Knocks at the door of _core: random calls of every entry, most of them with something wrong in one place.

    python tests/reliability/door.py --n 100000 --seed 0

Each seed draws a network and ten calls. Each call must answer, or refuse with an exception of Python. Run it with the
core of sanitized.sh: what the sanitizers have to say ends the process or is on stderr. The seed is printed where a
call ends in anything else.
"""

import argparse
import collections
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import CELLS, LOSSES, draw_case

from forecast import _core

REFUSALS = (ValueError, TypeError, MemoryError, IndexError, OverflowError, RuntimeError)
DTYPES = ["float32", "float64"]
CALLS = 10  # of one case


def wrong_array(rng, array):
    """Something like the array that is not it: another dtype, layout, size, number, or no array at all."""
    array = np.asarray(array)
    ways = [
        lambda: array.astype(rng.choice(["float16", "int8", "int64", "complex64", ">f8", "bool", "object"])),
        lambda: array[..., :0],
        lambda: array[:0],
        lambda: np.concatenate([array, array]),
        lambda: array[::-1],
        lambda: array[::2],
        lambda: np.asfortranarray(array),
        lambda: np.broadcast_to(array.ravel()[:1] if array.size else np.zeros(1), array.shape),
        lambda: array[..., None],
        lambda: array.ravel(),
        lambda: readonly(array),
        lambda: array.tolist(),
        lambda: None,
        lambda: filled(array, rng.choice([np.nan, np.inf, -1.0, 2.0**62, 1e300, -(2.0**63)])),
        lambda: np.empty((0, 0), array.dtype),
        lambda: "text",
    ]
    return ways[rng.integers(len(ways))]()


def readonly(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def filled(array, value):
    """With a number in one place that it may not be able to hold."""
    array = array.copy()
    if array.size:
        with np.errstate(all="ignore"):
            array.ravel()[-1:] = np.array([value]).astype(array.dtype)
    return array


def wrong_number(rng):
    return [0, -1, 1, 2**31, 2**62, -(2**63), 2**70, 1.5, np.nan, None, "3", True][rng.integers(12)]


def spoil(rng, arguments, share):
    """One of the arguments in another way, or none of them."""
    if not arguments or rng.random() > share:
        return arguments
    name = list(arguments)[rng.integers(len(arguments))]
    value = arguments[name]
    wrong = wrong_array(rng, value) if isinstance(value, np.ndarray) else wrong_number(rng)
    return arguments | {name: wrong}


def case_of(rng):
    return draw_case(
        str(rng.choice(CELLS)), rng, steps=int(rng.integers(1, 6)), batch=int(rng.integers(1, 40)),
        inputs=int(rng.integers(1, 4)), hidden=int(rng.integers(1, 6)), layers=int(rng.integers(1, 3)),
        targets=int(rng.integers(1, 4)), extra=int(rng.integers(0, 3)), loss=str(rng.choice(LOSSES)),
        missing=float(rng.choice([0, 0.5, 1])), weighted=bool(rng.integers(2)),
    )  # fmt: skip


def more_of_source(rng, arguments):
    """Arguments of a source that a case does not have, of sizes that may fit."""
    n, inputs = len(arguments["past"]) // arguments["lookback"], arguments["past"].shape[1]
    columns = arguments["target"].shape[1]
    options = {
        "origin": np.arange(n),
        "past_shift": int(rng.integers(-2, 3)),
        "target_shift": int(rng.integers(-2, 3)),
        "anchor": rng.integers(0, 5, size=inputs).astype(np.int32),
        "target_anchor": rng.integers(-1, inputs + 1, size=columns).astype(np.int32),
        "past_scale": rng.normal(size=inputs),
        "past_mean": rng.normal(size=inputs),
        "target_mean": rng.normal(size=columns),
        "padding": int(rng.integers(0, 4)),
        "season": int(rng.integers(0, 4)),
        "anchor_steps": int(rng.integers(0, 4)),
        "begin": rng.integers(0, 3, size=n),
        "static": rng.normal(size=(2, 2)),
        "starts": np.array([0, len(arguments["past"]) // 2, len(arguments["past"])]),
        "future": rng.normal(size=(len(arguments["past"]), 2)),
        "series_row": rng.integers(-1, 3, size=n),
        "phase": rng.integers(0, 7, size=n),
    }
    chosen = rng.choice(list(options), size=rng.integers(0, 4), replace=False)
    return arguments | {str(name): options[name] for name in chosen}


def entries(rng, network, case, dtype):
    """Every call of a network: its name, its arguments in order, and those by name."""
    theta, index = case.theta.astype(dtype), case.index
    batch = int(rng.integers(1, 9))
    carried = np.zeros(network.n_states * batch, dtype)
    begins = np.ones(len(index), bool)
    threads = {"threads": int(rng.choice([1, 2, 3]))}
    states = {"carried": carried, "batch_size": batch, "begins": begins}
    upstream = {"upstream": np.ones((len(index), network.n_outputs), dtype), "seed": 3}
    optimizer = _core.Optimizer(str(rng.choice(_core.OPTIMIZERS)), dtype, network.n_parameters)
    training = {"rate": 0.01, "seed": 1, "clip_norm": 1.0, "average": theta.copy(), "average_decay": 0.5, "noise": 0.1}
    training |= {"groups": [(0, network.n_parameters, 1.0, None)], "scratch": _core.Scratch()}
    packed = network.pack(theta) if rng.random() < 0.8 else theta
    yield "predict", {"theta": packed, "index": index}, threads | (states if rng.random() < 0.3 else {})
    yield "sample", {"theta": packed, "index": index, "seed": 3}, threads
    yield "loss", {"theta": theta, "index": index}, threads | (states if rng.random() < 0.3 else {})
    yield "gradient", {"theta": theta, "index": index}, threads | (upstream if rng.random() < 0.5 else {})
    yield "flow", {"theta": theta, "index": index}, threads
    yield "activity", {"theta": theta, "index": index}, threads
    yield (
        "train",
        {"theta": theta.copy(), "optimizer": optimizer, "index": index, "batch_size": batch},
        threads | training,
    )


def knock(seed, counts):
    """Calls of one network, whose drawing takes longer than they do."""
    rng = np.random.default_rng(seed)
    case, dtype = case_of(rng), str(rng.choice(DTYPES))
    network = case.core(dtype)
    for _ in range(CALLS):
        knock_once(rng, network, case, dtype, counts)


def knock_once(rng, network, case, dtype, counts):
    """A source and one call; each may be spoilt, so that later checks are reached too."""
    name = "Source"
    try:
        source = _core.Source(**spoil(rng, more_of_source(rng, case.arguments), 0.3))
        calls = list(entries(rng, network, case, dtype))
        name, places, named = calls[rng.integers(len(calls))]
        places, named = spoil(rng, places, 0.3), spoil(rng, named, 0.3)
        before = list(places.values())
        at = list(places).index("index")
        getattr(network, name)(*before[:at], source, *before[at:], **named)
        counts[name, "answered"] += 1
    except REFUSALS:
        counts[name, "refused"] += 1


def knock_elsewhere(seed, counts):
    """The entries that are no methods of a network."""
    rng = np.random.default_rng(seed)
    case = case_of(rng)
    for _ in range(CALLS):
        knock_elsewhere_once(rng, case, counts)


def knock_elsewhere_once(rng, case, counts):
    values = rng.normal(size=rng.integers(0, 70)).astype(rng.choice(DTYPES))
    calls = {
        "activation": lambda: _core.activation(
            str(rng.choice(["exp", "tanh", "digamma", "none"])),
            wrong_array(rng, values) if rng.random() < 0.5 else values,
        ),
        "multiply_adds": lambda: _core.multiply_adds(int(rng.integers(-3, 50)), dtype=str(rng.choice([*DTYPES, "f2"]))),
        "gathered": lambda: _core.gathered(
            _core.Source(**more_of_source(rng, case.arguments)), spoil(rng, {"index": case.index}, 0.5)["index"]
        ),
        "moments": lambda: _core.moments(
            _core.Source(**more_of_source(rng, case.arguments)), spoil(rng, {"index": case.index}, 0.5)["index"]
        ),
        "Optimizer": lambda: _core.Optimizer(
            str(rng.choice(["adam", "sgd", "none"])), str(rng.choice([*DTYPES, "f2"])), int(rng.integers(-2, 99))
        ),
        "adapted": lambda: _core.adapted(**spoil(rng, adaptive(rng), 0.7)),
    }
    name = list(calls)[rng.integers(len(calls))]
    try:
        calls[name]()
        counts[name, "answered"] += 1
    except REFUSALS:
        counts[name, "refused"] += 1


def adaptive(rng):
    """What `adapted` takes: origins, steps, series, window, coverages."""
    n, steps, series, window, coverages = rng.integers(1, 5, size=5)
    scores = np.sort(rng.normal(size=(steps, 1, window)), axis=-1)
    return {
        "residual": rng.normal(size=(n, steps, series)),
        "positions": np.arange(n),
        "now": int(n + steps),
        "scores": scores,
        "ordered": scores.copy(),
        "alpha": np.full((2, coverages, steps, 1), 0.1),
        "sum": np.zeros((steps, 1)),
        "weight": np.zeros((steps, 1)),
        "heard": np.zeros((steps, 1), np.int64),
        "count": np.full((steps, 1), window),
        "tail": np.full(coverages, 0.1),
        "needed": np.full(coverages, 2),
        "decay": np.full(n, 0.9),
        "gamma": np.full(n, 0.01),
        "enters": rng.random(n) < 0.7,
        "fills": bool(rng.random() < 0.5),
        "settled": 3,
        "scaled": bool(rng.random() < 0.8),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts = collections.Counter()
    np.set_printoptions(threshold=1, edgeitems=1)  # a TypeError holds its arguments, of which the texts take long
    start, seed = time.monotonic(), given.seed
    while counts.total() < given.n:
        with open(os.environ.get("DOOR_SEED", os.devnull), "w") as note:  # what a crash was
            note.write(str(seed))
        try:
            knock(seed, counts) if seed % 4 else knock_elsewhere(seed // 4, counts)
        except BaseException:
            print("seed", seed, file=sys.stderr)
            raise
        seed += 1
    for (name, how), n in sorted(counts.items()):
        print(f"{name:14} {how:9} {n}")
    print(f"{counts.total()} calls, seeds {given.seed} to {seed - 1}, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
