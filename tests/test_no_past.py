"""lookback=0: forecasts from static covariates, known future and calendar alone, also of series without a history."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast._series.skipping import ShortHistoryWarning
from forecast.baselines import LastValue
from forecast.cli import main
from forecast.diagnostics import check_no_leakage
from forecast.model_selection import RollingOrigin, backtest

H = 8
STATIC = ["level", "peak"]


def launches(n=30, seed=0, name="p", rows=H, together=False):
    """Sales by week after a launch, of products that are launched one after the other; features of each."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"level": rng.uniform(1, 5, n), "peak": rng.uniform(2, 5, n)},
                            index=pd.Index([f"{name}{i}" for i in range(n)], name="product"))  # fmt: skip
    week, parts = np.arange(1, rows + 1), []
    for i, (key, row) in enumerate(features.iterrows()):
        begin = pd.Timestamp("2024-01-01") + pd.Timedelta(weeks=0 if together else 2 * i)
        sold = row["level"] * week / row["peak"] * np.exp(1 - week / row["peak"]) + 0.02 * rng.normal(size=rows)
        stamps = pd.date_range(begin, periods=rows, freq="7D")
        parts.append(pd.DataFrame({"week": stamps, "product": key, "sold": 10 + sold, "age": week - 1.0}))
    return pd.concat(parts, ignore_index=True), features


def network(**changes):
    settings = dict(encoder="dense", decoder="recurrent", cell="gru", hidden_size=8, max_iter=2, random_state=0)
    return RNNForecaster(**settings | changes)


def model(regressor=None, **changes):
    settings = dict(target="sold", series="product", time="week", lookback=0, horizon=H)
    return SeriesForecaster(network() if regressor is None else regressor, **settings | changes)


def new_rows(fitted, features):
    """Future rows of new products alone."""
    keys = list(features.index)
    future = fitted.future_frame(new=keys)
    future = future[future["product"].isin(keys)].drop(columns=STATIC, errors="ignore").reset_index(drop=True)
    if "age" in future:
        future["age"] = np.tile(np.arange(H, dtype=float), len(keys))
    return future


def quietly(ask, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortHistoryWarning)
        return ask(*arguments, **options)


def test_a_new_product_gets_the_curve_of_its_features(tmp_path):
    (df, features), (truth, other) = launches(60), launches(20, seed=1, name="q")
    fitted = model(network(hidden_size=16, max_iter=80)).fit(df, static=features)
    assert fitted.n_windows_ == 60  # each begins with its product
    rows = new_rows(fitted, other)
    assert rows["week"].min() == df["week"].max() + pd.Timedelta(weeks=1)
    with pytest.warns(ShortHistoryWarning, match="20 of 20 series have no history.*static covariates, those known"):
        found = fitted.predict(rows, static=other)
    error = np.abs(found["sold"].to_numpy() - truth["sold"].to_numpy()).mean()
    curve = np.tile(df["sold"].to_numpy().reshape(60, H).mean(axis=0), 20)
    assert error < np.abs(curve - truth["sold"].to_numpy()).mean() / 3
    fitted.save(tmp_path / "model")
    for again in (forecast.load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))):
        assert quietly(again.predict, rows, static=other).equals(found)
    assert fitted.card_["model"]["lookback"] == 0
    columns = rows.merge(other.reset_index(), on="product")  # the features as columns of the rows
    assert quietly(fitted.predict, columns)["sold"].equals(found["sold"])


def test_values_of_the_past_are_not_read():
    df, features = launches(together=True, rows=2 * H)
    fitted = model(step=4).fit(df, static=features)
    assert fitted.n_windows_ == 30 * 3
    history = df.assign(sold=0.0)
    assert fitted.predict(history=history)["sold"].equals(fitted.predict()["sold"])
    known = fitted.predict()
    assert len(known) == 30 * H
    assert known["week"].min() == df["week"].max() + pd.Timedelta(weeks=1)


def test_the_report_compares_with_the_mean_curve_and_intervals_hold_new_products():
    (df, features), (truth, other) = launches(120), launches(60, seed=1, name="q")
    fitted = model(Ridge(), future_covariates="age").fit(df, static=features)
    assert list(fitted.report_.table.index) == ["Ridge", "mean curve"]
    assert "mean curve" in str(fitted.report_)
    bounds = quietly(fitted.predict_interval, new_rows(fitted, other), static=other, coverage=0.8)
    inside = truth["sold"].between(*(bounds[f"sold_{side}"].set_axis(truth.index) for side in ("lower", "upper")))
    assert 0.65 < inside.mean() < 0.95
    quantiles = quietly(fitted.predict_quantiles, new_rows(fitted, other), static=other)
    assert (np.diff(quantiles.to_numpy(), axis=1) >= 0).all()


def test_where_series_have_a_past_the_report_compares_with_naive_forecasts_too():
    df, features = launches(together=True, rows=40)
    fitted = model(Ridge(), future_covariates="age").fit(df, static=features)
    assert "last value" in fitted.report_.table.index
    rows = new_rows(fitted, features.set_axis(["new" + key for key in features.index]).rename_axis("product")[:2])
    both = features[:2].set_axis(["new" + key for key in features.index[:2]])
    bounds = quietly(fitted.predict_interval, rows, static=both.rename_axis("product"), coverage=0.8)
    assert (bounds["sold_lower"] < bounds["sold_upper"]).all()  # wider by how far series lie from those like them


def test_calendar_and_known_future_are_enough():
    df, _ = launches(together=True, rows=60)
    for options in (dict(calendar=["dayofyear"]), dict(future_covariates="age")):
        fitted = model(**options).fit(df)
        rows = new_rows(fitted, pd.DataFrame(index=["new"]))
        found = quietly(fitted.predict, rows)
        assert np.isfinite(found.to_numpy()).all()
        assert len(found) == H


def test_one_series_from_what_is_known_ahead():
    days = pd.date_range("2024-01-01", periods=120)
    price = np.random.default_rng(0).uniform(size=120)
    df = pd.DataFrame({"sold": 10 - 5 * price, "price": price}, index=days)
    fitted = SeriesForecaster(Ridge(alpha=1e-6), target="sold", lookback=0, horizon=4, future_covariates="price")
    fitted.fit(df)
    assert fitted.n_windows_ == 117
    future = fitted.future_frame().assign(price=[0.0, 1.0, 0.5, 0.2])
    assert fitted.predict(future)["sold"].round(3).tolist() == [10.0, 5.0, 7.5, 9.0]
    assert fitted.predict_interval(future, coverage=0.5).shape == (4, 3)
    longer = fitted.future_frame(9).assign(price=0.5)
    assert fitted.predict(longer, recursive=True)["sold"].round(3).tolist() == [7.5] * 9


@pytest.mark.parametrize(
    "options",
    [
        dict(target=["sold", "twice"]),
        dict(target=["sold", "twice"], multi_target="shared"),
        dict(missing="mask"),
        dict(gaps="mask"),
        dict(gaps="interpolate"),
        dict(transform="log"),
        dict(lower=0.0, upper=20.0),
        dict(half_life=20),
        dict(categorical="embedding", static_covariates=["kind"]),
        dict(clip_covariates=True),
        dict(step=2),
    ],
    ids=str,
)
def test_what_goes_with_it(options):
    df, features = launches(40, rows=12)
    if "gaps" in options:
        df = df.drop(index=[5, 100])
    df["twice"] = 2 * df["sold"]
    df["kind"] = df["product"].str[-1].map(lambda last: "odd" if int(last) % 2 else "even")
    if options.get("missing"):
        df.loc[[0, 30], "sold"] = np.nan
    static = None if "static_covariates" in options else features
    fitted = model(network(early_stopping=False), **options).fit(df, static=static)
    found = fitted.predict()
    assert np.isfinite(found[fitted.target_names_].to_numpy()).all()
    assert fitted.predict_interval(coverage=0.5).shape[0] == len(found)


@pytest.mark.filterwarnings("ignore::forecast.model_selection.report.SkillWarning")
def test_updates_and_backtests():
    df, features = launches(together=True, rows=40)
    cut = df["week"].unique()[30]
    fitted = model(Ridge(), calendar=["dayofyear"]).fit(df[df["week"] < cut], static=features)
    fitted.update(df[df["week"] >= cut])
    assert fitted.predict_interval(coverage=0.8)["week"].min() > df["week"].max()
    report = backtest(model(Ridge(), calendar=["dayofyear"]), df, RollingOrigin(n_splits=2, horizon=H, time="week"),
                      static=features)  # fmt: skip
    assert np.isfinite(report.summary()["MAE"]).all()


def test_nothing_leaks_where_series_begin_one_after_the_other():
    df, features = launches(rows=24)
    report = check_no_leakage(model(Ridge(), future_covariates="age"), df, static=features)
    assert report.n_forecasts > 0


def test_a_fit_goes_on_with_the_encoder_frozen():
    df, features = launches(rows=14)
    new, theirs = launches(5, seed=2, name="n", rows=14)
    fitted = model(future_covariates="age").fit(df, static=features)
    tuned = fitted.fine_tune(new, static=theirs, freeze=["encoder"])
    before, after = (one.regressor_.weights_ for one in (fitted, tuned))
    assert (before["encoder.W"] == after["encoder.W"]).all()
    assert (before["head.W"] != after["head.W"]).any()


def test_members_read_no_past_together():
    df, features = launches(rows=14)
    members = {"net": {"regressor": network()}, "ridge": {"regressor": Ridge(), "calendar": ["month"]}}
    settings = dict(target="sold", series="product", time="week", horizon=H)
    fitted = SeriesForecaster(members=members, lookback=0, **settings).fit(df, static=features)
    assert len(fitted.predict()) == 30 * H
    members["ridge"]["lookback"] = 4
    with pytest.raises(ValueError, match="lookback=0 is given for some members and not for others"):
        SeriesForecaster(members=members, lookback=0, **settings).fit(df, static=features)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(regressor=Ridge(), features=None), "lookback=0 leaves nothing to forecast from"),
        (dict(window_norm="last"), "window_norm='last' is taken from the past of a window"),
        (dict(window_norm=("mean", 0.5)), "window_norm=.* is taken from the past"),
        (dict(transform="standard"), "transform='standard' is learned from the past of each series"),
        (dict(transform=["log", "difference"]), "is learned from the past of each series"),
        (dict(level=True), "level=True is a channel of the past"),
        (dict(past_covariates="age"), "past_covariates=.'age'.: nothing of the past is read"),
        (dict(regressor=RNNForecaster()), "RNNForecaster with encoder='recurrent' reads the past"),
        (dict(regressor=LastValue()), "LastValue reads the past"),
        (dict(regressor=network(input_noise=0.1)), "input_noise=0.1 is for the scaled past"),
        (dict(lookback=5), "reads one vector for each sample, and these windows have a past of 5 steps"),
        (dict(lookback="auto"), "a past of 48 steps"),
        (dict(lookback=-1), "The 'lookback' parameter"),
    ],
    ids=str,
)
def test_what_needs_a_past_is_refused_by_name(options, message):
    df, features = launches(10, rows=70)
    table = options.pop("features", features)
    with pytest.raises(ValueError, match=message):
        model(**options).fit(df, static=table)


def test_a_recipe_looks_back():
    df, features = launches(10)
    with pytest.raises(ValueError, match="lookback=0 is for a regressor that reads no past"):
        SeriesForecaster(target="sold", series="product", time="week", lookback=0, horizon=2).fit(df, static=features)


def test_the_command_line(tmp_path, monkeypatch, capsys):
    df, features = launches(20, rows=10)
    monkeypatch.chdir(tmp_path)
    df.to_csv("sales.csv", index=False)
    features.to_csv("features.csv")
    fit = ["fit", "sales.csv", "--target", "sold", "--series", "product", "--static", "features.csv", "--horizon", "4"]
    fit += ["--lookback", "0", "--hidden-size", "4", "--max-iter", "1", "--quiet"]
    assert main([*fit, "--set", "encoder=dense", "--set", "decoder=recurrent", "-o", "model"]) == 0
    fitted = forecast.load("model")
    assert (fitted.lookback, fitted.regressor_.encoder) == (0, "dense")
    capsys.readouterr()
    assert main([*fit, "-o", "other"]) != 0
    assert "encoder='recurrent' reads the past of a series" in capsys.readouterr().err
