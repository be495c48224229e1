"""F3 and F20: more threads than cores, by whatever nests them; and many threads that ask one fitted object."""

import statistics
import threading
import time

import children
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold

from forecast import RNNForecaster

pytestmark = pytest.mark.reliability

SEARCH = """
import json, sys, time
import joblib, numpy as np
from sklearn.model_selection import GridSearchCV
from forecast import RNNForecaster
X = np.random.default_rng(0).normal(size=(3000, 48))
model = RNNForecaster(hidden_size=24, max_iter=3, batch_size=256, random_state=0)
search = GridSearchCV(model, {"learning_rate": [1e-3, 1e-2]}, cv=2, n_jobs=2, refit=False)
seconds = []
with joblib.parallel_backend(sys.argv[1]):
    for _ in range(4):
        begin = time.perf_counter()
        search.fit(X, X[:, -1])
        seconds.append(time.perf_counter() - begin)
print(json.dumps(sorted(seconds[1:])[1]))
"""


def figure(record_property, name, ratio, bar):
    record_property("figure", f"{name}: {ratio:.2f} times")
    record_property("over", ratio > bar)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_in_two_jobs_beside_one_thread_each(backend, record_property):
    one = children.run(SEARCH, {"OMP_NUM_THREADS": "1"}, 300, [backend])
    free = children.run(SEARCH, {"OMP_NUM_THREADS": None}, 300, [backend])
    figure(record_property, f"search, {backend}", free / one, 1.15)


class Noted(RNNForecaster):
    """Keeps how many threads each fit used."""

    used = []

    def fit(self, X, y=None, **rest):
        super().fit(X, y, **rest)
        self.used.append(self.n_threads_)
        return self


def test_fits_of_a_threaded_search_take_one_thread_each(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    X = np.random.default_rng(0).normal(size=(1000, 48))
    model = Noted(hidden_size=24, max_iter=1, batch_size=512, random_state=0)
    from joblib import parallel_backend

    with parallel_backend("threading"):
        GridSearchCV(model, {"learning_rate": [1e-3, 1e-2]}, cv=KFold(2), n_jobs=2, refit=False).fit(X, X[:, -1])
    assert Noted.used == [1] * 4


def seconds_of(work, threads):
    """Of `threads` Python threads that do the same at once; the median of five."""
    seconds_of_once(work, threads)
    return statistics.median(seconds_of_once(work, threads) for _ in range(5))


def seconds_of_once(work, threads):
    """The same, measured once."""
    others = [threading.Thread(target=work) for _ in range(threads)]
    begin = time.perf_counter()
    for other in others:
        other.start()
    for other in others:
        other.join()
    return time.perf_counter() - begin


def fitting(n, n_jobs):
    X = np.random.default_rng(0).normal(size=(n, 48))
    return lambda: RNNForecaster(
        hidden_size=24, max_iter=2, batch_size=256, random_state=0, n_jobs=n_jobs, early_stopping=False
    ).fit(X, X[:, -1])


def test_four_threads_that_fit_at_once(record_property):
    ratio = seconds_of(fitting(2000, None), 4) / seconds_of(fitting(2000, 1), 4)
    figure(record_property, "four fits at once", ratio, 1.2)


def test_a_short_series_with_the_default_threads(record_property):
    ratio = seconds_of(fitting(200, None), 1) / seconds_of(fitting(200, 1), 1)
    figure(record_property, "200 rows", ratio, 1.2)


def test_eight_threads_get_the_same_bits_from_one_object(record_property):
    X = np.random.default_rng(0).normal(size=(40, 24))
    model = RNNForecaster(hidden_size=16, max_iter=1, random_state=0, n_jobs=1).fit(X, X[:, -1])
    expected, found = model.predict(X).tobytes(), []

    def ask():
        found.extend(model.predict(X[:k]).tobytes() == expected[: 8 * k] for k in np.arange(125) % 40 + 1)

    seconds_of_all = seconds_of_once(ask, 8)
    assert len(found) == 1000
    assert all(found)
    record_property("figure", f"1,000 calls by 8 threads have the same bits, in {seconds_of_all:.1f} s")


def test_two_threads_predict_nearly_twice_as_much(record_property):
    X = np.random.default_rng(0).normal(size=(4000, 96))
    model = RNNForecaster(hidden_size=32, max_iter=1, random_state=0, n_jobs=1).fit(X[:500], X[:500, -1])
    alone, both = (seconds_of(lambda: model.predict(X), threads) for threads in (1, 2))
    record_property("figure", f"2 threads: {2 * alone / both:.2f} times the throughput of one")
    record_property("over", 2 * alone / both < 1.8)
