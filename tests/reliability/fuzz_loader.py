"""A structure-aware fuzzer of model files: `python tests/reliability/fuzz_loader.py --count 1000000 --findings folder`.

It takes golden and fresh files, small ones more often, changes bytes and structure (values, shapes, dtypes, keys,
nesting), makes the checksum right again, and loads the mutants in a forked child with limits on memory and processor
time. What loads is asked for a forecast. Nine in ten mutants are made from trimmed files: whatever a file loads and
forecasts without is taken away, so that a load is short and most changes hit what matters. They are loaded from memory;
mutants of whole files lie on the disk. A mutant is made from its number, the seed and the corpus alone, so
`--only NUMBER` makes it again. `--state FILE` keeps what was counted, and goes on from there.

Findings are crashes, errors other than `ModelFileError` on loading, memory beyond twice the file and 1 MiB, more than a
second for each MB, forecasts, quantiles and intervals of NaN or infinity, and those that ask for more processes than
there are cores. An error that a forecast raises is not a finding.
"""

import argparse
import collections
import contextlib
import functools
import gc
import itertools
import json
import marshal
import os
import random
import resource
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib._parallel_backends import LokyBackend
from model_changes import (
    at,
    changed_header,
    changed_tensor,
    changed_tree,
    parsed,
    put_together,
    sealed,
    taken_apart,
    ways,
)
from sklearn.base import BaseEstimator
from sklearn.utils import _param_validation

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

BATCH = 5000  # mutants of a child
FLOOR, PER_BYTE = 0.5, 1e-6  # seconds: any file, and a byte of it
SPARE, TIMES = 1 << 20, 2  # bytes that any file may take, and times its own size
NOISE = 1 << 18  # bytes: pages of the interpreter that a load touches for the first time
ROOM = 1 << 29  # bytes that a child may ask for; more is refused by the system
HANG = 10  # seconds of processor time
TRIMMED = 0.9  # share of mutants of trimmed files
JOBS = os.cpu_count()  # processes that a forecast may ask for
GARBAGE = 200  # mutants between two collections

SERIES = [
    "panel", "panel of categories", "trading calendar given", "covariates", "quantiles", "mask", "periods",
    "whole numbers", "panel in levels", "several targets", "series, cycle and segments", "window_norm",
    "linear weights of each series", "holidays given", "regressor: pipeline", "regressor: RidgeCV",
    "regressor: MultiOutputRegressor", "regressor: TransformedTargetRegressor", "regressor: SeasonalNaive",
    "transform: chain", "transform: PowerTransformer", "transform: QuantileTransformer", "transform: asinh",
]  # fmt: skip
WINDOWS = ["gru", "segments", "steps", "several levels", "RandomState", "early stopping", "Windows"]


def panel_of_many():
    """Twenty series with transforms, which a file has as columns."""
    import saved_models
    from sklearn.linear_model import Ridge

    parts = [saved_models.frame(saved_models.days(30)).assign(shop=f"shop {number}") for number in range(20)]
    data = saved_models.pd.concat(parts).reset_index()
    return saved_models.series(Ridge(), data, series="shop", time="day", transform=["log", "standard"])


class Seed(NamedTuple):
    """A file to change; its tree as JSON."""

    name: str
    metadata: dict
    model: str
    tensors: list


def corpus(folder, names=None):
    """Files to change, by name: those of earlier releases and fresh ones, as they are in the folder or are made now."""
    import saved_models

    files = {path.stem: path.read_bytes() for path in sorted((TESTS / "golden").glob("models-*/*.forecast"))}
    makers = {name: (saved_models.SERIES | saved_models.WINDOWS)[name] for name in (*SERIES, *WINDOWS)}
    makers["panel of many"] = panel_of_many
    for name in makers if names is None else names:
        path = folder / f"{name}.forecast"
        if not path.is_file():
            makers[name]().save(path)
        files[name] = path.read_bytes()
    return [Seed(name, *taken_apart(data)) for name, data in files.items()]


# -------------------- less of a file


def trimmed(seed, folder):
    """What is left of a file, part by part, where it still loads and forecasts; kept in the folder."""
    path = folder / f"{seed.name}.trimmed"
    if not path.is_file():
        metadata = {name: text for name, text in seed.metadata.items() if name != "card"}
        tree, tensors = json.loads(seed.model), seed.tensors
        before = None
        while before != (before := json.dumps(tree)):
            tree, tensors = less_of(metadata, tree, tensors)
        path.write_bytes(put_together(metadata, tree, tensors))
    return Seed(seed.name, *taken_apart(path.read_bytes()))


def less_of(metadata, tree, tensors):
    """The tree without each part in turn, largest first, as long as it is a model."""
    for way in sorted(ways(tree), key=len)[1:]:
        with contextlib.suppress(LookupError, TypeError):  # it went with what was around it
            without = json.loads(json.dumps(tree))
            del at(without, way[:-1])[way[-1]]
            used = set(texts_in(without))
            rest = [part for part in tensors if part[0] in used]
            if is_model(put_together(metadata, without, rest)):
                tree, tensors = without, rest
    return tree, tensors


def texts_in(tree):
    return (part for part in (at(tree, way) for way in ways(tree)) if isinstance(part, str))


def is_model(data):
    from forecast._files.saved import from_bytes

    try:
        return bool(np.isfinite(forecast_of(from_bytes(data))).all())
    except Exception:  # whatever it is, it is needed
        return False


# -------------------- mutants


class Pool:
    """Files to choose from; the costlier the load, the rarer."""

    def __init__(self, seeds):
        self.seeds = seeds
        self.weights = list(itertools.accumulate(1 / len(seed.model) for seed in seeds))

    def drawn(self, rng):
        return rng.choices(self.seeds, cum_weights=self.weights)[0]


def pools(folder, names=None):
    """Trimmed files and whole ones."""
    files = corpus(folder, names)
    return Pool([trimmed(one, folder) for one in files]), Pool(files)


def mutant(files, seed, number):
    """The bytes of a mutant, the name of the file that it was, and whether that was a whole one."""
    rng = random.Random(f"{seed} {number}")
    whole = rng.random() >= TRIMMED
    name, metadata, model, tensors = files[whole].drawn(rng)
    copy, places = parsed(model)
    metadata, tree, tensors = dict(metadata), marshal.loads(copy), [list(part) for part in tensors]
    header_too = None
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        kind = rng.random()
        if kind < 0.55:
            tree = changed_tree(rng, tree, places)
        elif kind < 0.9:
            tensors = changed_tensor(rng, tensors)
        else:
            header_too = changed_header(rng)
    data = put_together(metadata, tree, tensors, header_too)
    if rng.random() < 0.05:  # bytes of any place
        data = bytearray(data[:-32])
        for _ in range(rng.choice([1, 8])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        data = sealed(bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data))])]))
    return name, data, whole


# -------------------- one mutant


@functools.cache
def sizes_of_process():
    return os.open("/proc/self/statm", os.O_RDONLY)


def memory_now():
    return int(os.pread(sizes_of_process(), 200, 0).split()[1]) * resource.getpagesize()


def forget_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def memory_at_most():
    """Since the peak was forgotten."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forecast_of(model, method="predict"):
    if hasattr(model, "future_frame"):
        future = model.future_frame()
        known = model._state.schema.future_names
        future[known] = 20.0
        return getattr(model, method)(future).select_dtypes("number").to_numpy()
    return getattr(model, method)(np.sin(np.arange(3.0 * min(model.n_features_in_, 10**4))).reshape(3, -1))


def forecasts_of(model):
    """What it forecasts, and of what it has, quantiles and intervals, which it may refuse."""
    yield "forecast", forecast_of(model)
    for method in ("predict_quantiles", "predict_interval"):
        try:
            found = forecast_of(model, method) if hasattr(model, method) else ()
        except ManyProcessesError:
            raise
        except Exception:  # as any model without them
            continue
        yield method, found


def judged(load, size):
    """The outcome of a load: a word, findings, memory and time; the best of four loads, where one is too much.

    The first counts from the highest peak of all files before, which is quick to ask for and at worst too much.
    """
    for _ in range(4):
        result = judged_once(load, size)
        if not any(finding.startswith(("memory", "time")) for finding in result[1]):
            break
        forget_peak()
    return result


def judged_once(load, size):
    import forecast

    before = memory_now()
    start = time.process_time()
    model, word, findings = None, "loaded", []
    try:
        model = load()
    except forecast.ModelFileError:
        word = "refused"
    except Exception as error:
        word, findings = "failed", [f"{type(error).__name__} in load: {str(error)[:100]}"]
    taken = time.process_time() - start
    memory = memory_at_most() - before
    if memory > TIMES * size + SPARE + NOISE:
        findings.append(f"memory {memory >> 10} KiB of a file of {size >> 10} KiB")
    if taken > FLOOR + PER_BYTE * size:
        findings.append(f"time {taken:.1f} s of a file of {size >> 10} KiB")
    if model is not None:
        try:
            for what, found in forecasts_of(model):
                if not np.isfinite(found).all():
                    word, findings = "nonsense", [*findings, f"{what} of NaN or infinity"]
        except ManyProcessesError as error:
            word, findings = "many processes", [*findings, f"{error} processes"]
        except Exception as error:
            word = f"loaded, and its forecast raised {type(error).__name__}"
    return word, findings, memory, taken


class ManyProcessesError(Exception):
    """A forecast that would start processes."""


def alone():
    """No forecast starts processes: with as many as there are cores it goes on without, with more it is a finding."""
    take = LokyBackend.effective_n_jobs

    def effective(backend, n_jobs):
        if take(backend, n_jobs) > JOBS:
            raise ManyProcessesError(n_jobs)
        return 1

    LokyBackend.effective_n_jobs = effective


def hurried():
    """What scikit-learn finds out anew for each object, once for each class: a third of the time of a load."""
    names = functools.cache(BaseEstimator._get_param_names.__func__)
    BaseEstimator._get_param_names = classmethod(lambda cls: list(names(cls)))
    made, make = {}, _param_validation.make_constraint

    def made_once(constraint):
        if id(constraint) not in made:
            made[id(constraint)] = constraint, make(constraint)  # the first, so that its number stays its own
        return made[id(constraint)][1]

    _param_validation.make_constraint = made_once


def child(files, seed, numbers, folder, results):
    hurried()
    alone()
    sizes_of_process.cache_clear()  # of the parent
    base = resource.getrlimit(resource.RLIMIT_AS)[1]
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, base))
    warnings.simplefilter("ignore")
    load = loader(folder / "mutant")
    for one in (*files[0].seeds, *files[1].seeds):  # what a child touches first is not the mutants'
        judged_once(load(put_together(one.metadata, json.loads(one.model), one.tensors), True), 0)
    gc.collect()
    gc.freeze()  # a hundred thousand objects that every collection would look at
    gc.disable()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        for count, number in enumerate(numbers):
            if count % GARBAGE == 0:
                gc.collect()
                forget_peak()
            name, data, whole = mutant(files, seed, number)
            signal.setitimer(signal.ITIMER_PROF, HANG)  # ends the process
            result = judged(load(data, whole), len(data))
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.write(results, json.dumps([number, name, *result]).encode() + b"\n")


def loader(path):
    """From bytes to what loads them: from memory, or for the whole files, as users do, from the disk."""
    import forecast
    from forecast._files.saved import from_bytes

    def load(data, whole):
        if not whole:
            return functools.partial(from_bytes, data)
        path.write_bytes(data)
        return functools.partial(forecast.load, path)

    return load


def run_batch(files, seed, numbers, folder):
    """Results by number; a number without one ended its process, and those after it are run again."""
    while numbers:
        (folder / "results").write_bytes(b"")
        process = os.fork()
        if process == 0:
            code = 1
            try:
                child(files, seed, numbers, folder, os.open(folder / "results", os.O_WRONLY))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(process, 0)
        with open(folder / "results") as file:
            done = [json.loads(line) for line in file if line.endswith("\n")]
        yield from done
        numbers = numbers[len(done) :]
        if numbers:
            yield [numbers[0], "?", "crashed", [f"the process ended with {os.waitstatus_to_exitcode(status)}"], 0, 0.0]
            numbers = numbers[1:]


def resumed(state):
    """How many mutants an earlier run made, their outcomes, and the findings."""
    if state is None or not state.is_file():
        return 0, collections.Counter(), []
    kept = json.loads(state.read_text())
    return kept["next"], collections.Counter(kept["words"]), kept["findings"]


def fuzz(files, folder, seed=0, seconds=None, count=None, first=0, findings=None, state=None):
    """Run mutants until the time is over or the count is reached; how many came to what, and the findings."""
    start, (begin, words, found) = time.monotonic(), resumed(state)
    end = None if count is None else first + count
    number = max(first, begin)
    while (seconds is None or time.monotonic() - start < seconds) and (end is None or number < end):
        numbers = list(range(number, number + BATCH if end is None else min(number + BATCH, end)))
        for one, name, word, wrong, *_ in run_batch(files, seed, numbers, folder):
            words[word] += 1
            if wrong:
                found.append((one, name, wrong))
                print(f"{one} {name}: {'; '.join(wrong)}", flush=True)
                if findings is not None:
                    (findings / f"{seed}-{one}.forecast").write_bytes(mutant(files, seed, one)[1])
        number = numbers[-1] + 1
        if state is not None:
            state.write_text(json.dumps({"next": number, "words": words, "findings": found}))
        if len(numbers) == BATCH:
            used = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
            print(f"{words.total()} so far, {used:.0f} CPU seconds of this run", file=sys.stderr, flush=True)
    return words, found


def main():
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--count", type=int)
    parser.add_argument("--findings", type=Path)
    parser.add_argument("--state", type=Path, help="what was counted; a run that finds it goes on from there")
    parser.add_argument("--corpus", type=Path, help="keeps the fresh files from one run to the next")
    options = parser.parse_args()
    if options.seconds is None and options.count is None:
        options.seconds = 60
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        kept = options.corpus or Path(folder)
        kept.mkdir(exist_ok=True)
        files = pools(kept)
        if options.only is not None:
            words, found = fuzz(files, Path(folder), options.seed, count=1, first=options.only)
        else:
            if options.findings is not None:
                options.findings.mkdir(exist_ok=True)
            words, found = fuzz(
                files, Path(folder), options.seed, options.seconds, options.count, options.first, options.findings,
                options.state,
            )  # fmt: skip
    print(f"{sum(words.values())} executions, {len(found)} findings")
    for word, n in words.most_common():
        print(f"{n:8} {word}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
