"""The bytes of a model file: a safetensors file, whose last tensor is the SHA-256 of all bytes before it.

Written here rather than by the library, because the same model must give the same bytes with every version of it. Read
here as well, because the library copies every tensor.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard, cast

import numpy as np

from .._refusals import Fix, Refusal
from .._types import Array
from .errors import NEWER, ModelFileError

if TYPE_CHECKING:
    from .expected import Tree

__all__ = ["FORMAT", "VERSION", "pack", "parsed", "read", "unpacked"]

FORMAT = "forecast model"
VERSION = 1

DIGEST = "sha256"
DIGEST_BYTES = 32
LARGEST_RANK = 8
SMALL = 1 << 20  # bytes that any file may take, besides twice its own size
MEMORY = {"{": 700, "[": 160, ",": 64}  # bytes that JSON takes at most, for each of its signs
DEEPEST = 128  # objects and lists of JSON inside of each other; twice as many as a model has values
BLOCKS = re.compile(r"(?s).{1,65536}(?:(?<=\\).)*")  # parts of JSON; none ends after a backslash
STEPS = np.zeros(128, np.int8)  # of the depth, by the sign
STEPS[[ord(sign) for sign in "[{"]], STEPS[[ord(sign) for sign in "]}"]] = 1, -1
LONGEST_HEADER = 100_000_000  # bytes: the limit of safetensors' own readers

NAMES = {  # safetensors' names of dtypes, all little-endian
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4", "I32": "<i4",
    "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
DTYPES = {dtype: name for name, dtype in NAMES.items()}


def pack(tensors: dict[str, Array], metadata: dict[str, str]) -> bytes:
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
    header: dict[str, Any] = {"__metadata__": metadata}
    at = 0
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
            Refusal(
                f"the description of the model takes {len(text)} bytes; a safetensors file has room for "
                f"{LONGEST_HEADER}",
                advice="Save several models of fewer series each, or a pickle.",
                fix=Fix("joblib.dump(model, path)", ""),
            )
        )
    parts = [len(text).to_bytes(8, "little"), text, *(tensors[name].tobytes() for name in order)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any], int]:
    """Tensors and metadata of a model file, after all checks that bytes allow.

    Nothing is asked for that the file does not fill: the header is measured before it is parsed, and each tensor is
    read into its place.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    tensors : dict of str to ndarray
    metadata : dict of str to str
    size : int
        Size of the file in bytes.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        tensors, metadata = _contents(path, file, size)
    return tensors, metadata, size


def unpacked(data: bytes, name: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Tensors and metadata of the bytes that `pack` made, after the checks of `read`.

    Parameters
    ----------
    data : bytes
    name : str
        What they are called in messages.

    Returns
    -------
    tensors : dict of str to ndarray
    metadata : dict of str to str
    """
    with BufferedReader(cast("Any", BytesIO(data))) as file:
        return _contents(name, file, len(data))


def _contents(path: str, file: BufferedReader, size: int) -> tuple[dict[str, Array], dict[str, Any]]:
    digest = hashlib.sha256()
    text = _header_text(path, file, size, digest)
    begin = 8 + len(text)
    header = parsed(path, text, size)
    del text
    if not isinstance(header, dict):
        raise ModelFileError(Refusal("not a forecast model file: its header is not a JSON object", where=f"{path}:"))
    metadata = header.pop("__metadata__", None)
    places = _places(path, header, size - begin)
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelFileError(
            Refusal(f"a safetensors file, but no model of forecast: it does not say {FORMAT!r}", where=f"{path}:")
        )
    if not places or places[-1][:3] != (DIGEST, np.dtype("u1"), (DIGEST_BYTES,)):
        raise ModelFileError(Refusal("not written by forecast: its last tensor is not its checksum", where=f"{path}:"))
    tensors = {name: _tensor(file, dtype, shape, digest) for name, dtype, shape in places[:-1]}
    if file.read(DIGEST_BYTES) != digest.digest():
        raise ModelFileError(
            Refusal(
                "damaged: its checksum (SHA-256) is not that of its bytes",
                where=f"{path}:",
                advice="Use the copy that was saved.",
            )
        )
    _refuse_version(path, metadata)
    for name, tensor in tensors.items():
        if tensor.dtype == bool and tensor.view(np.uint8).max(initial=0) > 1:
            raise ModelFileError(
                Refusal(
                    f"not written by forecast: tensor {name!r} holds what is neither true nor false", where=f"{path}:"
                )
            )
    return tensors, metadata


def _header_text(path: str, file: BufferedReader, size: int, digest: hashlib._Hash) -> bytes:
    """The bytes of the header, where the first ones are those of such a file."""
    head = file.read(8)
    first = file.peek(1)[:1]
    if len(head) < 8 or not first:
        raise ModelFileError(Refusal(f"not a forecast model file: it has {len(head + first)} bytes", where=f"{path}:"))
    length = int.from_bytes(head, "little")
    if first != b"{" or not 2 <= length <= LONGEST_HEADER:
        hint = "It looks like a pickle, which can run anything when it is loaded." if head[:1] == b"\x80" else ""
        raise ModelFileError(
            Refusal(
                "not a forecast model file: its first bytes are not those of a safetensors file",
                where=f"{path}:",
                advice=hint,
            )
        )
    if size < 8 + length:
        raise ModelFileError(
            Refusal(f"cut short: {size} bytes, of which the header alone should take {8 + length}", where=f"{path}:")
        )
    text = file.read(length)
    digest.update(head)
    digest.update(text)
    return text


def _places(path: str, header: dict[str, Any], room: int) -> list[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    """Name, dtype and shape of each tensor in the order of the file, which they fill without gaps."""
    found: list[tuple[int, int, str, np.dtype[Any], tuple[int, ...]]] = []
    for name, entry in header.items():
        entry = entry if isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"} else {}
        shape, offsets = entry.get("shape"), entry.get("data_offsets")
        if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
            raise ModelFileError(
                Refusal(f"not a forecast model file: its header does not say where {name!r} is", where=f"{path}:")
            )
        kind = entry["dtype"] if isinstance(entry["dtype"], str) else None
        if kind not in NAMES:
            raise ModelFileError(
                Refusal(f"not written by forecast: tensor {name!r} is of {str(kind)[:20]}", where=f"{path}:")
            )
        found.append((offsets[0], offsets[1], name, np.dtype(NAMES[kind]), tuple(shape)))
    end = 0
    for first, last, name, dtype, shape in sorted(found, key=lambda part: part[:2]):
        fits = len(shape) <= LARGEST_RANK and max(shape, default=0) <= room + 8 and first == end
        if not fits or last - first != dtype.itemsize * math.prod(shape):
            raise ModelFileError(
                Refusal(f"damaged, or not written by forecast: tensor {name!r} is not {shape[:9]}", where=f"{path}:")
            )
        end = last
    if end != room:
        raise ModelFileError(
            Refusal(
                f"damaged: {room} bytes of tensors, expected {end}",
                where=f"{path}:",
                advice="Use the copy that was saved.",
            )
        )
    return [(name, dtype, shape) for _, _, name, dtype, shape in sorted(found, key=lambda part: part[:2])]


def _are_counts(values: object) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(type(one) is int and one >= 0 for one in values)


def _tensor(file: BufferedReader, dtype: np.dtype[Any], shape: tuple[int, ...], digest: hashlib._Hash) -> Array:
    """A tensor of its own memory, aligned as numpy aligns; where the file became shorter, the digest tells."""
    tensor = np.empty(shape, dtype)
    if tensor.size:
        bytes_of = tensor.reshape(-1).view(np.uint8).data
        file.readinto(bytes_of)
        digest.update(bytes_of)
    return tensor


def _refuse_version(path: str, metadata: dict[str, Any]) -> None:
    version = metadata.get("version")
    if version == str(VERSION):
        return
    raise ModelFileError(
        Refusal(
            f"written in version {str(version)[:20]!r} of the format; this forecast reads version {VERSION}",
            where=f"{path}:",
            advice=NEWER,
        )
    )


def parsed(path: str | os.PathLike[str], text: str | bytes, size: int) -> Tree:
    """JSON as it must be in a model file: no name twice in an object, no NaN, not nested without end, not too much.

    Parameters
    ----------
    path : str or os.PathLike
        Path for messages.
    text : str or bytes
        ASCII text: JSON can always be written as ASCII.
    size : int
        Size of the file in bytes.

    Returns
    -------
    object
    """
    try:
        text = text.decode("ascii") if isinstance(text, bytes) else text
        if _memory_of(text) > 2 * size + SMALL:
            raise ValueError("it would take much more memory than the file")
        if _depth_of(text) > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            Refusal(
                f"damaged, or not written by forecast: its description is not JSON that can be read: {error}",
                where=f"{path}:",
            )
        ) from error


def _memory_of(text: str) -> int:
    """Bytes at most that JSON takes as objects of Python and as the values that are made of them."""
    wide = 4 if "\\u" in text else 1  # bytes of a character
    counts = {sign: text.count(sign) for sign in MEMORY}
    return wide * len(text) + sum(MEMORY[sign] * count for sign, count in counts.items())


def _depth_of(text: str) -> int:
    """How deep JSON is nested: the parser of Python would go down its stack to find out."""
    deepest = depth = 0
    quoted = False
    for block in BLOCKS.finditer(text):
        plain = block[0].replace("\\\\", "").replace('\\"', "")  # the quotes that are left begin and end strings
        signs = np.frombuffer(plain.encode("ascii", "replace"), np.uint8)
        inside = np.logical_xor.accumulate(signs == ord('"')) ^ quoted
        steps = STEPS[signs] * ~inside
        depths = depth + np.cumsum(steps[steps != 0], dtype=np.int64)
        deepest = max(deepest, depths.max(initial=0))
        depth = depths[-1] if depths.size else depth
        quoted = inside[-1] if inside.size else quoted
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice in an object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
