"""Nothing after an origin reaches a forecast: futures scrambled in generated cases, and leaks planted to be found."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

from forecast import RNNForecaster, SeriesForecaster
from forecast.diagnostics import LeakageError, check_no_leakage
from forecast.model_selection import RollingOrigin, backtest

KINDS = ["plain", "pipeline", "panel", "covariates", "backtest"]
TRANSFORMS = [None, "standard", "robust", "minmax", "log", "asinh", "difference", ["log1p", "standard"]]
TRANSFORMS += ["seasonal_difference"]
SEEDS, MORE_SEEDS = range(12), range(12, 40)
NORMS = [None, "last", "mean", "standard", ("standard", 0.5), ("season", 2)]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads wait for each other longer than such small products take."""
    with threadpool_limits(1, user_api="blas"):
        yield


def bits(frame):
    """Numbers of a frame as the integers that their bits are."""
    numbers = np.ascontiguousarray(frame.select_dtypes("number").to_numpy(np.float64))
    return numbers.view(np.int64)


# -------------------- generated cases


@dataclass
class Case:
    """A model, a frame, and the newest stamp that is known."""

    model: SeriesForecaster
    frame: pd.DataFrame
    cut: pd.Timestamp
    cv: RollingOrigin
    refit: object
    coverage: list | None
    intervals: str


def draw_series(rng, n, start, name=None):
    t = np.arange(n)
    level = np.exp(rng.normal())
    frame = pd.DataFrame(
        {
            "y": level * (8 + np.sin(2 * np.pi * t / 24) + 0.2 * rng.normal(size=n).cumsum().clip(-20, 20)),
            "wind": rng.normal(size=n),
            "promo": rng.integers(0, 2, size=n).astype(float),
            "weather": rng.choice(["dry", "rain", "snow"], size=n),
        },
        index=pd.date_range(start, periods=n, freq="h", tz="Europe/Berlin", name="when"),
    )
    return frame if name is None else frame.assign(shop=name, size=name in "ac")


def draw_frame(rng, kind, masked, gaps):
    if (kind != "panel" and rng.random() < 0.8) or kind == "pipeline":
        frame = draw_series(rng, int(rng.integers(110, 160)), "2024-03-25")
    else:
        starts = pd.date_range("2024-03-25", periods=40, freq="h")
        parts = [draw_series(rng, 120 - k, starts[k], name) for name, k in zip("abc", (0, 7, 20), strict=True)]
        frame = pd.concat(parts)
    if masked:
        for column in ("y", "wind"):
            frame.iloc[rng.choice(len(frame), 12, replace=False), frame.columns.get_loc(column)] = np.nan
    if gaps != "error":
        inner = np.arange(5, len(frame) - 5)
        lost = rng.choice(inner, 6, replace=False)
        lost = lost[~np.isin(frame.index[lost], [frame.index[0], frame.index[-1]])]
        frame = frame[~np.isin(np.arange(len(frame)), lost)]
    return frame


def draw_case(kind, seed):
    rng = np.random.default_rng([KINDS.index(kind), seed])
    masked, gaps = rng.random() < 0.3, str(rng.choice(["error", "error", "mask", "interpolate"]))
    frame = draw_frame(rng, kind, masked, gaps)
    horizon, lookback = int(rng.integers(1, 7)), int(rng.integers(2, 13))
    roles = {"series": "shop"} if "shop" in frame else {}
    if kind in ("covariates", "panel", "backtest") and rng.random() < 0.8:
        roles |= {"past_covariates": ["wind", "weather"][: int(rng.integers(1, 3))], "future_covariates": "promo"}
        roles |= {"static_covariates": "size"} if "shop" in frame else {}
    regressor = Ridge()
    if kind == "pipeline":
        regressor = make_pipeline(StandardScaler(), PolynomialFeatures(interaction_only=True), Ridge(10.0))
        lookback = min(lookback, 6)
    model = SeriesForecaster(
        regressor,
        target="y",
        lookback=lookback,
        horizon=horizon,
        freq="h",
        gaps=gaps,
        missing="mask" if masked else "error",
        transform=TRANSFORMS[int(rng.integers(len(TRANSFORMS)))],
        calendar=[None, ["hour"], ["hour", "weekend"]][int(rng.integers(3))],
        window_norm=NORMS[int(rng.integers(len(NORMS)))],
        validation_fraction=0.3,
        **roles,
    )
    n_splits = int(rng.integers(2, 4))
    coverage = [0.5] if kind == "backtest" and rng.random() < 0.7 else None
    cut = frame.index.unique().sort_values()[-horizon * int(rng.integers(1, n_splits + 1)) - 1]
    refit, intervals = [True, False, 2][int(rng.integers(3))], str(rng.choice(["adaptive", "static"]))
    return Case(
        model,
        frame,
        cut,
        RollingOrigin(n_splits, horizon),
        refit,
        coverage,
        "adaptive" if coverage is None else intervals,
    )


def scrambled(case, rng):
    """Targets and past covariates after the cut, and future covariates after the horizon that follows it."""
    frame, stamps = case.frame.copy(), case.frame.index
    after = stamps.unique().sort_values()
    after = after[after > case.cut]
    later = case.cut + case.model.horizon * pd.Timedelta("1h")
    for column in ("y", "wind", "weather", "promo"):
        rows = np.flatnonzero(stamps > (later if column == "promo" else case.cut))
        values = frame[column].iloc[rng.permutation(rows)]
        if column in ("y", "wind"):
            values = (2 + rng.random()) * values.abs() + 1 + rng.random()
        frame.iloc[rows, frame.columns.get_loc(column)] = values.to_numpy()
    return frame


def forecasts(model, frame, changed, known, ahead):
    """Pairs that must be equal: after the known rows, and with what is scrambled given wherever it can be."""
    fitted = model.fit(frame[known])
    honest = fitted.predict(frame[ahead])
    yield "predict(X)", honest, fitted.predict(changed[ahead])
    yield "predict(X, history)", honest, fitted.predict(changed[ahead], history=changed[known])
    remembered = fitted.history_
    frame.loc[known, "y"] = -1.0  # what fit was given may be a view: it must have copied
    yield "history_", remembered, fitted.history_
    yield "predict(X) once more", honest, fitted.predict(changed[ahead])


def backtested(case, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        report = backtest(
            case.model, frame, case.cv, refit=case.refit, coverage=case.coverage, intervals=case.intervals
        )
    after = frame.index[frame.index > case.cut].min()  # an origin may be a row that a policy put in before it
    return report.frame[report.frame["origin"] < after].drop(columns="actual")


def rows_ahead(case):
    """Rows of the steps after the cut, where every series has all of them; else none."""
    stamps = case.cut + pd.Timedelta("1h") * np.arange(1, case.model.horizon + 1)
    ahead = case.frame.index.isin(stamps)
    series = 1 if case.model.series is None else 3
    whole = ahead.sum() == series * len(stamps) and (case.frame.index == case.cut).sum() == series
    return ahead if whole else None


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.slow) for seed in MORE_SEEDS)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_scrambled_future_moves_no_bit_before_the_cut(kind, seed):
    case = draw_case(kind, seed)
    changed = scrambled(case, np.random.default_rng(seed))
    assert not changed.equals(case.frame)
    one, other = backtested(case, case.frame), backtested(case, changed)
    labels = ["model", "origin", "step", "timestamp"]
    pd.testing.assert_frame_equal(one[labels], other[labels])
    assert len(one) or case.model.gaps == "interpolate"
    np.testing.assert_array_equal(bits(one), bits(other))
    ahead, known = rows_ahead(case), case.frame.index <= case.cut
    if ahead is not None:
        for what, honest, moved in forecasts(case.model, case.frame.copy(), changed, known, ahead):
            np.testing.assert_array_equal(bits(honest), bits(moved), err_msg=what)


def test_the_generated_cases_reach_every_setting():
    cases = [draw_case(kind, seed) for kind in KINDS for seed in SEEDS]
    assert len(cases) == 60
    for name, least in [("gaps", 3), ("missing", 2), ("window_norm", len(NORMS)), ("horizon", 6), ("lookback", 8)]:
        assert len({getattr(case.model, name) for case in cases}) >= least, name
    assert {str(case.model.transform) for case in cases} == set(map(str, TRANSFORMS))
    assert {str(case.model.calendar) for case in cases} == {"None", "['hour']", "['hour', 'weekend']"}
    assert {str(case.refit) for case in cases} == {"True", "False", "2"}
    assert sum(case.model.future_covariates is not None for case in cases) > 25
    assert sum(case.coverage is not None for case in cases) > 8
    assert sum(rows_ahead(case) is not None for case in cases) > 50


# -------------------- check_no_leakage


@pytest.fixture
def series():
    return draw_series(np.random.default_rng(3), 200, "2024-10-20")


GOOD = {
    "ridge": {"regressor": Ridge(), "calendar": ["hour"]},
    "pipeline": {"regressor": make_pipeline(StandardScaler(), Ridge())},
    "network": {"regressor": RNNForecaster(hidden_size=4, max_iter=2)},
    "trees": {"regressor": ExtraTreesRegressor(5)},
    "covariates": {"regressor": Ridge(), "past_covariates": ["wind", "weather"], "future_covariates": "promo"},
    "transform": {"regressor": Ridge(), "transform": ["log", "standard"], "window_norm": None},
    "floors": {"regressor": Ridge(), "window_norm": ("standard", 0.5)},
}


@pytest.mark.parametrize("name", GOOD)
def test_good_models_pass_the_check(series, name):
    report = check_no_leakage(SeriesForecaster(target="y", lookback=8, horizon=4, **GOOD[name]), series)
    assert report.n_forecasts > 50
    assert report.n_scrambled > 10
    assert len(report.cuts) == 2


def test_good_panel_passes_the_check():
    rng = np.random.default_rng(0)
    panel = pd.concat([draw_series(rng, 120, "2024-03-25", name) for name in "abc"])
    model = SeriesForecaster(
        Ridge(), target="y", lookback=8, horizon=4, series="shop", transform="standard", static_covariates="size"
    )
    assert check_no_leakage(model, panel).n_forecasts > 200


SHELF = {}  # where leaks take the future from


class Peeking(TransformerMixin, BaseEstimator):
    """A scaler that was given the statistics of all rows beforehand, as one fitted on the whole frame would be."""

    def fit(self, X, y=None):
        whole = SHELF["frame"]["y"]
        self.mean_, self.scale_ = whole.mean(), whole.std()
        return self

    def transform(self, X):
        return (X - self.mean_) / self.scale_

    def inverse_transform(self, X):
        return X * self.scale_ + self.mean_


class Whole(RollingOrigin):
    """A splitter whose training rows go on to the end of the data."""

    def split(self, X, y=None, groups=None):
        for _, test in super().split(X):
            yield np.arange(len(X)), test


class Ahead(RollingOrigin):
    """A splitter that looks at values before it cuts."""

    def split(self, X, y=None, groups=None):
        shift = 3 * int(X["y"].iloc[-1] > 1.3 * X["y"].iloc[:180].max())  # a scrambled future
        for train, test in super().split(X):
            yield train[: len(train) - shift], test


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_scaler_fitted_on_all_rows_is_found(series, monkeypatch):
    from forecast.diagnostics import leakage

    honest = leakage.backtest

    def remembering(model, frame, cv, **options):
        SHELF["frame"] = frame
        return honest(model, frame, cv, **options)

    monkeypatch.setattr(leakage, "backtest", remembering)
    leaking = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4, transform=Peeking(), window_norm=None)
    with pytest.raises(LeakageError, match=r"forecasts changed when everything from .* Ridge, origin .*, step 1:"):
        check_no_leakage(leaking, series)


def test_a_column_computed_with_later_rows_is_not_what_the_check_can_see(series):
    """It scrambles columns as they are given; what was done to them before is seen with `prepare` only."""
    centred = series.assign(smooth=series["y"].rolling(9, center=True, min_periods=1).mean())
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4, past_covariates="smooth")
    assert check_no_leakage(model, centred).n_forecasts > 50


PREPARED = {  # what is done to a frame before a model sees it: does it leak?
    "centred mean": (lambda df: df.assign(extra=df["y"].rolling(9, center=True, min_periods=1).mean()), True),
    "mean of the past": (lambda df: df.assign(extra=df["y"].rolling(9, min_periods=1).mean()), False),
    "scaled by all rows": (lambda df: df.assign(y=df["y"] / df["y"].std(), extra=0.0), True),
    "shifted back": (lambda df: df.assign(extra=df["wind"].shift(-1).ffill()), True),
    "shifted on": (lambda df: df.assign(extra=df["wind"].shift(1).bfill()), False),
    "rows left out": (lambda df: df.assign(extra=df["y"].diff()).dropna(), False),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", PREPARED)
def test_what_is_done_to_the_frame_beforehand_is_checked_as_well(series, name):
    prepare, leaks = PREPARED[name]
    before = series.copy()
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4, past_covariates="extra", window_norm=None)
    if leaks:
        with pytest.raises(LeakageError, match="changed when everything"):
            check_no_leakage(model, series, prepare=prepare)
    else:
        assert check_no_leakage(model, series, prepare=prepare).n_forecasts > 50
    pd.testing.assert_frame_equal(series, before)
    assert check_no_leakage(model, prepare(series)).n_forecasts > 50  # without the function it cannot be seen


def test_a_panel_is_prepared_too():
    rng = np.random.default_rng(0)
    panel = pd.concat([draw_series(rng, 120, "2024-03-25", name) for name in "abc"])
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4, series="shop", past_covariates="level")

    def of_all(df):
        return df.assign(level=df.groupby("shop")["y"].transform("mean"))

    def so_far(df):
        return df.assign(level=df.groupby("shop")["y"].transform(lambda y: y.expanding().mean()))

    assert check_no_leakage(model, panel, prepare=so_far).n_forecasts > 200
    with pytest.raises(LeakageError, match="changed when everything"):
        check_no_leakage(model, panel, prepare=of_all)


def test_prepare_has_to_return_a_frame(series):
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4)
    with pytest.raises(TypeError, match=r"prepare\(df\)"):
        check_no_leakage(model, series, prepare=lambda df: None)


def test_a_regressor_that_looks_at_the_frame_is_found(series, monkeypatch):
    from forecast.diagnostics import leakage

    honest = leakage.backtest

    class Clairvoyant(Ridge):
        def predict(self, X):
            return super().predict(X) + SHELF["frame"]["y"].iloc[-1]

    def remembering(model, frame, cv, **options):
        SHELF["frame"] = frame
        return honest(model, frame, cv, **options)

    monkeypatch.setattr(leakage, "backtest", remembering)
    with pytest.raises(LeakageError, match="refit=True"):
        check_no_leakage(SeriesForecaster(Clairvoyant(), target="y", lookback=8, horizon=4), series)


def test_a_splitter_that_knows_the_future_is_found(series):
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4)
    with pytest.raises(ValueError, match="does not follow time"):
        check_no_leakage(model, series, cv=Whole(3, 4))
    with pytest.raises(LeakageError, match="changed when everything"):
        check_no_leakage(model, series, cv=Ahead(3, 4))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("gaps", ["interpolate", "mask"])
def test_rows_that_were_put_in_start_and_judge_no_forecast(gaps):
    """Interpolated, they lie on a line to a value after the origin; masked, they are not known."""
    series = draw_series(np.random.default_rng(0), 100, "2024-03-25")[["y"]]
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4, gaps=gaps, freq="h")
    before = backtest(model, series.drop(series.index[[89, 90, 91]]), RollingOrigin(3, 4), refit=False)
    left_out = "1 origins left out: the rows right before them are interpolated"
    assert any(note.startswith(left_out) for note in before.notes) == (gaps == "interpolate")
    origins = {series.index[84], series.index[95]} | ({series.index[91]} if gaps == "mask" else set())
    assert set(before.frame["origin"]) == origins
    within = backtest(model, series.drop(series.index[[89, 90, 91, 97]]), RollingOrigin(3, 4), refit=False).frame
    made_up = within["timestamp"].isin(series.index[[89, 90, 91, 97]])
    assert made_up.sum() == 4 * within["model"].nunique()
    assert (within["actual"].isna() == made_up).all()
    assert within["forecast"].notna().all()
    assert within["step"].max() == 4


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("transform", ["log", ["boxcox", "standard"]], ids=str)
@pytest.mark.parametrize("panel", [False, True], ids=["one", "panel"])
@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
def test_a_value_that_a_transform_refuses_matters_from_its_own_row_on(panel, transform, refit):
    """After the newest origin it changes no bit; where it lies before an origin, that one cannot be forecast."""
    rng = np.random.default_rng(0)
    parts = [draw_series(rng, 120, "2024-03-25", name)[["y", "shop"]] for name in "ab"]
    frame = pd.concat(parts) if panel else parts[0].drop(columns="shop")
    last = frame.index.max()
    roles = {"series": "shop"} if panel else {}
    model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=4, transform=transform, window_norm=None, **roles)
    changed, early = frame.copy(), frame.copy()
    changed.loc[changed.index == last - pd.Timedelta("1h"), "y"] = 0.0
    early.loc[early.index == last - pd.Timedelta("5h"), "y"] = -1.0
    one, other = (backtest(model, given, RollingOrigin(3, 4), refit=refit).frame for given in (frame, changed))
    np.testing.assert_array_equal(bits(one.drop(columns="actual")), bits(other.drop(columns="actual")))
    assert (other["actual"] == 0).any()
    if not refit:
        assert check_no_leakage(model, changed, n_cuts=1).n_forecasts >= 40
    with pytest.raises(ValueError, match="not positive"):
        backtest(model, early, RollingOrigin(3, 4), refit=refit)
