"""A session of pytest that plants one fault after the other in its own forks, so that nothing is imported twice.

The tests are collected once. For faults of Python a first fork runs them all and notes which lines each runs. Then each
fault has a fork of its own, which runs the tests that can see it, quick ones first, until one fails, which must pass
without a fault.
"""

import collections
import gc
import json
import os
import signal
import sys
import time
import traceback
import types
from functools import partial

import pytest

SECONDS = 300  # of one test, on a busy machine; a fault that makes it endless is found
ALL = 7200  # seconds of all tests


def in_fork(work):
    """What `work` returns in a fork of this process; None where it does not end, False where it ends badly."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the fork: a loop of the core hears no handler
            with os.fdopen(write, "w") as stream, open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                json.dump(work(), stream)
        except BaseException:  # whatever it is, a fork must not go on as its parent would
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGALRM))
        signal.alarm(ALL)
        text = stream.read()
        signal.alarm(0)
    _, status = os.waitpid(child, 0)
    if not text:
        return None if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else False
    return json.loads(text)


def tell(text):
    print(text, file=sys.stderr, flush=True)


def in_turn(tests):
    """An order in which every test function comes with its first case, then with its second, and so on; no lines."""
    seen = collections.Counter()
    found = {}
    for test in tests:
        function = test.split("[")[0]
        found[test] = True, seen[function], ()
        seen[function] += 1
    return found


class Hunt:
    """Shows faults to tests.

    Parameters
    ----------
    folder : Path
        Of the package whose lines are noted.
    note : Path
        Keeps which test runs which lines from one run to the next.
    faults : list
    plant : callable
        Plants a fault in this process.
    prefer : callable
        From a fault and a test's id to what comes first among its tests; smaller is earlier.
    heard : callable
        What to do with a fault and the test that found it, or None.
    traced : bool, default=True
        Whether to run all tests beforehand and note their lines, those of Python.
    """

    def __init__(self, folder, note, faults, plant, prefer, heard, traced=True):
        self.folder, self.note = f"{folder}/", note
        self.faults, self.plant, self.prefer, self.heard = faults, plant, prefer, heard
        self.traced, self.sound, self.failed = traced, {}, False
        self.lines, self.shared = set(), {}

    def begin(self, frame, event, argument):
        return self.trace if frame.f_code.co_filename.startswith(self.folder) else None

    def trace(self, frame, event, argument):
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.trace

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        """Lines of a fixture that several tests share belong to all tests of its file."""
        before = set(self.lines)
        yield
        if fixturedef.scope in ("class", "module"):
            self.shared.setdefault(str(request.path), set()).update(self.lines - before)

    def pytest_runtestloop(self, session):
        items = {item.nodeid: item for item in session.items}
        reach = self.reached(session.items) if self.traced else in_turn(items)
        for fault in self.faults:
            line = f"{fault.path}:{fault.line}"
            order = sorted(reach, key=lambda test: (self.prefer(fault, test), reach[test][1]))
            able = [items[test] for test in order if line in reach[test][2]] or [items[test] for test in order]
            found = in_fork(partial(self.shown, fault, able))
            while found in items and not self.is_sound(items[found]):
                able = [item for item in able if item.nodeid != found]
                found = in_fork(partial(self.shown, fault, able))
            self.heard(fault, {None: "no end", False: "the process ended"}.get(found, found) or None)
        return True

    def reached(self, items):
        """Of each test that passes: seconds, and lines."""
        if not self.note.is_file():
            watched = in_fork(partial(self.watched, items))
            if not watched:
                raise SystemExit("the tests end their process without a fault")
            self.note.write_text(json.dumps(watched))
        reach = json.loads(self.note.read_text())
        for name in [name for name, (ok, *_) in reach.items() if not ok]:
            tell(f"not asked, as it fails in a fork without a fault: {name}")
            del reach[name]
        return reach

    def is_sound(self, item):
        """Whether a test passes in a fork without a fault; asked of those that found one."""
        if item.nodeid not in self.sound:
            self.sound[item.nodeid] = in_fork(partial(self.passes, item, None))
            if not self.sound[item.nodeid]:
                tell(f"not believed, as it fails in a fork without a fault: {item.nodeid}")
        return self.sound[item.nodeid]

    def passes(self, item, after):
        """Whether a test passes, run with all that pytest puts around it, such as its filters of warnings."""
        self.failed = False
        signal.alarm(SECONDS)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        signal.alarm(0)
        return not self.failed

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or report.failed

    def watched(self, items):
        """Of each test: whether it passes, seconds, and lines as "path:number"."""
        found = {}
        for item, after in zip(items, [*items[1:], None], strict=True):
            self.lines, begin = set(), time.perf_counter()
            sys.settrace(self.begin if self.traced else None)
            ok = self.passes(item, after)
            sys.settrace(None)
            found[item] = ok, time.perf_counter() - begin, self.lines
        return {
            item.nodeid: [ok, seconds, sorted(map(self.words, lines | self.shared.get(str(item.path), set())))]
            for item, (ok, seconds, lines) in found.items()
        }

    def words(self, line):
        return f"{line[0].removeprefix(self.folder)}:{line[1]}"

    def shown(self, fault, items):
        """The id of the test that fails, or an empty text."""
        self.plant(fault)
        for item, after in zip(items, [*items[1:], None], strict=True):
            if not self.passes(item, after):
                return item.nodeid
        return ""


def replaced(path, text):
    """Give all functions of a file the code that they have in a changed text of it."""
    codes = {}
    rest = [compile(text, path, "exec")]
    while rest:
        code = rest.pop()
        codes[code.co_qualname, code.co_firstlineno] = code
        rest += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    for function in gc.get_objects():
        if isinstance(function, types.FunctionType) and function.__code__.co_filename == path:
            code = function.__code__
            function.__code__ = codes[code.co_qualname, code.co_firstlineno]
