"""Model files as a stranger would make them: a right checksum around whatever he likes."""

import hashlib
import json

import pytest

import forecast
from forecast import ModelFileError


def parts(data):
    """Header and tensors' bytes of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def sealed(header, body):
    """A file of a header and the tensors' bytes, whose last 32 become the right checksum."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + body[:-32]
    return data + hashlib.sha256(data).digest()


def changed(saved, folder, /, **metadata):
    """The file of a model with other metadata; a function changes what is there, None takes it away."""
    saved.save(folder / "changed")
    header, body = parts((folder / "changed").read_bytes())
    for name, value in metadata.items():
        value = value(header["__metadata__"][name]) if callable(value) else value
        if value is None:
            del header["__metadata__"][name]
        else:
            header["__metadata__"][name] = value
    return sealed(header, body)


def with_tree(saved, folder, change):
    """The file of a model whose tree was changed in place by a function."""

    def again(text):
        tree = json.loads(text)
        tree = change(tree) or tree
        return json.dumps(tree)

    return changed(saved, folder, model=again)


def refused(folder, data, match=None):
    path = folder / "refused"
    path.write_bytes(data)
    for read in (forecast.load, forecast.read_card):
        with pytest.raises(ModelFileError, match=match) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")


def refused_by_load(folder, data, match=None):
    (folder / "made up").write_bytes(data)
    with pytest.raises(ModelFileError, match=match):
        forecast.load(folder / "made up")
