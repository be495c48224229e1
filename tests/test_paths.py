"""Sample paths: their quantiles step by step, how steps and series depend on each other, sums, and what is refused."""

import pickle
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import polars
import pytest
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster, path_interval
from forecast._series.past_paths import PastPaths
from forecast.metrics import crps, energy_score

HOURS = pd.date_range("2026-01-01", periods=600, freq="h", tz="Europe/Berlin", name="hour")


def walk(seed=0, n=600, level=50.0):
    """A level that wanders: the errors of a forecast are correlated."""
    rng = np.random.default_rng(seed)
    y = level + np.cumsum(rng.normal(size=n)) * 0.3 + 5 * np.sin(2 * np.pi * np.arange(n) / 24)
    return pd.DataFrame({"y": y}, index=HOURS[:n])


def fitted(data=None, regressor=None, **changes):
    parameters = {"target": "y", "lookback": 24, "horizon": 6, "validation_fraction": 0.3} | changes
    return SeriesForecaster(regressor or Ridge(), **parameters).fit(walk() if data is None else data)


def shops(n_shops=3, together=True):
    """Series that move together, or each by itself."""
    parts = [(walk(0 if together else shop) * (shop + 1)).assign(shop=f"s{shop}") for shop in range(n_shops)]
    return pd.concat(parts)


MODEL = fitted()
LIKE = {  # forecasters whose paths have the quantiles of their intervals
    "errors": (lambda: (MODEL, {}), 0.1),
    "history": (lambda: (fitted(walk()[:400]), {"history": walk()[:520]}), 0.1),
    "update": (lambda: (fitted(walk()[:400]).update(walk()[400:520]), {}), 0.1),
    "log": (lambda: (fitted(transform="log"), {}), 0.1),
    "panel": (lambda: (fitted(shops(), series="shop"), {}), 0.1),
    "few": (lambda: (fitted(walk()[:85], validation_fraction=0.2), {}), 0.2),
}


@pytest.mark.parametrize("name", LIKE)
def test_paths_have_the_quantiles_of_the_interval_at_each_step(name):
    make, near = LIKE[name]
    model, given = make()
    interval = model.predict_interval(**given, coverage=[0.5, 0.8])
    paths = path_interval(model.sample(4_000, random_state=0, **given), coverage=[0.5, 0.8])
    bounds = [f"y_{side}_{level}" for level in (0.5, 0.8) for side in ("lower", "upper")]
    width = (interval["y_upper_0.8"] - interval["y_lower_0.8"]).to_numpy()[:, None]
    assert (np.abs(paths[bounds].to_numpy() - interval[bounds].to_numpy()) < near * width).all()
    assert paths.columns.equals(interval.columns)
    assert paths.index.equals(interval.index)


def test_quantiles_of_a_network_are_those_of_its_paths():
    network = RNNForecaster(loss="quantile", quantile=[0.1, 0.5, 0.9], hidden_size=6, max_iter=6, random_state=0)
    model = fitted(walk()[:300], network)
    own = model.predict_quantiles(levels=[0.1, 0.3, 0.9])
    paths = model.sample(4_000, random_state=0).to_numpy()
    for level in (0.1, 0.3, 0.9):
        below = (paths < own[[f"y_{level}"]].to_numpy()).mean(axis=1)
        assert np.allclose(below, level, atol=0.03)
    assert (paths.min(axis=1) < own["y_0.1"] - 0.01).all(), "beyond its levels, errors say where paths lie"


# -------------------- sums


def test_steps_hang_together_as_the_errors_do():
    """Forecasts of a random walk miss step after step by nearly the same."""
    errors = MODEL._state.calibration.residuals[:, :, 0]
    paths = MODEL.sample(4_000, random_state=0).to_numpy()
    assert np.corrcoef(paths)[0, 5] == pytest.approx(np.corrcoef(errors.T)[0, 5], abs=0.1)
    independent = np.random.default_rng(0).permuted(paths, axis=1)
    assert paths.sum(axis=0).std() == pytest.approx(errors.sum(axis=1).std(), rel=0.1)
    assert independent.sum(axis=0).std() < 0.7 * errors.sum(axis=1).std()


@pytest.mark.parametrize("together", [True, False])
def test_series_hang_together_as_their_errors_do(together):
    model = fitted(shops(together=together), series="shop")
    paths = model.sample(3_000, random_state=0).set_index("shop", append=True)
    total = paths.groupby(level=0).sum().to_numpy()[-1]
    parts = paths.to_numpy()[5::6]  # the last step of each
    alone = np.sqrt(sum(part.var() for part in parts))
    if together:
        assert total.std() == pytest.approx(sum(part.std() for part in parts), rel=0.02)
    else:
        assert total.std() == pytest.approx(alone, rel=0.25)


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_targets_hang_together(multi_target):
    data = walk().assign(twice=lambda frame: 2 * frame["y"], other=walk(5)["y"])
    model = fitted(data, target=["y", "twice", "other"], multi_target=multi_target)
    paths = model.sample(2_000, random_state=0)
    assert list(paths.columns[[0, 2_000, 4_000]]) == ["y_0", "twice_0", "other_0"]
    last = paths.to_numpy()[-1].reshape(3, -1)
    found = np.corrcoef(last)
    assert found[0, 1] > 0.98
    assert abs(found[0, 2]) < 0.5
    assert list(path_interval(paths).columns) == [
        f"{name}{end}" for name in ("y", "twice", "other") for end in ("", "_lower", "_upper")
    ]


def test_months_of_days_are_sums_of_paths():
    days = pd.date_range("2026-01-01", periods=200, name="day")
    model = fitted(walk(n=200).set_axis(days), horizon=31)
    paths = model.sample(200, random_state=0)
    months = path_interval(paths.groupby(paths.index.to_period("M")).sum(), coverage=0.8)
    assert months.index.astype(str).tolist() == ["2026-07", "2026-08"]
    assert (months["y_lower"] < months["y"]).all()
    assert (months["y"] < months["y_upper"]).all()


# -------------------- series without errors of their own, and gaps


def test_a_new_series_takes_the_errors_of_the_others():
    model = fitted(shops(), series="shop")
    new = (walk(3, 200) * 100).assign(shop="new")
    history = pd.concat([shops(), new.set_axis(HOURS[-200:])])
    paths = model.sample(500, random_state=0, history=history).set_index("shop").loc["new"].to_numpy()
    interval = model.predict_interval(history=history, coverage=0.8).set_index("shop").loc["new"]
    width = interval["y_upper"] - interval["y_lower"]
    assert np.allclose(np.quantile(paths, 0.9, axis=1), interval["y_upper"], atol=0.2 * width.max())
    assert np.corrcoef(paths)[0, 5] > 0.3


def test_series_of_other_times_draw_their_own_errors():
    """Whatever time is drawn, each series has its own ranks evenly."""
    rng = np.random.default_rng(0)
    errors, series = rng.normal(size=(60, 4, 1)), np.repeat([0, 1], 30)
    past = PastPaths(errors, series, np.concatenate([np.arange(30), np.arange(100, 130)]))
    for scores in past.drawn(20_000, [[(0, 0)], [(1, 0)], [(-1, 0)]], np.random.default_rng(1)):
        assert scores.shape == (20_000, 4, 1)
        assert np.allclose(scores.mean(axis=0), 0, atol=0.03)
        assert np.allclose(scores.std(axis=0), 1, atol=0.03)


def test_new_series_do_not_share_the_only_error_of_a_time():
    errors = np.random.default_rng(0).normal(size=(60, 2, 1))
    past = PastPaths(errors, np.zeros(60, dtype=int), np.arange(60))
    one, other = past.drawn(5_000, [[(-1, 0)], [(-1, 0)]], np.random.default_rng(0))
    assert abs(np.corrcoef(one[:, 0, 0], other[:, 0, 0])[0, 1]) < 0.1


def test_a_series_without_a_history_has_paths():
    data = shops().assign(size=lambda rows: rows["shop"].str[1:].astype(float))
    model = fitted(data, series="shop", static_covariates="size")
    ahead = model.future_frame(new=["s9"]).fillna({"size": 1.5})
    with pytest.warns(forecast.ShortHistoryWarning):
        paths = model.sample(50, ahead, random_state=0)
    assert np.isfinite(paths.to_numpy()).all()
    assert paths.index.equals(ahead.index)


def test_an_unknown_step_takes_the_rank_of_its_neighbour():
    errors = np.random.default_rng(0).normal(size=(50, 3, 1)).cumsum(axis=1)
    errors[::2, 1] = np.nan
    errors[0] = np.nan  # nothing known: left out
    some = ~np.isnan(errors).all(axis=(1, 2))
    past = PastPaths(errors[some], np.zeros(49, dtype=int), np.arange(49))
    (scores,) = past.drawn(5_000, [[(0, 0)]], np.random.default_rng(0))
    assert np.isfinite(scores).all()
    assert np.corrcoef(scores[:, :2, 0].T)[0, 1] > 0.6


def test_rows_with_missing_values_have_paths():
    data = walk()
    data.iloc[np.random.default_rng(0).choice(599, 60, replace=False), 0] = np.nan
    paths = fitted(data, missing="mask").sample(50, random_state=0)
    assert np.isfinite(paths.to_numpy()).all()


# -------------------- bits, layouts, domain


def test_a_seed_gives_the_same_bits_and_the_first_paths_of_more():
    before = np.random.get_state()[1].tobytes()
    one = MODEL.sample(40, random_state=3)
    assert one.equals(MODEL.sample(40, random_state=3))
    assert one.iloc[:, :7].equals(MODEL.sample(7, random_state=3))
    assert one.iloc[:2].equals(MODEL.sample(40, n=2, random_state=3))
    assert not one.equals(MODEL.sample(40, random_state=4))
    assert not MODEL.sample(3).equals(MODEL.sample(3)), "None draws fresh ones"
    state = np.random.RandomState(0)
    assert not MODEL.sample(3, random_state=state).equals(MODEL.sample(3, random_state=state)), "a state goes on"
    assert np.random.get_state()[1].tobytes() == before


def test_threads_change_no_bit():
    network = RNNForecaster(hidden_size=5, max_iter=2, random_state=0, n_jobs=1)
    model = fitted(walk()[:300], network)
    one = model.sample(20, random_state=0)
    model.regressor_.set_params(n_jobs=3)
    assert one.equals(model.sample(20, random_state=0))


@pytest.mark.parametrize("through", ["pickle", "file"])
def test_a_model_that_was_kept_has_the_same_paths(through, tmp_path):
    model = fitted(shops(), series="shop")
    if through == "pickle":
        other = pickle.loads(pickle.dumps(model))
    else:
        model.save(tmp_path / "model")
        other = forecast.load(tmp_path / "model")
    assert model.sample(5, random_state=0).equals(other.sample(5, random_state=0))


def test_the_rows_are_those_of_predict():
    data = shops().reset_index()
    model = fitted(data, series="shop", time="hour")
    ahead = model.future_frame().sort_values("hour", kind="stable")
    for X in (None, ahead, 2):
        paths, point = model.sample(4, X, random_state=0), model.predict(X)
        names = [f"y_{i}" for i in range(4)]
        assert paths.drop(columns=names).equals(point.drop(columns="y"))
    by_row = model.sample(4, ahead, random_state=0)
    assert by_row.sort_index().to_numpy().tobytes() == model.sample(4, random_state=0)[names].to_numpy().tobytes()
    assert path_interval(paths).columns.tolist() == ["shop", "hour", "y", "y_lower", "y_upper"]


def test_polars_in_and_out():
    frame = polars.from_pandas(walk().tz_localize(None).reset_index())
    paths = fitted(frame, time="hour").sample(30, random_state=0)
    assert isinstance(paths, polars.DataFrame)
    assert path_interval(paths).columns == ["hour", "y", "y_lower", "y_upper"]


@pytest.mark.parametrize("changes", [{"transform": "log"}, {"lower": 0.0}, {"transform": ["log", "difference"]}])
def test_paths_stay_in_the_domain(changes):
    data = np.exp(walk(2) / 10 - 5)
    paths = fitted(data, **changes).sample(500, random_state=0).to_numpy()
    assert (paths >= 0).all()


def test_errors_since_a_training_go_on_with_those_before():
    model = fitted(shops().loc[lambda rows: rows.index < HOURS[500]], series="shop")
    before = model._state.calibration
    model.update(shops().loc[lambda rows: rows.index >= HOURS[500]], refit="continue")
    after = model._state.calibration
    assert len(after.series) == len(after.times) == len(after.residuals) > len(before.residuals)
    assert (np.bincount(after.series) > np.bincount(before.series)).all()
    assert model.sample(3, random_state=0).shape == (18, 4)


# -------------------- refusals


def with_errors(**changes):
    """The model with other errors behind its intervals."""
    model = deepcopy(MODEL)
    model._state.calibration = replace(MODEL._state.calibration, **changes, _once={})
    return model


def test_what_has_no_paths_is_refused_by_name():
    with pytest.raises(ValueError, match=r"validation_fraction is None.* Fix: validation_fraction=0\.2"):
        fitted(validation_fraction=None).sample()
    with pytest.raises(ValueError, match=r"intervals of 7 steps were asked for, .* Fix: horizon=7"):
        MODEL.sample(n=7)
    with pytest.raises(ValueError, match=r"paths need 9 known errors of every step .* got 4"):
        with_errors(residuals=MODEL._state.calibration.residuals[:4]).sample()
    for wrong in (0, 2.5, True, None, "5"):
        with pytest.raises(ValueError, match=r"n_paths=.*: expected a whole number, 1 or more"):
            MODEL.sample(wrong)
    with pytest.raises(TypeError, match=r"n_paths is a DataFrame; .* future rows as X="):
        MODEL.sample(MODEL.future_frame())
    with pytest.raises(ValueError, match=r"files of earlier versions do not hold them"):
        with_errors(series=None, times=None).sample()
    with pytest.raises(Exception, match="not fitted"):
        clone(MODEL).sample()


def test_frames_without_paths_are_refused():
    for frame in (walk(), MODEL.predict(), MODEL.predict_quantiles(levels=[0.1, 0.5])):
        with pytest.raises(ValueError, match="expected columns of paths, such as 'y_0'"):
            path_interval(frame)
    with pytest.raises(ValueError, match="coverage"):
        path_interval(MODEL.sample(5), coverage=1.5)
    paths = MODEL.sample(5)
    paths.iloc[1, 2] = np.nan
    with pytest.raises(ValueError, match="paths has 1 values that are NaN or infinite"):
        path_interval(paths)
    with pytest.raises(ValueError, match=r"paths of 'y' are numbered 0, 1, 3; .*"):
        path_interval(MODEL.sample(4)[["y_0", "y_1", "y_3"]])


# -------------------- energy score


def test_energy_score_is_its_definition():
    rng = np.random.default_rng(0)
    actual, paths = rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 30))
    found = []
    for y, x in zip(actual, paths, strict=True):
        between = cdist(x.T, x.T).sum() / (30 * 29)
        found.append(np.linalg.norm(x - y[:, None], axis=0).mean() - between / 2)
    assert energy_score(actual, paths) == pytest.approx(np.mean(found))
    assert energy_score(actual[0], paths[0]) == pytest.approx(found[0])
    assert energy_score(pd.Series(actual[0]).to_frame(), pd.DataFrame(paths[0])) == pytest.approx(found[0])


def test_energy_score_of_one_value_is_its_crps():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(1, 40))
    between = np.abs(one[0][:, None] - one[0]).sum() / (40 * 39)
    assert energy_score([0.3], one) == pytest.approx(np.abs(one - 0.3).mean() - between / 2)
    levels = (np.arange(2_000) + 0.5) / 2_000
    paths = np.quantile(rng.normal(size=50_000), levels)
    assert energy_score([0.3], paths[None]) == pytest.approx(crps([0.3], paths[None], levels), abs=0.002)


def test_energy_score_does_not_favour_few_paths():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(4_000, 2))
    few, many = (energy_score(actual, rng.normal(size=(4_000, 2, n))) for n in (2, 20))
    assert few == pytest.approx(many, abs=0.03)


def test_energy_score_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"actual has shape \(3,\), paths \(2, 5\)"):
        energy_score([1.0, 2.0, 3.0], np.zeros((2, 5)))
    with pytest.raises(ValueError, match="paths has 1 path; expected two or more"):
        energy_score([1.0], [[1.0]])
    with pytest.raises(ValueError, match="paths has 1 values that are NaN"):
        energy_score([1.0], [[np.nan, 1.0]])


def test_paths_of_a_distribution_have_its_quantiles_and_counts_are_counts():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=300, freq="D")
    sold = pd.DataFrame({"sold": rng.negative_binomial(1.5, 0.4, 300)}, index=days)
    network = RNNForecaster(loss="negative_binomial", cell="gru", hidden_size=4, max_iter=2, random_state=0)
    model = SeriesForecaster(network, target="sold", lookback=7, horizon=3).fit(sold)
    paths = model.sample(2000, random_state=0).to_numpy()
    assert (paths == np.floor(paths)).all()
    assert paths.min() == 0
    found = model.predict_distribution().to_numpy()
    right = forecast.Distribution("negative_binomial", mean=found[:, 0], dispersion=found[:, 1])
    for level in (0.5, 0.9, 0.99):
        at = right.quantiles(level)[:, None]
        assert (((paths < at).mean(axis=1) < level + 0.03) & ((paths <= at).mean(axis=1) > level - 0.03)).all()
    with pytest.raises(ValueError, match="4 steps"):
        model.sample(n=4)
    with pytest.raises(ValueError, match="validation_fraction is None"):
        SeriesForecaster(network, target="sold", lookback=7, horizon=3, validation_fraction=None).fit(sold).sample()
