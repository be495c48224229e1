"""What follows "Fix:" in the refusal of a plot runs, and then it is drawn."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pasted_fixes import chosen, runs_and_helps
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.diagnostics import channel_importance, explain, gradient_flow
from forecast.model_selection import RollingOrigin, backtest
from forecast.plotting import (
    AttentionDisplay,
    AttributionDisplay,
    BacktestDisplay,
    CoverageDisplay,
    ForecastDisplay,
    GateActivityDisplay,
    GradientFlowDisplay,
    ImportanceDisplay,
    LossCurveDisplay,
    ResidualDisplay,
)

matplotlib.use("Agg")

N = 60
DAYS = pd.date_range("2024-01-01", periods=N)
DF = pd.DataFrame({"y": 10 + np.sin(np.arange(float(N)))}, index=DAYS)
LATER = pd.date_range("2024-03-01", periods=3)
LINE = pd.DataFrame({"y": [10.0, 11.0, 10.0]}, LATER)
BOUNDS = pd.DataFrame({"y_lower": LINE["y"] - 1, "y_upper": LINE["y"] + 1})
OF_A_SERIES = LINE.set_axis(pd.MultiIndex.from_product([["a"], LATER]))
CV = RollingOrigin(4, horizon=2)


def ridge(**more):
    return SeriesForecaster(Ridge(), **{"target": "y", "lookback": 4, "horizon": 2, "validation_fraction": 0.2} | more)


@pytest.fixture(scope="module")
def things():
    """Models, a report and what is drawn of them, for the fixes and for the calls."""
    network = RNNForecaster(cell="rnn", hidden_size=2, max_iter=2, random_state=0)
    model = SeriesForecaster(network, target="y", lookback=4, horizon=2).fit(DF)
    X = np.random.default_rng(0).normal(size=(40, 6))
    return {
        "model": model, "df": DF, "cv": CV, "backtest": backtest, "explain": explain, "gradient_flow": gradient_flow,
        "AttributionDisplay": AttributionDisplay, "channel_importance": channel_importance, "frame": BOUNDS,
        "bounds": BOUNDS, "ImportanceDisplay": ImportanceDisplay, "network": network.fit(X, X[:, 0]), "X": X,
        "y": X[:, 0], "report": backtest(ridge(), DF, CV, coverage=0.5),
    }  # fmt: skip


def two_levels(s):
    given = {"intervals": s["intervals"]} if "intervals" in s else {"intervals": BOUNDS, "coverage": [0.5, 0.8]}
    return ForecastDisplay.from_predictions(DF, LINE, **given)


def without_a_line(s):
    return ForecastDisplay.from_predictions(DF, LINE if "intervals" in s else BOUNDS, **chosen(s, intervals=None))


def without_errors(s):
    """A report of intervals, which need errors of validation windows or of many origins."""
    few = RollingOrigin(2, horizon=2)
    return backtest(ridge(**chosen(s, validation_fraction=None)), DF, few, coverage=0.5)


def of_two(s):
    two = backtest({"one": ridge(), "two": ridge(validation_fraction=0.3)}, DF, CV, coverage=0.5)
    return CoverageDisplay.from_report(two, by="step", **chosen(s, models=["one", "two"]))


def of_flows(s):
    s.update(model=s["network"])
    return GradientFlowDisplay.from_flows(s.setdefault("flows", []))


def of_residuals(s):
    few = backtest(ridge(), DF, RollingOrigin(2, horizon=2), coverage=None)
    return ResidualDisplay.from_report(few, **chosen(s, step=1))


PLOTS = {
    "weights of several windows": lambda s: AttentionDisplay.from_weights(s.setdefault("weights", np.ones((5, 2, 4)))),
    "a model for an attribution": lambda s: s.get("made") or AttributionDisplay.from_attribution(s["model"]),
    "a backtest of one series": lambda s: BacktestDisplay.from_report(s["report"], **chosen(s, by="series")),
    "a report of one series": lambda s: BacktestDisplay.from_report(s["report"], **chosen(s, series="a")),
    "a model of one series": lambda s: ForecastDisplay.from_estimator(s["model"], **chosen(s, series="a")),
    "bounds of two levels": two_levels,
    "a forecast of a panel": lambda s: ForecastDisplay.from_predictions(DF, s.setdefault("forecast", OF_A_SERIES)),
    "bounds without a line": without_a_line,
    "too few residuals": lambda s: CoverageDisplay.from_report(without_errors(s)),
    "steps of two models": of_two,
    "gates of a plain cell": lambda s: GateActivityDisplay.from_estimator(
        s["network"], s["X"], **chosen(s, kind="band")
    ),
    "a flow without a name": of_flows,
    "a model for an importance": lambda s: s.get("made") or ImportanceDisplay.from_importance(s["model"]),
    "residuals of one step": of_residuals,
    "axes of another number": lambda s: LossCurveDisplay.from_estimator(s["model"], **chosen(s, axes=[1, 2, 3])),
}


@pytest.mark.filterwarnings("ignore:.*intervals of coverage")  # few origins: that is why it is refused
@pytest.mark.parametrize("name", PLOTS)
def test_a_fix_of_a_plot_runs_and_helps(name, things):
    runs_and_helps(things, PLOTS[name])
    plt.close("all")


@pytest.mark.filterwarnings("ignore:.*intervals of coverage")
def test_a_fix_of_a_report_without_intervals_runs_and_helps(things):
    plain = {"report": backtest(ridge(), DF, CV, coverage=None), "model": ridge(validation_fraction=0.2)}
    runs_and_helps(things | plain, lambda s: CoverageDisplay.from_report(s["report"]))
    plt.close("all")
