"""From n_jobs to a number of threads, what lowers it, and what show_config says about it."""

import json
import os

import children
import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from forecast import RNNForecaster, _core, _threads, show_config
from forecast._threads import thread_count

OPENMP = bool(_core.config()["openmp"])


@pytest.fixture
def cores(monkeypatch):
    """Says how many cores this process may use: affinity and a container's quota, as joblib finds them."""

    def pretend(n):
        monkeypatch.setattr(_threads, "_usable_cores", lambda: n)

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return pretend


def table(n=2000, lookback=24):
    X = np.random.default_rng(0).normal(size=(n, lookback))
    return X, X[:, -1]


# -------------------- the policy


@pytest.mark.parametrize("n_jobs", [1, 2, 3, 7, 64])
def test_a_positive_number_is_taken_as_it_is(cores, n_jobs):
    cores(2)
    assert thread_count(n_jobs, openmp_threads=1, work=1) == n_jobs


def test_fits_beside_each_other_in_threads_take_one_each(cores):
    cores(8)
    ask = joblib.delayed(thread_count)
    for n_jobs, expected in ((None, 1), (3, 3), (-1, 8)):
        found = joblib.Parallel(n_jobs=2, backend="threading")(ask(n_jobs, openmp_threads=8) for _ in range(4))
        assert found == [expected] * 4
    assert joblib.Parallel(n_jobs=1, backend="threading")(ask(None, openmp_threads=8) for _ in range(2)) == [8, 8]


@pytest.mark.parametrize(("n_jobs", "expected"), [(-1, 8), (-2, 7), (-8, 1), (-9, 1), (-100, 1)])
def test_a_negative_number_counts_from_all_usable_cores(cores, n_jobs, expected):
    cores(8)
    assert thread_count(n_jobs, openmp_threads=1, work=1) == expected


def test_none_takes_all_that_openmp_and_the_cores_allow(cores):
    cores(8)
    assert thread_count(None, openmp_threads=8) == 8
    assert thread_count(None, openmp_threads=3) == 3
    assert thread_count(None, openmp_threads=16) == 8


def test_a_quota_below_the_number_of_cores_counts(cores):
    cores(2)
    assert thread_count(None, openmp_threads=64) == 2


def test_the_quota_is_joblibs(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 3)
    _threads._usable_cores.cache_clear()
    try:
        assert thread_count(None, openmp_threads=64) == 3
        assert thread_count(-1, openmp_threads=64) == 3
    finally:
        _threads._usable_cores.cache_clear()


def test_an_order_by_the_environment_goes_before_the_quota(cores, monkeypatch):
    cores(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert thread_count(None, openmp_threads=5) == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert thread_count(None, openmp_threads=5) == 2


def test_none_takes_no_more_than_the_work_is_worth(cores):
    cores(8)
    for work, expected in [(0, 1), (999_999, 1), (1_000_000, 1), (2_000_000, 2), (5_500_000, 5), (1e12, 8)]:
        assert thread_count(None, openmp_threads=8, work=work) == expected
    assert thread_count(2, openmp_threads=8, work=0) == 2, "an explicit number is not the work's business"


def test_numpys_integers_are_numbers(cores):
    cores(4)
    assert thread_count(np.int64(3), openmp_threads=1) == 3
    assert type(thread_count(np.int64(3), openmp_threads=1)) is int


# -------------------- what is used


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_a_fit_uses_the_threads_asked_for_and_says_so(n_jobs):
    model = RNNForecaster(hidden_size=4, max_iter=1, batch_size=512, n_jobs=n_jobs, random_state=0).fit(*table())
    assert model.n_threads_ == n_jobs


def test_no_more_threads_are_used_than_there_are_chunks():
    model = RNNForecaster(hidden_size=4, max_iter=1, batch_size=8, n_jobs=16, random_state=0).fit(*table(8))
    assert model.n_threads_ == 1


def test_small_work_is_done_by_one_thread(cores):
    cores(8)
    model = RNNForecaster(hidden_size=2, max_iter=1, random_state=0).fit(*table(100, 4))
    assert model.n_threads_ == 1


def test_a_limit_by_threadpoolctl_counts():
    X, y = table()
    model = RNNForecaster(hidden_size=32, max_iter=1, batch_size=512, random_state=0)
    with threadpool_limits(limits=1):
        assert not OPENMP or _core.config()["openmp_max_threads"] == 1
        model.fit(X, y)
        limited = model.predict(X)
        assert not OPENMP or model.n_threads_ == 1, "threads that the core starts itself are not threadpoolctl's"
    assert model.fit(X, y).predict(X).tobytes() == limited.tobytes()


def test_an_explicit_number_goes_before_a_limit():
    with threadpool_limits(limits=1):
        model = RNNForecaster(hidden_size=4, max_iter=1, batch_size=512, n_jobs=2, random_state=0).fit(*table())
    assert model.n_threads_ == 2


FIT = """
import json
import numpy as np
import forecast
X = np.random.default_rng(0).normal(size=(600, 24))
model = forecast.RNNForecaster(hidden_size=32, max_iter=1, batch_size=512, random_state=0).fit(X, X[:, -1])
shown = forecast.show_config(mode="dict")["threads"]
print(json.dumps([model.n_threads_, shown, model._network.theta.tobytes().hex()]))
"""


def test_the_environment_orders_threads_and_the_weights_stay_the_same():
    answers = {n: children.run(FIT, {"OMP_NUM_THREADS": n}) for n in ("1", "3")}
    for n, (used, shown, _) in answers.items():
        assert used == int(n)
        assert shown == f"{n} (OMP_NUM_THREADS; n_jobs sets another)"
    assert len({weights for *_, weights in answers.values()}) == 1


@pytest.mark.parametrize("only", sorted(os.sched_getaffinity(0))[:1])
def test_a_process_on_one_core_uses_one_thread(only):
    used, shown, _ = children.run(f"import os; os.sched_setaffinity(0, {{{only}}})\n{FIT}", {"OMP_NUM_THREADS": None})
    assert used == 1
    assert shown.startswith("1 (")


@pytest.mark.parametrize(("hidden", "shared"), [(32, False), (256, True)])
def test_one_window_is_shared_only_where_its_weights_are_many(hidden, shared, monkeypatch):
    X, y = table(4, lookback=6)
    model = RNNForecaster(hidden_size=hidden, max_iter=1, early_stopping=False, random_state=0, n_jobs=2).fit(X, y)
    assert (model._network.theta.nbytes >= _threads.WORTH_SHARING) is shared
    asked = []

    class Compiled:
        def __getattr__(self, name):
            return getattr(network, name)

        def predict(self, *args, threads):
            asked.append(threads)
            return network.predict(*args, threads=threads)

    network = model._network.compiled
    monkeypatch.setattr(model._network, "_compiled", Compiled())
    found = model.predict(X[:1])
    assert asked == [2 if shared else 1]
    assert found.tobytes() == model.predict(X)[:1].tobytes()


# -------------------- what is shown

KEYS = ["compiler", "instruction sets built", "instruction sets found", "used", "openmp", "threads"]


def test_the_configuration_is_a_dictionary_of_text():
    shown = show_config(mode="dict")
    assert list(shown) == KEYS
    assert all(isinstance(value, str) and value for value in shown.values())
    core = _core.config()
    assert shown["used"].startswith(core["isa_used"])
    assert set(shown["instruction sets found"].split(", ")) <= set(shown["instruction sets built"].split(", "))
    assert core["isa_used"] in shown["instruction sets found"].split(", ")
    json.dumps(shown)


def test_the_configuration_is_printed_a_line_for_each(capsys):
    assert show_config() is None
    lines = capsys.readouterr().out.splitlines()
    shown = show_config(mode="dict")
    assert [line[:24].strip() for line in lines] == KEYS
    assert [line[24:] for line in lines] == list(shown.values())
    assert capsys.readouterr().out == ""


def test_the_reason_for_the_threads_is_shown(cores, monkeypatch):
    cores(1)
    assert show_config(mode="dict")["threads"].startswith("1 (")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "OMP_NUM_THREADS" in show_config(mode="dict")["threads"]


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode: expected 'print' or 'dict', got 'html'"):
        show_config(mode="html")
