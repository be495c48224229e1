"""A file that is not, byte for byte, what `save` wrote is refused; and nothing that a file says is run."""

import io
import json
import os
import pickle
import signal
import stat
import tracemalloc
import zipfile

import children
import joblib
import numpy as np
import pytest
import safetensors.numpy
from model_bytes import parts, refused, refused_by_load, sealed
from saved_models import ONE, SERIES, X, small
from sklearn.linear_model import Ridge

import forecast
from forecast import ModelFileError


@pytest.fixture(scope="module")
def model():
    return small(hidden_size=1, max_iter=1).fit(X, ONE)


@pytest.fixture(scope="module")
def data(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    model.save(path)
    return path.read_bytes()


# -------------------- damage


def accepted_with_a_change(path, positions, masks):
    """At which positions of a file a byte may change without its being refused."""
    data, accepted = path.read_bytes(), []
    with open(path, "r+b", buffering=0) as file:
        for position, mask in zip(positions, masks, strict=True):
            os.pwrite(file.fileno(), bytes([data[position] ^ mask]), position)
            try:
                forecast.load(path)
                accepted.append(position)
            except ModelFileError:
                pass
            os.pwrite(file.fileno(), data[position : position + 1], position)
    assert path.read_bytes() == data
    forecast.load(path)
    return accepted


def test_any_byte_that_changed_is_found(data, tmp_path):
    """Every one of them, in some bit of it."""
    path = tmp_path / "model"
    path.write_bytes(data)
    assert accepted_with_a_change(path, range(len(data)), [1 << position % 8 for position in range(len(data))]) == []


def test_any_byte_that_changed_in_a_forecaster_is_found(tmp_path):
    """At 500 places of a file with everything in it."""
    path, rng = tmp_path / "model", np.random.default_rng(0)
    SERIES["panel"]().save(path)
    positions = rng.choice(path.stat().st_size, 500, replace=False).tolist()
    assert accepted_with_a_change(path, positions, rng.integers(1, 256, 500).tolist()) == []


def test_a_file_cut_short_anywhere_is_refused(data, tmp_path):
    path, accepted = tmp_path / "model", []
    path.write_bytes(data)
    for length in reversed(range(len(data))):
        os.truncate(path, length)
        try:
            forecast.load(path)
            accepted.append(length)
        except ModelFileError:
            pass
    assert accepted == []


@pytest.mark.parametrize("more", [b"\0", b" ", b"}", b"\0" * 4096])
def test_what_stands_behind_the_end_is_refused(data, more, tmp_path):
    refused(tmp_path, data + more, "expected")


def test_parts_that_changed_places_are_refused(data, tmp_path):
    half = len(data) // 2
    refused(tmp_path, data[:8] + data[8:half][::-1] + data[half:])
    refused(tmp_path, data[:-64] + data[-32:] + data[-64:-32], "checksum")


# -------------------- other files


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as inside:
        inside.writestr("model", "x" * 100)
    return file.getvalue()


OTHERS = {
    "empty": (b"", "it has 0 bytes"),
    "short": (b"12345678", "it has 8 bytes"),
    "text": (b"a text that is not a model, and long enough to have been one" * 9, "not a forecast model file"),
    "JSON": (json.dumps({"format": "forecast model"}).encode() * 9, "not a forecast model file"),
    "zip": (archive(), "not a forecast model file"),
    "zeros": (bytes(4096), "not a forecast model file"),
    "ones": (b"\xff" * 4096, "not a forecast model file"),
    "safetensors": (safetensors.numpy.save({"a": np.ones(9)}, {"format": "pt"}), "does not say 'forecast model'"),
    "safetensors without words": (safetensors.numpy.save({"a": np.ones(9)}), "does not say 'forecast model'"),
    "header of 2**63 bytes": ((2**63).to_bytes(8, "little") + b"{" * 100, "not a forecast model file"),
    "header of 99 MB": ((99_000_000).to_bytes(8, "little") + b"{" * 100, "cut short"),
    "header that is a list": (sealed(b"{}".replace(b"{}", b"[ ]"), bytes(64)), "not a forecast model file"),
    "header of no JSON": (sealed(b"{nonsense}", bytes(64)), "not JSON"),
    "header of no text": (sealed(b"{\xff\xfe}", bytes(64)), "not JSON"),
    "header with a name twice": (sealed(b'{"__metadata__":{},"__metadata__":{}}', bytes(64)), "twice"),
    "header without end": (sealed(b"{" + b'"a":[' * 1000, bytes(64)), "not JSON"),
    "header as deep as the sea": (sealed(b'{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}", bytes(64)), "not JSON"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_file_is_refused(kind, tmp_path):
    refused(tmp_path, *OTHERS[kind])


class Bomb:
    def __reduce__(self):
        return os.remove, (self.path,)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    bomb = Bomb()
    bomb.path = str(tmp_path / "precious")
    (tmp_path / "precious").write_text("still here")
    refused(tmp_path, pickle.dumps([bomb, bytes(500)]), "looks like a pickle")
    assert (tmp_path / "precious").exists()
    joblib.dump(Ridge(), tmp_path / "ridge")
    refused(tmp_path, (tmp_path / "ridge").read_bytes(), "not a forecast model file")


def test_a_missing_file_and_a_folder_are_the_errors_of_python(tmp_path):
    for read in (forecast.load, forecast.read_card):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "nothing")
        with pytest.raises(IsADirectoryError):
            read(tmp_path)


def test_an_absurd_size_is_not_believed(data, tmp_path):
    """No memory is asked for that the file does not fill."""
    header, body = parts(data)
    huge = json.loads(json.dumps(header))
    huge["_network.theta"]["shape"] = [2**40]
    huge["_network.theta"]["data_offsets"][1] = 2**42
    tracemalloc.start()
    refused(tmp_path, sealed(huge, body))
    huge["_network.theta"]["data_offsets"] = header["_network.theta"]["data_offsets"]
    refused_by_load(tmp_path, sealed(huge, body))
    huge["_network.theta"]["shape"] = [2**63, 2**63]
    refused_by_load(tmp_path, sealed(huge, body))
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


# -------------------- the way onto the disk


class Full(OSError):
    pass


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("before", [None, b"the old one"])
def test_a_failure_leaves_the_old_file_and_nothing_else(model, before, step, tmp_path, monkeypatch):
    path = tmp_path / "model"
    if before is not None:
        path.write_bytes(before)

    def fail(*arguments):
        raise Full

    if step == "write":
        monkeypatch.setattr(os, "fdopen", fail)
        monkeypatch.setattr("forecast._files.disk.open", fail, raising=False)
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(Full):
        model.save(path)
    monkeypatch.undo()
    assert [name.name for name in tmp_path.iterdir()] == ([] if before is None else ["model"])
    assert before is None or path.read_bytes() == before


def test_an_interrupt_leaves_nothing(model, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_forced_to_the_disk_before_it_takes_its_name(model, tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: calls.append(name) or real(*args))
    model.save(tmp_path / "model")
    assert calls == ["fsync", "replace", "fsync"]  # the last of the folder


def test_a_file_has_the_permissions_that_the_umask_leaves_or_those_it_had(model, tmp_path):
    before = os.umask(0o027)
    try:
        model.save(tmp_path / "model")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o640
    (tmp_path / "model").chmod(0o604)
    model.save(tmp_path / "model")
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o604


def test_a_link_stays_a_link(model, data, tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    model.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == data


def test_a_path_may_be_a_text_and_a_file_in_the_folder_at_hand(model, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save("model.forecast")
    assert (tmp_path / "model.forecast").read_bytes() == data
    assert np.array_equal(forecast.load("model.forecast").predict(X), model.predict(X))


def test_a_path_that_cannot_be_is_refused(model, tmp_path):
    with pytest.raises(IsADirectoryError):
        model.save(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        model.save(tmp_path / "nowhere" / "model")
    with pytest.raises(TypeError):
        model.save(3)


KILLED = """
import os, signal, sys
import numpy as np
from forecast import RNNForecaster

X = np.random.default_rng(0).normal(size=(100, 5))
model = RNNForecaster(hidden_size=2, max_iter=1, random_state=0).fit(X, X[:, -1])
model.save(sys.argv[1])
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
model.set_params(max_iter=2).save(sys.argv[1])
"""


def test_a_process_killed_while_it_saves_leaves_the_old_model(tmp_path):
    """Its part is next to the file, under a name of its own."""
    done = children.start(KILLED, arguments=[tmp_path / "model"])
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert forecast.load(tmp_path / "model").max_iter == 1
    assert sorted(path.name[:6] for path in tmp_path.iterdir()) == [".model", "model"]


def test_the_next_save_removes_what_a_killed_one_left(model, tmp_path):
    """Of the same file, and of no process that is still there."""
    children.start(KILLED, arguments=[tmp_path / "model"])
    (left,) = tmp_path.glob(".model.*.part")
    number = left.name.split(".")[3]
    others = [
        left.name.replace(f".{number}.", f".{os.getpid()}."),  # this process is there
        left.name.replace(f".{number}.", f".{os.getppid()}."),
        left.name.replace(".model.", ".other."),
        left.name.replace(".model.", ".model.forecast."),
        left.name.replace(left.name.split(".")[2], "00000000"),  # another machine
        left.name.replace(".part", ".txt"),
        ".model.part",
        f".model.{'0' * 16}.part",
    ]
    for name in others:
        (tmp_path / name).write_bytes(b"of others")
    model.save(tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "model"])


def test_a_folder_that_cannot_be_listed_is_saved_to(model, tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError

    monkeypatch.setattr(os, "listdir", refuse)
    model.save(tmp_path / "model")
    assert forecast.load(tmp_path / "model").max_iter == 1


@pytest.mark.parametrize("allowed", [True, False])
def test_a_replaced_file_keeps_its_owner_where_the_system_allows_it(model, allowed, tmp_path, monkeypatch):
    (tmp_path / "model").write_bytes(b"old")
    (tmp_path / "model").chmod(0o640)
    old, asked = (tmp_path / "model").stat(), []

    def chown(path, owner, group):
        asked.append((owner, group))
        if not allowed:
            raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    model.save(tmp_path / "model")
    assert asked == [(old.st_uid, -1), (-1, old.st_gid)]
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o640


def test_the_owner_of_a_replaced_file_is_that_of_the_old_one(model, tmp_path):
    """Which only root can show with another owner than itself."""
    (tmp_path / "model").write_bytes(b"old")
    owner = (1234, 2345) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(tmp_path / "model", *owner)
    model.save(tmp_path / "model")
    found = (tmp_path / "model").stat()
    assert (found.st_uid, found.st_gid) == owner


# -------------------- other programs


def test_the_library_of_safetensors_reads_a_model_file(model, tmp_path):
    """Tensors under the names of what they are, and the card as JSON."""
    path = tmp_path / "model"
    model.save(path)
    with safetensors.safe_open(path, "np") as file:
        assert np.array_equal(file.get_tensor("_network.theta"), model._network.theta)
        assert json.loads(file.metadata()["card"]) == model.card_
        assert file.metadata()["format"] == "forecast model"
    assert set(safetensors.numpy.load_file(path)) > {"_optimizer_state.first", "gradient_norm_curve_"}


def test_tensors_lie_where_their_dtype_wants_them(data):
    header, _ = parts(data)
    assert (len(json.dumps(header)) and int.from_bytes(data[:8], "little")) % 8 == 0
    sizes = {"F64": 8, "F32": 4, "U8": 1}
    for name, tensor in header.items():
        if name != "__metadata__":
            assert tensor["data_offsets"][0] % sizes[tensor["dtype"]] == 0, name
