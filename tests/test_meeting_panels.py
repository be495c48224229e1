"""Where parts of the daily job meet on panels: each answer has a second, independent way to it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge

import forecast
from forecast import LateSeriesWarning, RNNForecaster, SeriesForecaster, SkippedSeriesWarning

N, CUT = 70, 60
DAYS = pd.date_range("2024-01-01", periods=N, freq="D", name="day")
SHOPS = pd.DataFrame({"shop": ["a", "b", "c"], "size": [30.0, 120.0, 80.0], "kind": ["corner", "mall", "corner"]})
NEW = pd.DataFrame({"shop": ["d"], "size": [55.0], "kind": ["mall"]})


def rows(names="abc", first=0, end=N):
    parts = []
    for name in names:
        rng = np.random.default_rng(ord(name))
        level = ord(name) - 90
        values = level + np.sin(np.arange(N) * level / 9) + 0.1 * rng.normal(size=N)
        parts.append(pd.DataFrame({"shop": name, "y": values, "z": values[::-1]}, index=DAYS).iloc[first:end])
    return pd.concat(parts)


def model(**more):
    options = {"target": "y", "series": "shop", "lookback": 14, "horizon": 5, "transform": "standard"}
    return SeriesForecaster(Ridge(), **(options | more))


def of(answer, name):
    return answer[answer["shop"] == name]


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_freq=False)


# -------------------- static table x update


@pytest.mark.parametrize("saved", [False, True])
def test_a_static_table_goes_on_through_updates(saved, tmp_path):
    fitted = model().fit(rows(end=CUT), static=SHOPS)
    expected = fitted.predict(history=rows("abcd"), static=NEW)
    bounds = fitted.predict_interval(history=rows("abc"), coverage=0.5)

    def kept(one):
        if not saved:
            return one
        one.save(tmp_path / "m.forecast")
        return forecast.load(tmp_path / "m.forecast")

    daily = kept(fitted)
    for day in range(CUT, N):
        daily = kept(daily.update(rows(first=day, end=day + 1)))
    same(daily.predict(), expected[expected["shop"] != "d"])
    same(daily.predict_interval(coverage=0.5), bounds)
    both = pd.concat([rows("abc"), rows("d")])
    with pytest.warns(SkippedSeriesWarning, match=r"not taken: 'd' \(static has no row for 1 of 1 series of new_rows"):
        daily = kept(daily.update(both[both["shop"].isin(["c", "d"])], overlap="skip"))
    with pytest.raises(ValueError, match="no row for 1 of 1 series of new_rows: 'd'"):
        daily.update(rows("d"))
    daily = kept(daily.update(rows("d"), static=NEW))
    same(daily.predict(), expected)
    beside = model().fit(rows(end=CUT), static=SHOPS).update(rows(first=CUT))
    same(kept(beside.update(rows("d").assign(size=55.0, kind="mall"))).predict(), expected)


def test_a_new_series_whose_row_fit_had_needs_none_and_later_rows_need_none():
    fitted = model().fit(rows(end=CUT), static=pd.concat([SHOPS, NEW]))
    expected = fitted.predict(history=rows("abcd"))
    fitted.update(pd.concat([rows(first=CUT), rows("d", end=N - 3)])[lambda f: f["shop"] != "d"])
    with pytest.warns(LateSeriesWarning, match="'d'"):
        fitted.update(rows("d", end=N - 3))
    fitted.update(rows("d", first=N - 3))
    same(fitted.predict(), expected)


def test_the_static_row_of_a_new_series_reaches_the_forecast():
    fitted = model(transform=None).fit(rows(end=CUT), static=SHOPS)
    small = fitted.predict(history=rows("d"), static=NEW)
    large = fitted.predict(history=rows("d"), static=NEW.assign(size=200.0))
    assert (small["y"] != large["y"]).all()
    by_hand = fitted.regressor_.coef_[:, -3] * (200.0 - 55.0)  # size comes before kind=corner and kind=mall
    np.testing.assert_allclose(large["y"] - small["y"], by_hand)


# -------------------- several id columns x update x monitor x intervals


def test_two_id_columns_are_one_name_for_every_verb():
    def two(frame):
        return frame.assign(region=frame["shop"].map({"a": "n", "b": "n", "c": "s"}))

    pair = model(series=["region", "shop"], validation_fraction=0.3).fit(two(rows(end=CUT)))
    plain = model(validation_fraction=0.3).fit(rows(end=CUT))
    for one, frame in ((pair, two(rows(first=CUT))), (plain, rows(first=CUT))):
        one.update(frame)
    for found, expected in (
        (pair.predict(), plain.predict()),
        (pair.predict_interval(coverage=0.5), plain.predict_interval(coverage=0.5)),
        (pair.predict_quantiles(levels=[0.3]), plain.predict_quantiles(levels=[0.3])),
    ):
        same(found.drop(columns="region"), expected)
        assert found["region"].tolist() == two(expected)["region"].tolist()
    same(pair.predict(history=two(rows())), pair.predict())
    drift, other = pair.monitor(), plain.monitor()
    assert [key[1] for key in drift.by_series.index] == other.by_series.index.tolist()
    np.testing.assert_array_equal(drift.by_series["ratio"], other.by_series["ratio"])


# -------------------- one late series x every answer


@pytest.mark.parametrize("verb", ["predict", "predict_interval", "predict_quantiles"])
def test_a_late_series_changes_nothing_for_the_others(verb):
    fitted = model().fit(rows(end=CUT))
    ask = {"predict": {}, "predict_interval": {"coverage": 0.5}, "predict_quantiles": {"levels": [0.2, 0.8]}}[verb]
    complete = getattr(model().fit(rows(end=CUT)).update(rows(first=CUT)), verb)(**ask)
    with pytest.warns(LateSeriesWarning, match=r"1 of 3 series .*'b'"):
        fitted.update(pd.concat([rows("ac", CUT), rows("b", CUT, CUT + 4)]))
    found = getattr(fitted, verb)(**ask)
    for name in "ac":
        same(of(found, name), of(complete, name))
    alone = model().fit(rows(end=CUT))
    with pytest.warns(LateSeriesWarning):
        alone.update(rows("b", CUT, CUT + 4))
    same(of(found, "b"), of(getattr(alone, verb)(**ask), "b"))
    assert of(found, "b").index[0] == DAYS[CUT + 4]
    gap = rows("b").drop(DAYS[CUT + 2])
    with pytest.warns(SkippedSeriesWarning, match=r"1 of 3 series are left out: 'b' \(the index has gaps"):
        found = getattr(fitted, verb)(history=pd.concat([rows("ac"), gap]), **ask)
    same(found, complete[complete["shop"] != "b"])
    future = fitted.future_frame(5)
    late = future[(future["shop"] != "b") | (future.index > DAYS[CUT + 4])]
    with pytest.warns(SkippedSeriesWarning, match="'b'"):
        found = getattr(fitted, verb)(late, **ask)
    values = complete[complete["shop"] != "b"].drop(columns="shop").to_numpy()
    np.testing.assert_array_equal(found.to_numpy(), values)


# -------------------- recursive=True x panels


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_steps_beyond_the_horizon_are_those_of_a_loop(multi_target):
    fitted = model(target=["y", "z"], multi_target=multi_target).fit(rows())
    longer = fitted.predict(12, recursive=True)
    history, parts = rows(), []
    for steps in (5, 5, 2):
        step = fitted.predict(history=history, n=steps)
        parts.append(step)
        history = pd.concat([history, step]).sort_values("shop", kind="stable")
    expected = pd.concat(parts).sort_values("shop", kind="stable")
    same(longer.rename_axis("day"), expected.rename_axis("day")[longer.columns])
    for name in "abc":
        alone = fitted.predict(12, recursive=True, history=of(rows(), name))
        same(of(longer, name), alone)


# -------------------- flat frames, several targets, wide frames


def test_long_rows_and_a_wide_frame_of_targets_are_the_same_series():
    """Each target of a wide frame as a series of its own is a panel of these series."""
    wide = rows().pivot_table(index="day", columns="shop", values="y")
    shared = SeriesForecaster(
        Ridge(), target=list("abc"), lookback=14, horizon=5, multi_target="shared", transform="standard"
    ).fit(wide.asfreq("D"))
    long = model().fit(rows())
    flat = model(time="day").fit(rows().reset_index())
    found = long.predict()
    for name in "abc":
        np.testing.assert_array_equal(of(found, name)["y"], shared.predict()[name])
    pd.testing.assert_frame_equal(flat.predict(), found.reset_index()[flat.predict().columns])
    bounds = long.predict_interval(coverage=0.5)
    assert flat.predict_interval(coverage=0.5)["y_lower"].tolist() == bounds["y_lower"].tolist()


def test_flat_rows_of_a_panel_with_two_targets_are_answered_row_by_row():
    options = {"target": ["y", "z"]}
    flat = model(time="day", **options).fit(rows().reset_index().sample(frac=1, random_state=0).sort_values("day"))
    long = model(**options).fit(rows())
    future = flat.future_frame().sample(frac=1, random_state=1).sort_values("day", kind="stable")
    found = future.join(flat.predict(future)).sort_values(["shop", "day"])
    np.testing.assert_allclose(found[["y", "z"]], long.predict()[["y", "z"]], rtol=1e-10)  # other order of training
    pair = long.predict_interval(coverage=0.5)
    assert list(pair.columns)[1:] == ["y", "y_lower", "y_upper", "z", "z_lower", "z_upper"]


# -------------------- members, networks and future covariates by number of steps


def test_a_number_of_steps_with_future_covariates_says_what_to_fill():
    frame = rows().assign(open=np.tile(np.arange(N) % 2.0, 3))
    fitted = model(future_covariates="open").fit(frame)
    with pytest.raises(ValueError, match=r"future covariates \['open'\].* Fix: X = model.future_frame\(3\)"):
        fitted.predict(3)
    future = fitted.future_frame(8).assign(open=1.0)
    with pytest.warns(forecast.RecursiveForecastWarning):
        longer = fitted.predict(future)
    five = fitted.predict(future.groupby("shop").head(5))
    np.testing.assert_array_equal(longer["y"].to_numpy().reshape(3, 8)[:, :5].ravel(), five["y"])
    with pytest.raises(ValueError, match="both X and n are given"):
        fitted.predict(future, n=3)
    # What is known ahead ends after 8 steps: the second block begins after the third forecast.
    three = future.groupby("shop").head(3).assign(y=five["y"].to_numpy().reshape(3, 5)[:, :3].ravel())
    grown = pd.concat([frame, three.assign(z=0.0)]).sort_values("shop", kind="stable")
    rest = fitted.predict(fitted.future_frame(history=grown).assign(open=1.0), history=grown)
    np.testing.assert_array_equal(
        longer["y"].to_numpy().reshape(3, 8)[:, 5:], rest["y"].to_numpy().reshape(3, 5)[:, 2:]
    )


def test_networks_and_members_of_a_panel_are_forecast_alike_after_updates():
    network = RNNForecaster(hidden_size=4, max_iter=1, random_state=0, n_jobs=1)
    members = {"line": {"regressor": LinearRegression()}, "net": {"regressor": network, "window_norm": "standard"}}
    fitted = SeriesForecaster(target="y", series="shop", members=members, lookback=14, horizon=5).fit(rows(end=CUT))
    expected = fitted.predict(history=rows("abcd"))
    parts = [one.predict(history=rows("abcd"))["y"].to_numpy() for one in fitted.members_.values()]
    np.testing.assert_allclose(expected["y"], sum(parts) / 2)
    same(fitted.update(pd.concat([rows(first=CUT), rows("d")])).predict(), expected)
