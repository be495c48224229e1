"""Threads that the system refuses: the call takes fewer, with the same bits, and the process lives."""

import children
import pytest

from forecast import _core

LIMITED = """
import json, os, resource, sys
import numpy as np
from cases import draw_case
from forecast import _core

limit, room = sys.argv[1], int(sys.argv[2])
case = draw_case("lstm", np.random.default_rng(0), steps=6, hidden=8, batch=600)
network, start, source = case.core("float32"), case.theta.astype("float32"), case.source()

def trained(threads):
    theta, optimizer = start.copy(), _core.Optimizer("adam", "float32", network.n_parameters)
    used = network.train(theta, optimizer, source, case.index, 600, rate=0.01, threads=threads)["threads"]
    return used, theta.tobytes() + network.predict(theta, source, case.index, threads=threads).tobytes()

_, expected = trained(1)
if limit == "threads":  # room: threads that a user may have, so one of its own
    if os.getuid() == 0:  # who has no such limit
        os.setuid(65_000)
    resource.setrlimit(resource.RLIMIT_NPROC, (room, room))
else:  # room: MiB that this process may still take
    size = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size * 1024 + (room << 20),) * 2)
answers = []
for threads in (8, 2, 8):
    try:
        used, found = trained(threads)
        answers.append([used, found == expected])
    except MemoryError:
        answers.append("MemoryError")
print(json.dumps(answers))
"""


def limited(limit, room, **environment):
    return children.run(LIMITED, environment, arguments=(limit, room))


def test_where_no_thread_is_granted_the_caller_does_the_work():
    """A limit of one for the user: this process has it already."""
    assert limited("threads", 1) == [[1, True]] * 3


@pytest.mark.parametrize("room", [0, 1, 4, 10, 20, 40, 80])
def test_where_memory_is_short_a_call_takes_fewer_threads_or_raises(room):
    answers = limited("memory", room)
    assert [answer for answer in answers if answer != "MemoryError" and not answer[1]] == []


@pytest.mark.slow
def test_more_memory_grants_more_threads():
    granted = [limited("memory", room, OMP_STACKSIZE="16M")[0] for room in (8, 40, 400)]
    assert granted == [[1, True], [3, True], [8, True]] if _core.config()["openmp"] else [[1, True]] * 3
