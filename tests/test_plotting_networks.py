"""Displays of trainings, residuals, coverage, gradients and gates; and every picture looked at for its words."""

from dataclasses import dataclass, field

import children
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from pictures import drawn, faults, hourly_load
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, plotting
from forecast.diagnostics import ChannelImportance, gate_activity, gradient_flow
from forecast.model_selection import RollingOrigin, backtest
from forecast.plotting import (
    AttentionDisplay,
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
COVERAGE = [0.5, 0.8, 0.95]


@dataclass
class Flow:
    norms: np.ndarray
    steps: np.ndarray
    cell: str = "lstm"


@dataclass
class Activity:
    gates: dict
    states: dict = field(default_factory=dict)
    steps: np.ndarray = field(default_factory=lambda: np.arange(-23, 1))
    cell: str = "lstm"


@pytest.fixture(scope="module")
def load():
    """Fifty days, over a change of clocks."""
    return hourly_load(1200)


@pytest.fixture(scope="module")
def report(load):
    models = {"ridge": SeriesForecaster(Ridge(), lookback=48, horizon=24)}
    return backtest(models, load, RollingOrigin(20, 24), refit=False, coverage=COVERAGE)


@pytest.fixture(scope="module")
def network(load):
    inside = RNNForecaster(hidden_size=8, max_iter=6, random_state=0)
    return SeriesForecaster(inside, lookback=24, horizon=6).fit(load)


@pytest.fixture(scope="module")
def activity():
    rng = np.random.default_rng(0)
    gates = {name: rng.uniform(size=(3, 2, 24, 5)) for name in "ifo"}
    return Activity(gates | {"g": rng.uniform(-1, 1, (3, 2, 24, 5))}, {"h": rng.uniform(-1, 1, (3, 2, 24, 5))})


@pytest.fixture(scope="module")
def flows():
    steps = np.arange(-23, 1)
    return {
        "RNN": Flow(np.exp(0.9 * steps)[None], steps, "rnn"),
        "LSTM": Flow(np.exp(0.05 * steps)[None], steps),
    }


# -------------------- trainings


def test_curves_of_a_training_are_drawn_epoch_by_epoch(network):
    inside = network.regressor_
    display = LossCurveDisplay.from_estimator(network)
    lines = drawn(display)
    np.testing.assert_array_equal(lines["training"], inside.loss_curve_)
    np.testing.assert_array_equal(lines["validation"], inside.validation_loss_curve_)
    norms = inside.gradient_norm_curve_.reshape(inside.n_iter_, -1)
    np.testing.assert_allclose(lines["median step"], np.median(norms, axis=1))
    assert display.best_epoch_ == np.argmin(inside.validation_loss_curve_) + 1
    top, bottom = display.axes_
    band = bottom.collections[0].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([band.min(), band.max()], [norms.min(), norms.max()])
    clipped = [line for line in bottom.lines if line.get_label() == "clipped above 1"]
    assert [list(line.get_ydata()) for line in clipped] == [[1.0, 1.0]]
    assert top.get_shared_x_axes().joined(top, bottom)
    assert display.lines_[0].get_xdata()[0] == 1


def test_a_network_alone_without_validation_or_clipping_is_drawn_too():
    X = np.random.default_rng(0).normal(size=(200, 10))
    fitted = RNNForecaster(hidden_size=4, max_iter=3, clip_norm=None, early_stopping=False, random_state=0)
    display = LossCurveDisplay.from_estimator(fitted.fit(X, X[:, -1]), log=True)
    assert display.best_epoch_ is None
    assert set(drawn(display)) == {"training", "median step"}
    assert display.axes_[0].get_yscale() == "log"


def test_norms_of_a_training_that_diverged_are_left_out_where_they_are_not_numbers():
    display = LossCurveDisplay([1.0, 2.0], (), [1.0, 2.0, np.nan, np.inf]).plot()
    np.testing.assert_array_equal(drawn(display)["median step"], [1.5])
    with pytest.raises(ValueError, match=r"diverged in its first epoch\. Use a lower learning_rate"):
        LossCurveDisplay([]).plot()


def test_what_has_no_epochs_is_refused(load):
    ridge = SeriesForecaster(Ridge(), lookback=24, horizon=6).fit(load)
    with pytest.raises(TypeError, match="around one of class Ridge, which has no epochs"):
        LossCurveDisplay.from_estimator(ridge)
    with pytest.raises(ValueError, match="axes has 1 entries; expected 2"):
        LossCurveDisplay([1.0]).plot(pyplot.subplots()[1])


# -------------------- residuals and coverage


def test_residuals_are_actual_minus_forecast_in_order_of_time(report):
    display = ResidualDisplay.from_report(report, unit="MW")
    rows = report.frame[report.frame["model"] == "ridge"].sort_values("timestamp")
    expected = (rows["actual"] - rows["forecast"]).to_numpy()
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), expected)
    centred = expected - expected.mean()
    for lag in (1, 5):
        correlation = (centred[lag:] * centred[:-lag]).sum() / (centred**2).sum()
        np.testing.assert_allclose(display.autocorrelation_[lag - 1], correlation)
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), display.autocorrelation_)
    assert display.band_ == 1.96 / np.sqrt(480)
    counts = sum(bar.get_height() for bar in display.axes_[1].patches)
    assert counts == 480
    third = ResidualDisplay.from_report(report, step=3, model="drift")
    assert len(third.residuals) == 20
    assert "drift, step 3 (hours)" in third.axes_[0].get_title(loc="left")


def test_residuals_of_arrays_leave_out_what_is_not_known():
    actual = np.array([1.0, np.nan, 3.0, 5.0, 4.0])
    display = ResidualDisplay.from_predictions(actual, np.ones(5))
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [0, np.nan, 2, 4, 3])
    assert display.band_ == 1.96 / 2


@pytest.mark.parametrize(
    ("actual", "forecast", "words"),
    [
        (np.ones(5), np.ones(4), "y_true has 5 values, y_pred 4"),
        (np.ones((5, 2)), np.ones(5), r"expected \(n,\), one series, such as one column"),
        ([1.0, np.nan, np.nan, 1.0], np.ones(4), "there are 2 residuals; expected at least 4"),
    ],
)
def test_residuals_that_cannot_be_are_refused(actual, forecast, words):
    with pytest.raises(ValueError, match=words):
        ResidualDisplay.from_predictions(actual, forecast)
    assert pyplot.get_fignums() == []


def test_coverage_is_that_of_the_summary(report):
    display = CoverageDisplay.from_report(report)
    summary = report.summary().loc["ridge"]
    np.testing.assert_allclose(drawn(display)["ridge"], [summary[f"coverage_{level:g}"] for level in COVERAGE])
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), COVERAGE)
    steps = CoverageDisplay.from_report(report, by="step")
    expected = report.summary(by="step").xs("ridge", level="model")
    np.testing.assert_allclose(drawn(steps)["80 % interval"], expected["coverage_0.8"])
    assert steps.ax_.get_xlabel() == "steps ahead (hours), n = 20 at each"


def test_quantiles_are_counted_from_below(report):
    display = CoverageDisplay.from_report(report, kind="quantiles")
    rows = report.frame[report.frame["model"] == "ridge"]
    below = {0.1: (rows["actual"] <= rows["lower_0.8"]).mean(), 0.9: (rows["actual"] <= rows["upper_0.8"]).mean()}
    assert {level: display.table.loc[level, "ridge"] for level in below} == below
    assert display.ax_.get_xlabel() == "level of the quantile"


def test_coverage_of_arrays_is_the_share_inside():
    actual = np.array([1.0, 2.0, 3.0, np.nan])
    bounds = {0.5: (np.zeros(4), np.full(4, 2.5)), 0.9: pd.DataFrame({"low": [0] * 4, "up": [9] * 4})}
    display = CoverageDisplay.from_predictions(actual, intervals=bounds)
    assert display.table["forecast"].to_dict() == {0.5: 2 / 3, 0.9: 1.0}
    assert display.n == 3
    steps = CoverageDisplay.from_predictions(actual, intervals=bounds, step=[1, 2, 2, 1])
    np.testing.assert_array_equal(drawn(steps)["50 % interval"], [1.0, 0.5])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "none is given; expected one of them"),
        ({"intervals": {0.5: ([0], [1])}, "quantiles": {0.5: [1]}}, "both are given"),
        ({"quantiles": {50: [1.0]}}, "expected numbers between 0 and 1"),
        ({"quantiles": {0.5: [1.0, 2.0]}}, r"quantiles\[0.5\] has 2 values, y_true 1"),
        ({"intervals": {0.5: ([0],)}}, "has 1 parts; expected two"),
    ],
)
def test_coverage_that_cannot_be_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        CoverageDisplay.from_predictions([1.0], **wrong)


def test_a_report_without_intervals_says_which_argument_to_give(load):
    plain = backtest(SeriesForecaster(Ridge(), lookback=48, horizon=24), load, RollingOrigin(3, 24), refit=False)
    with pytest.raises(ValueError, match=r"Fix: report = backtest\(model, df, cv, coverage="):
        CoverageDisplay.from_report(plain)


# -------------------- inside of networks


def test_a_gradient_is_a_line_per_model_on_a_logarithmic_axis(flows):
    display = GradientFlowDisplay.from_flows(flows)
    for name, line in drawn(display).items():
        np.testing.assert_array_equal(line, flows[name].norms[0])
    assert display.ax_.get_yscale() == "log"
    relative = GradientFlowDisplay.from_flows({"x": Flow(np.array([[0.0, 2.0, 4.0]]), np.arange(-2, 1))}, relative=True)
    np.testing.assert_array_equal(drawn(relative)["x"], [np.nan, 0.5, 1.0])
    layers = GradientFlowDisplay.from_flows({"x": Flow(np.ones((2, 3)), np.arange(-2, 1))})
    assert list(drawn(layers)) == ["x, layer 0", "x, layer 1"]


@pytest.mark.parametrize(
    ("flows", "error"),
    [({}, TypeError), (Flow(np.ones((1, 2)), np.arange(2)), TypeError), ({"a": Flow(np.zeros((1, 2)), 0)}, ValueError)],
)
def test_what_is_no_gradient_is_refused(flows, error):
    with pytest.raises(error, match=r"GradientFlow|0 at every step"):
        GradientFlowDisplay.from_flows(flows)
    assert pyplot.get_fignums() == []


def test_the_heat_map_shows_every_unit_sorted_by_its_mean(activity):
    display = GateActivityDisplay.from_activity(activity, np.arange(24.0), gate="f", window=1, layer=0)
    values = activity.gates["f"][1, 0]
    order = np.argsort(-values.mean(axis=0))
    np.testing.assert_array_equal(display.mesh_.get_array(), values[:, order].T)
    assert display.mesh_.get_clim() == (0, 1)
    top, bottom = display.axes_
    assert top.get_xlim() == bottom.get_xlim() == (-23.5, 0.5)
    np.testing.assert_array_equal(top.lines[0].get_ydata(), np.arange(24.0))
    assert GateActivityDisplay.from_activity(activity, gate="h").mesh_.get_clim() == (-1, 1)
    assert GateActivityDisplay.from_activity(Activity({}, activity.states, cell="rnn")).mesh_.get_clim() == (-1, 1)


def test_the_band_shows_the_mean_of_each_gate_on_the_users_time(activity, load):
    display = GateActivityDisplay.from_activity(activity, load["load"].iloc[-24:], kind="band", unit="MW")
    assert list(drawn(display)) == ["series", "input gate", "forget gate", "output gate"]
    np.testing.assert_allclose(drawn(display)["forget gate"], activity.gates["f"][-1, -1].mean(axis=1))
    assert display.axes_[1].get_xlabel() == "hour (Europe/Berlin)"
    assert display.axes_[0].get_ylabel() == "load (MW)"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "line"}, "kind 'line' is not there"),
        ({"gate": "z"}, "gate 'z' is not there"),
        ({"window": 3}, "window is 3; there are 3, expected -3 to 2"),
        ({"layer": 2}, "layer is 2"),
        ({"series": [1.0]}, "series has 1 values, the window 24 steps"),
    ],
)
def test_what_is_not_in_the_activity_is_refused(activity, wrong, words):
    with pytest.raises(ValueError, match=words):
        GateActivityDisplay.from_activity(activity, **wrong)
    assert pyplot.get_fignums() == []


def test_a_network_without_gates_has_no_band(activity):
    with pytest.raises(ValueError, match=r"cell 'rnn' has no gates.* Fix: kind='heatmap'"):
        GateActivityDisplay.from_activity(Activity({}, activity.states, cell="rnn"), kind="band")


def test_the_gates_of_a_series_are_those_of_its_window(network, load):
    """The newest window with a future ends `horizon` rows before the data do."""
    display = GateActivityDisplay.from_estimator(network, load, gate="o", unit="MW")
    np.testing.assert_allclose(drawn(display)["series"], load["load"].iloc[-30:-6])
    values = gate_activity(network, load).gates["o"][-1, -1]
    order = np.argsort(-values.mean(axis=0, dtype=float))
    np.testing.assert_array_equal(display.mesh_.get_array(), values[:, order].T)
    stamps = mpl.dates.num2date(display.lines_[0].get_xdata(), tz=load.index.tz)
    assert pd.DatetimeIndex(stamps)[-1] == load.index[-7]
    assert display.axes_[1].get_xlabel() == "hour (Europe/Berlin)"


@pytest.mark.parametrize("shape", ["array", "channels", "frame"])
def test_the_gates_of_a_window_stand_below_its_first_channel(shape):
    X = np.random.default_rng(0).normal(size=(40, 24))
    y = X[:, -1]
    given = {"array": X, "channels": np.stack([X, -X], axis=2), "frame": pd.DataFrame(X).add_prefix("x")}[shape]
    fitted = RNNForecaster(cell="gru", hidden_size=4, max_iter=1, random_state=0).fit(given, y)
    display = GateActivityDisplay.from_estimator(fitted, given, window=-2, kind="band")
    np.testing.assert_array_equal(drawn(display)["series"], X[38])
    means = gate_activity(fitted, given).gates["z"][38, 0].mean(axis=1)
    np.testing.assert_allclose(drawn(display)["update gate"], means, rtol=1e-6)
    with pytest.raises(ValueError, match="window is 40; X has 40 windows"):
        GateActivityDisplay.from_estimator(fitted, given, window=40)


def test_the_gradient_of_a_fitted_network_is_drawn(network, load):
    display = GradientFlowDisplay.from_estimator(network, load)
    np.testing.assert_array_equal(drawn(display)["LSTM"], gradient_flow(network, load).norms[0])
    named = GradientFlowDisplay.from_estimator(network, load, name="mine", relative=True)
    assert drawn(named)["mine"][-1] == 1


# -------------------- pictures


def test_pictures_of_several_panels_take_the_axes_given(network, report, activity):
    calls = [
        (2, lambda axes: LossCurveDisplay.from_estimator(network, axes=axes)),
        (3, lambda axes: ResidualDisplay.from_report(report, axes=axes)),
        (2, lambda axes: GateActivityDisplay.from_activity(activity, np.arange(24.0), axes=axes)),
        (1, lambda axes: GateActivityDisplay.from_activity(activity, axes=axes)),
    ]
    for panels, draw in calls:
        figure, axes = pyplot.subplots(panels)
        display = draw(axes)
        assert display.figure_ is figure
        assert display.axes_ == list(np.ravel(axes))
        assert all(ax.get_xlabel() for ax in display.axes_[1:])
        pyplot.close(figure)


def test_matplotlib_is_imported_by_the_first_picture_only():
    script = (
        "import json, sys, forecast.plotting; print(json.dumps([name for name in sys.modules if 'matplotlib' in name]))"
    )
    assert children.run(script) == []


PICTURES = {
    "forecast": lambda f: ForecastDisplay.from_estimator(f["network"], coverage=COVERAGE, title="Load", unit="MW"),
    "forecasts of a report": lambda f: ForecastDisplay.from_report(f["report"], f["load"], title="Load", unit="MW"),
    "forecasts of several series": lambda f: ForecastGridDisplay(
        {
            name: ForecastDisplay(f["load"]["load"][:-24], {"drift": f["load"]["load"][-24:]}, unit="MW")
            for name in ("north", "east", "south")
        },
        title="Load",
    ).plot(),
    "errors by origin": lambda f: BacktestDisplay.from_report(f["report"], title="Errors", unit="MW"),
    "errors by step": lambda f: BacktestDisplay.from_report(f["report"], by="step", title="Errors"),
    "skill": lambda f: SkillDisplay.from_report(f["report"], models=["ridge", "drift"], title="Skill"),
    "training": lambda f: LossCurveDisplay.from_estimator(f["network"], title="LSTM"),
    "residuals": lambda f: ResidualDisplay.from_report(f["report"], unit="MW"),
    "coverage": lambda f: CoverageDisplay.from_report(f["report"], title="Coverage"),
    "coverage of quantiles": lambda f: CoverageDisplay.from_report(f["report"], kind="quantiles"),
    "coverage by step": lambda f: CoverageDisplay.from_report(f["report"], by="step"),
    "gradient flow": lambda f: GradientFlowDisplay.from_flows(f["flows"], title="Gradients"),
    "gates": lambda f: GateActivityDisplay.from_activity(f["activity"], f["load"]["load"].iloc[-24:], title="Gate"),
    "attention": lambda f: AttentionDisplay.from_weights(np.random.default_rng(0).dirichlet(np.ones(24), 6), title="A"),
    "attribution": lambda f: AttributionDisplay.from_estimator(f["network"], title="Why", unit="MW"),
    "attribution by lag": lambda f: AttributionDisplay.from_estimator(f["network"], kind="lags", title="Why"),
    "importance": lambda f: ImportanceDisplay.from_importance(
        ChannelImportance(["load", "wind"], np.array([[2.0, 3.0], [0.1, 0.2]]), 1.0, "mae", "load", 20), title="Which"
    ),
    "gates alone": lambda f: GateActivityDisplay.from_activity(f["activity"], title="Gate"),
    "bands of gates": lambda f: GateActivityDisplay.from_activity(
        f["activity"], f["load"]["load"].iloc[-24:], kind="band", title="Gates"
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_words_lie_neither_on_each_other_nor_on_data_nor_outside(name, request):
    fixtures = {part: request.getfixturevalue(part) for part in ("load", "report", "network", "flows", "activity")}
    display = PICTURES[name](fixtures)
    assert faults(display.figure_) == []
    assert pyplot.get_fignums() == [display.figure_.number]
    for ax in getattr(display, "axes_", None) or [display.ax_]:
        shared = len(ax.get_shared_x_axes().get_siblings(ax)) > 1
        assert ax.get_xlabel() or shared
        assert ax.get_ylabel() or name.startswith(("skill", "importance", "attribution"))  # rows have names


def test_a_legend_leaves_narrow_axes_their_height(report):
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    for by, ax in zip(("origin", "step"), axes, strict=True):
        display = BacktestDisplay.from_report(report, by=by, title="Errors", ax=ax)
    assert faults(figure) == []
    assert display.ax_.bbox.height > 0.5 * figure.bbox.height


def test_every_display_has_its_picture():
    shown = " ".join(repr(make.__code__.co_names) for make in PICTURES.values())
    assert [name for name in plotting.__all__ if name not in shown] == []


def test_faults_are_found():
    figure, ax = pyplot.subplots(figsize=(3, 2))
    ax.plot([0, 1], label="line")
    ax.legend()
    ax.set_xticks([0, 0.01], ["a long label", "another one"])
    ax.set_title("much too long a title for so small a figure, in any font that there is", loc="left")
    found = " ".join(faults(figure))
    for words in ("lies on 'another one'", "is outside of the figure", "the legend lies on data"):
        assert words in found
