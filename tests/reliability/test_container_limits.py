"""F4: a container's share of the processors, from files that a system may show; none of them ends in an exception."""

import builtins
import io
import os

import joblib
import pytest

from forecast import _threads

pytestmark = pytest.mark.reliability

V2, QUOTA, PERIOD = "cpu.max", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"
FILES = {  # what the system shows below /sys/fs/cgroup, and the cores of eight that may be used
    "no limit": ({V2: "max 100000\n"}, 8),
    "half a core": ({V2: "50000 100000\n"}, 1),
    "one core": ({V2: "100000 100000\n"}, 1),
    "one and a half": ({V2: "150000 100000\n"}, 2),
    "two cores": ({V2: "200000 100000\n"}, 2),
    "more than there are": ({V2: "6400000 100000\n"}, 8),
    "version 1": ({QUOTA: "300000\n", PERIOD: "100000\n"}, 3),
    "version 1 without a limit": ({QUOTA: "-1\n", PERIOD: "100000\n"}, 8),
    "empty": ({V2: ""}, 8),
    "garbage": ({V2: "of course\n"}, 8),
    "a period of nothing": ({V2: "100000 0\n"}, 8),
    "no file": ({}, 8),
}


@pytest.fixture
def system(monkeypatch):
    """Shows other files below /sys/fs/cgroup, and eight processors."""

    def show(files):
        root = "/sys/fs/cgroup/"
        there, opened = os.path.exists, builtins.open

        def other_open(path, *args, **kwargs):
            if str(path).startswith(root):
                return io.StringIO(files[str(path).removeprefix(root)])
            return opened(path, *args, **kwargs)

        def other_exists(path):
            return str(path).removeprefix(root) in files if str(path).startswith(root) else there(path)

        monkeypatch.setattr(builtins, "open", other_open)
        monkeypatch.setattr(os.path, "exists", other_exists)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
        monkeypatch.setattr(os, "cpu_count", lambda: 8)
        monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    _threads._usable_cores.cache_clear()
    yield show
    _threads._usable_cores.cache_clear()


@pytest.mark.parametrize("name", FILES)
def test_a_quota_is_rounded_up_and_no_file_ends_in_an_exception(system, name):
    files, expected = FILES[name]
    system(files)
    assert _threads.thread_count(None, openmp_threads=64) == expected
    assert _threads.thread_count(-1, openmp_threads=1) == expected


def test_a_number_that_is_ordered_goes_before_the_quota(system, monkeypatch):
    system(FILES["half a core"][0])
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert _threads.thread_count(None, openmp_threads=5) == 5
    assert joblib.cpu_count() == 1
