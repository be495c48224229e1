"""Pictures in small axes: legends, markers and widths, measured on the rendered figure."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from pictures import drawn, faults, hourly_load, shop_sales
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.diagnostics import channel_importance, explain, gate_activity, gradient_flow
from forecast.model_selection import RollingOrigin, backtest
from forecast.plotting import (
    AttributionDisplay,
    BacktestDisplay,
    CoverageDisplay,
    ForecastDisplay,
    ForecastGridDisplay,
    GateActivityDisplay,
    GradientFlowDisplay,
    ImportanceDisplay,
    LossCurveDisplay,
    ResidualDisplay,
    SkillDisplay,
)

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture(scope="module")
def load():
    return hourly_load(900)


@pytest.fixture(scope="module")
def report(load):
    models = {name: SeriesForecaster(Ridge(alpha), lookback=48, horizon=24) for name, alpha in (("a", 1), ("b", 9))}
    return backtest(models, load, RollingOrigin(12, 24), refit=False, coverage=[0.5, 0.8])


@pytest.fixture(scope="module")
def network(load):
    inside = RNNForecaster(hidden_size=4, max_iter=3, random_state=0, validation_fraction=0.2, early_stopping=True)
    return SeriesForecaster(inside, lookback=24, horizon=6).fit(load)


@pytest.fixture(scope="module")
def inside(network, load):
    why = {"why": explain(network), "which": channel_importance(network, load, n_origins=20)}
    return {"flow": gradient_flow(network, load), "gates": gate_activity(network, load)} | why


@pytest.fixture(scope="module")
def panel():
    return shop_sales("xyz")


@pytest.fixture(scope="module")
def shops(panel):
    return SeriesForecaster(Ridge(), target="sold", series="shop", lookback=10, horizon=8).fit(panel)


@pytest.fixture(scope="module")
def panel_report(panel):
    model = SeriesForecaster(Ridge(), target="sold", series="shop", lookback=10, horizon=4)
    return backtest({"ridge": model}, panel, RollingOrigin(4, 4), refit=False)


def every(f):
    """Calls that draw each display on given axes, with how many axes it takes."""
    title = "A title that is longer than small axes are wide"
    return {
        "forecast": (1, lambda a, **o: ForecastDisplay.from_report(f["report"], f["load"], title=title, ax=a, **o)),
        "origin": (1, lambda a, **o: BacktestDisplay.from_report(f["report"], title=title, ax=a, **o)),
        "step": (1, lambda a, **o: BacktestDisplay.from_report(f["report"], by="step", ax=a, **o)),
        "skill": (1, lambda a, **o: SkillDisplay.from_report(f["report"], ax=a, **o)),
        "coverage": (1, lambda a, **o: CoverageDisplay.from_report(f["report"], ax=a, **o)),
        "coverage by step": (1, lambda a, **o: CoverageDisplay.from_report(f["report"], by="step", ax=a, **o)),
        "flow": (1, lambda a, **o: GradientFlowDisplay.from_flows({"LSTM": f["flow"]}, ax=a, **o)),
        "attribution": (1, lambda a, **o: AttributionDisplay.from_attribution(f["why"], title=title, ax=a, **o)),
        "importance": (1, lambda a, **o: ImportanceDisplay.from_importance(f["which"], title=title, ax=a, **o)),
        "training": (2, lambda a, **o: LossCurveDisplay.from_estimator(f["network"], axes=a, **o)),
        "residuals": (3, lambda a, **o: ResidualDisplay.from_report(f["report"], axes=a, **o)),
        "bands": (1, lambda a, **o: GateActivityDisplay.from_activity(f["gates"], kind="band", axes=a, **o)),
    }


NAMES = list(every({}))


@pytest.fixture
def pictures(load, report, network, inside):
    return every({"load": load, "report": report, "network": network} | inside)


def legends_in_the_way(figure):
    """Legends over other axes, their words, or outside of the figure."""
    figure.canvas.draw()
    bad = []
    for ax in figure.axes:
        legend = ax.get_legend()
        if legend is None:
            continue
        box = legend.get_window_extent()
        if box.x0 < -1 or box.y0 < -1 or box.x1 > figure.bbox.x1 + 1 or box.y1 > figure.bbox.y1 + 1:
            bad.append(f"outside: {box}")
        for other in figure.axes:
            words = [other.bbox, *(text.get_window_extent() for text in (other.xaxis.label, other.yaxis.label))]
            bad += [f"over {other.get_xlabel()!r}" for one in words if other is not ax and box.overlaps(one)]
    return bad


def data_under_legends(figure):
    """Whether points of lines lie under a legend inside axes."""
    found = []
    for ax in figure.axes:
        if ax.get_legend() is None:
            continue
        box = ax.get_legend().get_window_extent()
        for line in ax.lines:
            if line.get_transform() is ax.transData and len(line.get_xdata()) > 2:
                points = ax.transData.transform(line.get_xydata())
                found += [line.get_label()] if any(box.contains(*point) for point in points) else []
    return found


@pytest.mark.parametrize(("name", "layout"), [*((name, None) for name in NAMES), ("forecast", "constrained")])
def test_in_a_grid_of_four_no_legend_covers_a_neighbour(pictures, name, layout):
    """The layout of the figure is pyplot's, which makes no room for anything."""
    panels, draw = pictures[name]
    figure, axes = pyplot.subplots(2, 2, figsize=(8, 6), layout=layout)
    if panels == 1:
        for ax in axes[:, 0]:
            draw(ax)
        assert all(ax.get_legend() is not None for ax in axes[:, 0])
    else:
        draw(list(axes.flat[:panels]))
    assert legends_in_the_way(figure) == []
    assert data_under_legends(figure) == []


def test_a_layout_made_afterwards_keeps_legends_apart(pictures):
    figure, axes = pyplot.subplots(2, 2, figsize=(8, 6))
    for name, ax in zip(("forecast", "origin", "skill", "coverage"), axes.flat, strict=True):
        pictures[name][1](ax)
    figure.tight_layout()
    assert legends_in_the_way(figure) == []


@pytest.mark.parametrize("layout", [None, "constrained"])
@pytest.mark.parametrize("name", NAMES)
def test_at_three_by_two_inches_the_legend_stays_in_the_figure_and_off_the_data(pictures, name, layout):
    panels, draw = pictures[name]
    figures = [pyplot.subplots(figsize=(3, 2), layout=layout) for _ in range(panels)]
    draw(figures[0][1] if panels == 1 else [ax for _, ax in figures])
    for figure, ax in figures:
        assert legends_in_the_way(figure) == []
        assert data_under_legends(figure) == []
        assert ax.bbox.height > 0.3 * figure.bbox.height
        assert ax.get_legend() is not None or name == "residuals"


@pytest.mark.parametrize("name", NAMES)
def test_a_legend_can_be_left_out(pictures, name):
    panels, draw = pictures[name]
    axes = [pyplot.subplots()[1] for _ in range(panels)]
    display = draw(axes[0] if panels == 1 else axes, legend=False)
    assert [ax.get_legend() for ax in axes] == [None] * panels
    assert display.legend is False


def test_a_heat_map_without_a_legend_has_no_bar(inside):
    with_bar = GateActivityDisplay.from_activity(inside["gates"])
    without = GateActivityDisplay.from_activity(inside["gates"], legend=False)
    assert (len(with_bar.figure_.axes), len(without.figure_.axes)) == (2, 1)


def test_axes_too_small_for_a_legend_have_none(report):
    figure, axes = pyplot.subplots(3, 3, figsize=(3, 2))
    assert BacktestDisplay.from_report(report, by="step", ax=axes[1, 1]).ax_.get_legend() is None
    assert legends_in_the_way(figure) == []


def test_long_names_are_cut_where_they_do_not_fit():
    table = pd.DataFrame({"a model with a name of many words, as pipelines have them": [1.0, 2.0], "b": [2.0, 2.5]})
    figure, ax = pyplot.subplots(figsize=(3, 2))
    BacktestDisplay(table, by="step").plot(ax)
    assert legends_in_the_way(figure) == []
    assert ax.get_legend().get_texts()[0].get_text().endswith("…")


# -------------------- markers


def marked(line, n):
    """How many of a line's points are drawn with a marker."""
    if line.get_marker() in ("None", None, "", " "):
        return 0
    return n if line.get_markevery() is None else len(line.get_markevery())


@pytest.mark.parametrize(("n", "expected"), [(60, 60), (61, 0)])
def test_more_than_sixty_points_have_no_markers(n, expected):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"GRU": rng.uniform(size=n), "last value": rng.uniform(size=n)}, index=range(1, n + 1))
    past, future = pd.Series(rng.normal(size=200)), pd.Series(rng.normal(size=n - 1), index=range(200, 199 + n))
    flow = type("Flow", (), {"norms": rng.uniform(0.1, 1, (1, n)), "steps": np.arange(1 - n, 1), "cell": "rnn"})
    lines = [
        *BacktestDisplay(table, by="step").plot().lines_,
        *BacktestDisplay(table, by="series").plot().lines_,
        *CoverageDisplay(table.set_axis([0.5, 0.8], axis=1), 100, by="step").plot().lines_,
        GradientFlowDisplay.from_flows({"rnn": flow}).lines_[0],
        ForecastDisplay(past, {"drift": future}, actual=future).plot().lines_[1],
        ResidualDisplay(pd.Series(rng.normal(size=n))).plot().lines_[0],
    ]
    assert [marked(line, n) for line in lines] == [expected] * len(lines)


def test_a_lone_value_is_seen_in_a_long_line():
    """Between two missing values there is no line to draw."""
    values = pd.Series(np.random.default_rng(0).normal(size=200))
    values[[50, 52]] = np.nan
    line = ResidualDisplay(values).plot().lines_[0]
    assert list(line.get_markevery()) == [51]


# -------------------- width


def share(display):
    low, high = display.ax_.get_xlim()
    last = max(display.ax_.convert_xunits(line.get_xdata()[-1]) for line in display.lines_[-1:])
    origin = display.ax_.convert_xunits(display.lines_[0].get_xdata()[-1])
    return (last - origin) / (high - low)


@pytest.mark.parametrize(
    ("index", "horizon"), [("dates", 1), ("zone", 24), ("months", 12), ("integers", 5), ("business", 5)]
)
def test_the_forecast_has_a_third_of_the_width(index, horizon):
    made = {
        "dates": pd.date_range("2024-01-01", periods=400, freq="D"),
        "zone": pd.date_range("2024-03-20", periods=400, freq="h", tz="Europe/Berlin"),
        "months": pd.period_range("1990-01", periods=400, freq="M"),
        "integers": pd.RangeIndex(400),
        "business": pd.bdate_range("2024-01-01", periods=400),
    }[index]
    df = pd.DataFrame({"y": np.random.default_rng(0).normal(size=400)}, made)
    model = SeriesForecaster(Ridge(), lookback=200, horizon=horizon).fit(df)
    assert 1 / 3 <= share(ForecastDisplay.from_estimator(model)) < 0.75
    assert 1 / 3 <= share(ForecastDisplay.from_predictions(df["y"], model.predict())) < 0.75


def test_the_forecast_of_a_report_has_a_third_of_the_width(report, load):
    assert 1 / 3 <= share(ForecastDisplay.from_report(report, load)) < 0.5
    more = ForecastDisplay.from_report(report, load, n_steps=200)
    assert len(drawn(more)["history"]) == 200


# -------------------- several series


def test_several_series_are_drawn_in_one_call(shops, panel):
    display = ForecastDisplay.from_estimator(shops, series=["y", "x"], coverage=0.8, title="Shops", unit="pieces")
    assert isinstance(display, ForecastGridDisplay)
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["y", "x"]
    expected = shops.predict().set_index("shop", append=True)["sold"]
    for key, one in display.displays.items():
        np.testing.assert_array_equal(drawn(one)["Ridge"], expected.xs(key, level="shop"))
        np.testing.assert_array_equal(drawn(one)["history"], panel.loc[panel["shop"] == key, "sold"].iloc[-10:])
    assert faults(display.figure_) == []
    assert len(display.figure_.legends) == 1
    assert display.axes_[0].get_ylabel() == "sold (pieces)"
    silent = ForecastDisplay.from_estimator(shops, series=["y", "x"], legend=False)
    assert silent.figure_.legends == []


def test_several_series_of_a_report_are_drawn_on_given_axes(panel_report, panel):
    figure, axes = pyplot.subplots(2, 2, figsize=(8, 6))
    display = ForecastDisplay.from_report(panel_report, panel, series=["x", "y", "z"], ax=axes.flat[:3])
    assert display.figure_ is figure
    assert [ax.get_legend() is not None for ax in display.axes_] == [True, False, False]
    assert legends_in_the_way(figure) == []
    with pytest.raises(ValueError, match="axes has 4 entries; expected 3"):
        ForecastDisplay.from_report(panel_report, panel, series=["x", "y", "z"], ax=axes)
    with pytest.raises(ValueError, match="series 'w' is not there"):
        ForecastDisplay.from_report(panel_report, panel, series=["x", "w"])
    with pytest.raises(ValueError, match="series is empty"):
        ForecastDisplay.from_report(panel_report, panel, series=[])


def test_errors_by_series_are_those_of_the_summary(panel_report):
    display = BacktestDisplay.from_report(panel_report, by="series", metric="RMSE", unit="pieces")
    expected = panel_report.summary(by="series")["RMSE"].unstack("model")
    first = display.table.columns[0]
    assert list(display.table.index) == list(expected[first].sort_values(ascending=False).index)
    for line in display.lines_:
        np.testing.assert_array_equal(line.get_xdata(), expected.loc[display.table.index, line.get_label()])
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == list(display.table.index)
    assert display.ax_.get_xlabel() == "RMSE (pieces)"
    assert faults(display.figure_) == []


def test_errors_by_series_need_several(report):
    with pytest.raises(ValueError, match="by is 'series', but the backtest was of one series"):
        BacktestDisplay.from_report(report, by="series")


def test_some_series_of_a_report_are_taken_together(panel_report):
    some = BacktestDisplay.from_report(panel_report, by="step", series=["x", "z"])
    frame = panel_report.frame
    rows = frame[frame["series"].isin(["x", "z"]) & (frame["model"] == "ridge")]
    expected = (rows["forecast"] - rows["actual"]).abs().groupby(rows["step"]).mean()
    np.testing.assert_allclose(drawn(some)["ridge"], expected)


def test_two_thousand_series_are_drawn_as_lines():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"GRU": np.sort(rng.gamma(2, size=2000))[::-1], "drift": rng.gamma(2, size=2000)})
    display = BacktestDisplay(table, by="series").plot()
    assert faults(display.figure_) == []
    assert display.figure_.get_figheight() < 15
    assert len(display.ax_.get_yticks()) < 60
