"""Model files in parts, and changes of them by chance: the mutants of `fuzz_loader.py`."""

import contextlib
import functools
import hashlib
import json
import marshal

import numpy as np

# -------------------- files in parts


def taken_apart(data):
    """Metadata, the model's tree, and tensors as [name, dtype, shape, bytes]."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata = header.pop("__metadata__")
    tensors = [
        [name, entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])]]
        for name, entry in header.items() if name != "sha256"
    ]  # fmt: skip
    return metadata, metadata["model"], tensors


def put_together(metadata, tree, tensors, header_too=None):
    """A file with the right checksum, whatever is in it."""
    header, at = {"__metadata__": metadata | {"model": json.dumps(tree)}}, 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    header["sha256"] = {"dtype": "U8", "shape": [32], "data_offsets": [at, at + 32]}
    if header_too is not None:
        header_too(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return sealed(len(text).to_bytes(8, "little") + text + b"".join(part[3] for part in tensors))


def sealed(data):
    return data + hashlib.sha256(data).digest()


# -------------------- mutations


def nested(rng, value):
    for _ in range(rng.choice([1, 5, 58, 70, 150])):
        value = [value] if rng.random() < 0.5 else {"is": "tuple", "items": [value]}
    return value


def strange(rng):
    """A value that no writer would put there."""
    whole = rng.choice([0, 1, -1, 2, 7, 255, 10**6, 2**31, 2**53, 2**62, 2**63, 2**64, -(2**63), 10**30])
    return rng.choice([
        lambda: whole,
        lambda: rng.choice([0.0, -0.0, 0.5, -1.5, 1e-308, 1e30, 1e19]),
        lambda: rng.choice([None, True, False, "", "a", "\0", "\ud800", "x" * 1000, "UTC", "<f8", "D"]),
        lambda: [rng.choice([0, "a", None, [], {}])] * rng.choice([0, 1, 3, 100, 10_000]),
        lambda: [rng.choice([1, 2**32]) * number for number in range(rng.choice([3, 100, 5000]))],
        lambda: {"is": "float", "value": rng.choice(["nan", "inf", "-inf", "1"])},
        lambda: {"is": "range", "start": 0, "stop": whole, "step": rng.choice([1, -1, 3]), "name": None},
        lambda: {"is": "tuple", "items": [whole] * rng.choice([0, 1, 3])},
        lambda: {"is": "dict", "keys": [whole, "b"], "values": [1, 2]},
        lambda: {"is": "objects", "shape": [rng.choice([0, 1, 2**40]), rng.choice([0, 1])], "items": []},
        lambda: {"is": "number", "dtype": rng.choice(["<f8", "<i8", "|i1", "<M8[ns]", "|b1"]), "value": whole},
        lambda: {"is": "same", "as": rng.choice([0, 1, 3, 9])},
        lambda: {"is": "stamp", "count": whole, "unit": rng.choice(["s", "ns"]), "zone": None},
        lambda: {"is": "offset", "name": rng.choice(["Day", "Hour", "MonthEnd", "BusinessHour", "Easter", "Nano"]),
                 "n": whole, "normalize": False, "options": {"is": "dict", "keys": [], "values": []}},
        lambda: {"is": "zone", "from": "zoneinfo", "name": rng.choice(["Europe/Berlin", "Asia/Tokyo", "UTC"])},
        lambda: {"is": "column", "values": rng.choice([[], None])},
        lambda: {"is": "sklearn", "class": rng.choice([
            "sklearn.linear_model.Ridge", "sklearn.neighbors.KNeighborsRegressor", "sklearn.pipeline.Pipeline",
            "sklearn.preprocessing.StandardScaler", "sklearn.dummy.DummyRegressor", "sklearn.decomposition.PCA",
        ]), "version": "1.9.1", "state": {"n_features_in_": whole}},
    ])()  # fmt: skip


def ways(tree, way=()):
    yield way
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from ways(part, (*way, key))


def at(tree, way):
    for key in way:
        if isinstance(tree, str):  # put there by another change; a character is no place
            raise LookupError(way)
        tree = tree[key]
    return tree


@functools.cache
def parsed(text):
    """A tree as a file of the corpus has it, to be copied, and its places."""
    tree = json.loads(text)
    return marshal.dumps(tree), list(ways(tree))


def place_in(rng, tree, places):
    """One of the places of the original that is still there, and what it holds; the root if ten are gone."""
    for _ in range(10):
        way = rng.choice(places)
        with contextlib.suppress(LookupError, TypeError):  # another change has taken it away
            return way, at(tree, way)
    return (), tree


def changed_tree(rng, tree, places):
    way, old = place_in(rng, tree, places[1:] or places)
    if not way:
        return strange(rng)
    around, key = at(tree, way[:-1]), way[-1]
    kind = rng.randrange(9)
    if kind == 0 and isinstance(old, int | float):
        around[key] = rng.choice([old + 1, old - 1, -old, old * 1000, old // 2, float(old)])
    elif kind == 1:
        around[key] = json.loads(json.dumps(place_in(rng, tree, places)[1]))
    elif kind == 2:
        del around[key]
    elif kind == 3 and isinstance(old, list) and old:
        around[key] = old * rng.choice([2, 3, 100]) if rng.random() < 0.5 else old[: rng.randrange(len(old))]
    elif kind == 4 and isinstance(around, dict):
        around[rng.choice(["is", "class", "x", "n_features_in_", "coef_", "predict"])] = strange(rng)
    elif kind == 5:
        around[key] = nested(rng, old)
    elif kind == 6 and isinstance(old, str):
        texts = (place_in(rng, tree, places)[1] for _ in range(20))
        around[key] = next((text for text in texts if isinstance(text, str)), "")
    elif kind == 7 and isinstance(around, list):
        rng.shuffle(around)
    else:
        around[key] = strange(rng)
    return tree


SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8,
         "F64": 8}  # fmt: skip
KINDS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U32": "<u4"}


def changed_tensor(rng, tensors):
    tensor = rng.choice(tensors)
    _, dtype, shape, data = tensor
    kind = rng.randrange(6)
    if kind == 0:  # another shape of as many bytes
        count = len(data) // SIZES[dtype]
        shapes = [[count], [count, 1], [1, count], [1, 1, count], shape[::-1], [count // 2, 2], [0, count]]
        tensor[2] = rng.choice(shapes)
    elif kind == 1:  # another dtype of the same size
        tensor[1] = rng.choice([name for name in SIZES if SIZES[name] == SIZES[dtype]])
    elif kind == 2:  # shorter or longer along an axis
        axis = rng.randrange(len(shape)) if shape else None
        if axis is not None and shape[axis]:
            new = rng.choice([0, 1, shape[axis] - 1, shape[axis] + 1, shape[axis] * 2])
            tensor[2] = [*shape[:axis], new, *shape[axis + 1 :]]
            need = int(np.prod(tensor[2], dtype=object)) * SIZES[dtype]
            tensor[3] = (data * (need // max(len(data), 1) + 1))[:need]
    elif kind in (3, 4) and dtype in KINDS and data:  # values
        values = np.frombuffer(data, KINDS[dtype]).copy()
        whole = dtype[0] in "IU"
        pool = [0, 1, -1, 2**31 - 1, 10**6, -(2**31)] if whole else [np.nan, np.inf, -np.inf, 1e30, 0.0, -1.0, 1e-30]
        for _ in range(rng.choice([1, 1, 3, len(values)])):
            with np.errstate(over="ignore"):
                values[rng.randrange(len(values))] = np.array(rng.choice(pool)).astype(values.dtype)
        tensor[3] = values.tobytes()
    elif data:  # bytes
        data = bytearray(data)
        for _ in range(rng.choice([1, 4, 64])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        tensor[3] = bytes(data)
    return tensors


def changed_header(rng):
    def change(header):
        name = rng.choice(list(header))
        entry = header[name]
        kind = rng.randrange(5)
        if name == "__metadata__":
            entry[rng.choice(["format", "version", "card", "model", "more"])] = strange(rng)
        elif kind == 0:
            entry["shape"] = rng.choice([[2**63, 0], [-1], [2**40], [2**63, 2**63], [0], [True], [[]], [1] * 40])
        elif kind == 1:
            entry["data_offsets"] = rng.choice([[0, 2**62], [-1, 3], [0, 0], [5, 2], [0], None])
        elif kind == 2:
            entry["dtype"] = rng.choice(["BF16", "F8_E4M3", "", None, 7, *SIZES])
        elif kind == 3:
            del header[name]
        else:
            header[rng.choice(["", "x", "é", "a" * 10**4])] = entry

    return change
