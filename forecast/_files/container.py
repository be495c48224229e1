"""The bytes of a model file: a safetensors file, whose last tensor is the SHA-256 of all bytes before it.

Written here rather than by the library, because the same model must give the same bytes with every version of it. Read
with the library's own checks of offsets and sizes, after the checksum.
"""

import hashlib
import json
import os

import numpy as np
import safetensors

from .errors import ModelFileError

__all__ = ["FORMAT", "VERSION", "pack", "parsed", "read_bytes", "unpack"]

FORMAT = "forecast model"
VERSION = 1

DIGEST = "sha256"
DIGEST_BYTES = 32
LONGEST_HEADER = 100_000_000  # bytes: the limit of safetensors' own readers

NAMES = {  # safetensors' names of dtypes, all little-endian
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4", "I32": "<i4",
    "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
DTYPES = {dtype: name for name, dtype in NAMES.items()}


def pack(tensors, metadata):
    """The bytes of a file.

    Parameters
    ----------
    tensors : dict of str to ndarray
        Tensors in C order, of the dtypes in `NAMES`.
    metadata : dict of str to str

    Returns
    -------
    bytes
    """
    order = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)  # so that each begins at a multiple of it
    header, at = {"__metadata__": metadata}, 0
    for name in order:
        tensor = tensors[name]
        header[name] = {
            "dtype": DTYPES[tensor.dtype.str], "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]
        }  # fmt: skip
        at += tensor.nbytes
    header[DIGEST] = {"dtype": "U8", "shape": [DIGEST_BYTES], "data_offsets": [at, at + DIGEST_BYTES]}
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LONGEST_HEADER:
        raise ModelFileError(
            f"the description of the model takes {len(text)} bytes; a safetensors file has room for {LONGEST_HEADER}. "
            "Save several models of fewer series each, or a pickle. Fix: joblib.dump(model, path)."
        )
    parts = [len(text).to_bytes(8, "little"), text, *(tensors[name].tobytes() for name in order)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def read_bytes(path):
    """All bytes of a model file; one that is none by its size or first bytes is refused before it is read.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    bytes
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(9)
        if len(head) < 9:
            raise ModelFileError(f"{path}: not a forecast model file: it has {len(head)} bytes.")
        length = int.from_bytes(head[:8], "little")
        if head[8:] != b"{" or not 2 <= length <= LONGEST_HEADER:
            hint = " It looks like a pickle, which can run anything when it is loaded." if head[:1] == b"\x80" else ""
            raise ModelFileError(
                f"{path}: not a forecast model file: its first bytes are not those of a safetensors file.{hint}"
            )
        if size < 8 + length:
            raise ModelFileError(
                f"{path}: cut short: {size} bytes, of which the header alone should take {8 + length}."
            )
        file.seek(8)
        header = _header(path, file.read(length))
        expected = 8 + length + max((int(end) for end in _ends(path, header)), default=0)
        if size != expected:
            raise ModelFileError(f"{path}: damaged: {size} bytes, expected {expected}. Use the copy that was saved.")
        file.seek(0)
        return file.read()


def unpack(path, data):
    """Tensors and metadata out of the bytes of a file, after all checks that bytes allow.

    Parameters
    ----------
    path : str or os.PathLike
        Path for messages.
    data : bytes

    Returns
    -------
    tensors : dict of str to ndarray
    metadata : dict of str to str
    """
    path = os.fspath(path)
    length = int.from_bytes(data[:8], "little")
    header = _header(path, data[8 : 8 + length])
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelFileError(f"{path}: a safetensors file, but no model of forecast: it does not say {FORMAT!r}.")
    if hashlib.sha256(memoryview(data)[:-DIGEST_BYTES]).digest() != data[-DIGEST_BYTES:]:
        raise ModelFileError(
            f"{path}: damaged: its checksum (SHA-256) is not that of its bytes. Use the copy that was saved."
        )
    _refuse_version(path, metadata)
    try:
        found = safetensors.deserialize(data)
    except safetensors.SafetensorError as error:
        raise ModelFileError(f"{path}: not written by forecast: {error}.") from error
    tensors = {name: _tensor(path, name, part) for name, part in found}
    if DIGEST not in tensors or set(header) != {*tensors, "__metadata__"}:
        raise ModelFileError(f"{path}: not written by forecast: its tensors are not those of its header.")
    del tensors[DIGEST]
    return tensors, metadata


def _refuse_version(path, metadata):
    version = metadata.get("version")
    if version == str(VERSION):
        return
    raise ModelFileError(
        f"{path}: written in version {str(version)[:20]!r} of the format; this forecast reads version {VERSION}. Fix: "
        "pip install --upgrade rnn-forecast."
    )


def parsed(path, text):
    """JSON as it must be in a model file: no name twice in an object, no NaN, not nested without end.

    Parameters
    ----------
    path : str or os.PathLike
        Path for messages.
    text : str or bytes

    Returns
    -------
    object
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path}: damaged, or not written by forecast: its description is not JSON: {error}."
        ) from error


def _once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice in an object")
    return found


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def _header(path, text):
    header = parsed(path, text)
    if not isinstance(header, dict):
        raise ModelFileError(f"{path}: not a forecast model file: its header is not a JSON object.")
    return header


def _ends(path, header):
    """Where each tensor ends, by the header."""
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        offsets = tensor.get("data_offsets") if isinstance(tensor, dict) else None
        if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(at) is int for at in offsets):
            raise ModelFileError(f"{path}: not a forecast model file: its header does not say where {name!r} is.")
        yield offsets[1]


def _tensor(path, name, part):
    if part["dtype"] not in NAMES:
        raise ModelFileError(f"{path}: not written by forecast: tensor {name!r} is of {part['dtype']}.")
    tensor = np.frombuffer(part["data"], dtype=NAMES[part["dtype"]]).reshape(part["shape"])
    if tensor.dtype == bool and tensor.view(np.uint8).max(initial=0) > 1:
        raise ModelFileError(f"{path}: not written by forecast: tensor {name!r} holds what is neither true nor false.")
    return tensor.copy()  # memory of its own, aligned as numpy aligns
