"""Walks over the displays: what a picture draws and says."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot
from walks import Also, Walk
from walks_of_models import XY, days, fitted, network, shops
from walks_of_tools import ACTIVITY, ADDED, FLOW, NET, NETS, RISEN, reports

from forecast import SeriesForecaster, plotting

mpl.use("Agg")
HERE = object()  # axes of a figure of the test's own


def drawn(make, panels=1):
    """A display, closed; `ax` or `axes` may be HERE."""

    def call(**arguments):
        where = {name: None for name, value in arguments.items() if value is HERE}
        if where:
            axes = pyplot.subplots(panels + 1)[1]
            arguments |= dict.fromkeys(where, axes[0] if panels == 1 else axes[:panels])
        try:
            display = make(**arguments)
            return display if hasattr(display, "figure_") else display.plot()
        finally:
            pyplot.close("all")

    return call


def on_axes(display, name="ax", panels=1):
    return Walk(drawn(display.plot, panels), {}, {name: HERE})


def short(report):
    """Without intervals and most naive forecasts, whose summary takes a quarter of the time."""
    frame = report.frame
    return replace(report, frame=frame[frame["model"].isin(["ridge", "heavy", "last value"])], coverage=[])


MANY, PANEL = reports()
FEW, FEW_OF_PANEL = map(short, (MANY, PANEL))
OF_ONE = dict(report=FEW)
SERIES = Also("y", report=FEW_OF_PANEL)
WORDS = {"title": "T"}

# -------------------- of reports

TABLE = pd.DataFrame({"one": [1.0, 2.0, 3.0], "two": [2.0, 1.0, 2.0]}, index=[1, 2, 3])
SHARES = pd.DataFrame({"one": [0.4, 0.7], "two": [0.5, 0.9]}, index=[0.5, 0.8])
BY_STEP = pd.DataFrame({0.5: [0.4, 0.5], 0.8: [0.7, 0.9]}, index=[1, 2])
RESIDUALS = pd.Series(np.random.default_rng(0).normal(size=30))

OF_REPORTS = {
    "plotting.BacktestDisplay": Walk(
        drawn(plotting.BacktestDisplay),
        dict(table=TABLE, by="step"),
        {
            "table": TABLE * 2, "by": "origin", "metric": "RMSE", "step_unit": "hours", "unit": "MW",
            "order": ["two", "one"],
        } | WORDS,
    ),
    "plotting.BacktestDisplay.from_report": Walk(
        drawn(plotting.BacktestDisplay.from_report),
        OF_ONE,
        {
            "report": FEW_OF_PANEL, "by": "step", "metric": "RMSE", "models": "heavy", "series": SERIES, "target": "b",
            "unit": "MW", "ax": HERE,
        } | WORDS,
    ),
    "plotting.BacktestDisplay.plot": on_axes(plotting.BacktestDisplay(TABLE)),
    "plotting.CoverageDisplay": Walk(
        drawn(plotting.CoverageDisplay),
        dict(table=SHARES, n=50),
        {
            "table": SHARES / 2, "n": 10, "kind": "quantiles", "by": Also("step", table=BY_STEP),
            "step_unit": Also("hours", by="step", table=BY_STEP),
            "order": ["two", "one"],
        } | WORDS,
    ),
    "plotting.CoverageDisplay.from_report": Walk(
        drawn(plotting.CoverageDisplay.from_report),
        dict(report=MANY),
        {
            "report": PANEL, "kind": "quantiles", "by": "step", "models": "heavy", "series": Also("y", report=PANEL),
            "target": "b",
            "ax": HERE,
        } | WORDS,
    ),
    "plotting.CoverageDisplay.from_predictions": Walk(
        drawn(plotting.CoverageDisplay.from_predictions),
        dict(y_true=np.arange(9.0), intervals={0.8: (np.full(9, 2.0), np.full(9, 6.0))}),
        {
            "y_true": np.arange(9.0) / 3,
            "intervals": {0.8: (np.full(9, 2.0), np.full(9, 4.0))},
            "quantiles": Also({0.8: np.full(9, 2.0), 0.9: np.full(9, 4.0)}, intervals=None),
            "step": np.arange(9) % 3 + 1,
            "step_unit": Also("hours", step=np.arange(9) % 3 + 1),
            "name": "mine",
            "ax": HERE,
        } | WORDS,
    ),
    "plotting.CoverageDisplay.plot": on_axes(plotting.CoverageDisplay(SHARES, 50)),
    "plotting.ResidualDisplay": Walk(
        drawn(plotting.ResidualDisplay, 3),
        dict(residuals=RESIDUALS),
        {"residuals": RESIDUALS * 2, "name": "mine", "unit": "MW"} | WORDS,
    ),
    "plotting.ResidualDisplay.from_report": Walk(
        drawn(plotting.ResidualDisplay.from_report, 3),
        OF_ONE,
        {
            "report": FEW_OF_PANEL, "model": "heavy", "step": Also(2, "3 residuals; expected at least 4"),
            "series": SERIES, "target": "b", "unit": "MW", "axes": HERE,
        } | WORDS,
    ),
    "plotting.ResidualDisplay.from_predictions": Walk(
        drawn(plotting.ResidualDisplay.from_predictions, 3),
        dict(y_true=RESIDUALS, y_pred=np.zeros(30)),
        {"y_true": RESIDUALS * 2, "y_pred": np.arange(30.0), "name": "mine", "unit": "MW", "axes": HERE} | WORDS,
    ),
    "plotting.ResidualDisplay.plot": on_axes(plotting.ResidualDisplay(RESIDUALS), "axes", 3),
    "plotting.SkillDisplay": Walk(
        drawn(plotting.SkillDisplay), dict(table=TABLE), {"table": TABLE / 9, "metric": "RMSE"} | WORDS
    ),
    "plotting.SkillDisplay.from_report": Walk(
        drawn(plotting.SkillDisplay.from_report),
        OF_ONE,
        {
            "report": FEW_OF_PANEL, "metric": "RMSE", "models": "heavy", "series": SERIES, "target": "b", "ax": HERE,
        } | WORDS,
    ),
    "plotting.SkillDisplay.plot": on_axes(plotting.SkillDisplay(TABLE)),
}  # fmt: skip

# -------------------- of forecasts

PAST, NEXT = days()["a"][:30], days()["a"][30:34]
BAND = pd.DataFrame({"lower": NEXT - 1, "upper": NEXT + 1})
LINES = dict(history=PAST, forecasts={"one": NEXT, "two": NEXT + 1})
AHEAD = days(63)[60:]
SHOPS = dict(model=fitted(series="shop"))
ASKED = {
    "model": fitted(lookback=9), "X": AHEAD, "history": days()[:40], "actual": AHEAD["a"], "coverage": 0.5,
    "name": "mine", "series": Also("y", **SHOPS),
    "n_steps": 3, "unit": "MW", "ax": HERE,
} | WORDS  # fmt: skip
ASKED["target"] = Also("b", model=SeriesForecaster(network(), target=["a", "b"], lookback=6, horizon=3).fit(days()))
GIVEN = dict(history=PAST, forecast=NEXT)
COLUMNS = dict(history=days()[:30], forecast=days()[30:34], target="a")
OF_FORECASTS = {
    "plotting.ForecastDisplay": Walk(
        drawn(plotting.ForecastDisplay),
        LINES,
        {
            "history": PAST[:20],
            "forecasts": {"one": NEXT},
            "actual": NEXT + 0.5,
            "intervals": {0.8: BAND},
            "interval_of": Also("two", intervals={0.8: BAND}),
            "unit": "MW",
            "order": ["two", "one"],
        } | WORDS,
    ),
    "plotting.ForecastDisplay.from_estimator": Walk(
        drawn(plotting.ForecastDisplay.from_estimator), dict(model=fitted()), ASKED
    ),
    "plotting.ForecastDisplay.from_forecaster": Walk(
        drawn(lambda options=None, **a: plotting.ForecastDisplay.from_forecaster(**a, **(options or {}))),
        dict(model=fitted()),
        {"model": fitted(lookback=9), "X": AHEAD, "options": {"title": "T"}},
    ),
    "plotting.ForecastDisplay.from_predictions": Walk(
        drawn(plotting.ForecastDisplay.from_predictions),
        GIVEN,
        {
            "history": PAST[:20],
            "forecast": NEXT + 1,
            "actual": NEXT + 0.5,
            "intervals": BAND,
            "coverage": Also(0.8, intervals=BAND),
            "name": "mine",
            "target": Also("b", **COLUMNS),
            "n_steps": 3,
            "unit": "MW",
            "ax": HERE,
        } | WORDS,
    ),
    "plotting.ForecastDisplay.from_report": Walk(
        drawn(plotting.ForecastDisplay.from_report),
        dict(report=FEW, df=days()),
        {
            "report": replace(FEW, frame=FEW.frame[FEW.frame["step"] < 3]),
            "df": days() * 2,
            "models": "heavy",
            "origin": MANY.frame["origin"].iloc[0],
            "coverage": Also(0.3, report=MANY),
            "series": Also("y", report=FEW_OF_PANEL, df=shops()),
            "target": "b",
            "n_steps": 3,
            "unit": "MW",
            "ax": HERE,
        } | WORDS,
    ),
    "plotting.ForecastDisplay.plot": on_axes(plotting.ForecastDisplay(**LINES)),
}  # fmt: skip

# -------------------- of networks

TWO_LAYERS = network(num_layers=2).fit(**XY)
CURVES = dict(loss=[3.0, 2.0, 1.0])
GATES = {
    "kind": "band", "gate": "i", "window": 0, "layer": Also(0, model=TWO_LAYERS), "unit": None, "axes": HERE,
} | WORDS  # fmt: skip
SEEN = pd.Series(np.arange(6.0))
OF_ACTIVITY = GATES | {
    "activity": type(ACTIVITY)(ACTIVITY.gates, ACTIVITY.states, ACTIVITY.steps - 1, "lstm"),
    "series": SEEN,
    "unit": Also("MW", series=SEEN),
    "layer": 1,
    "axes": Also(HERE, series=SEEN),
}
FRAMED = SeriesForecaster(network(), target="a", lookback=6, horizon=3).fit(days())
ATTENDING = network(decoder="recurrent", attention="dot").fit(**XY)
LOOKED_AT = np.array([[0.2, 0.8], [0.6, 0.4]])
OF_NETWORKS = {
    "plotting.AttentionDisplay": Walk(
        drawn(plotting.AttentionDisplay), dict(weights=LOOKED_AT), {"weights": LOOKED_AT.T} | WORDS
    ),
    "plotting.AttentionDisplay.from_weights": Walk(
        drawn(plotting.AttentionDisplay.from_weights),
        dict(weights=LOOKED_AT),
        {"weights": LOOKED_AT.T, "ax": HERE} | WORDS,
    ),
    "plotting.AttentionDisplay.from_estimator": Walk(
        drawn(plotting.AttentionDisplay.from_estimator),
        dict(model=ATTENDING, X=XY["X"]),
        {
            "model": network(decoder="recurrent", attention="additive").fit(**XY), "X": XY["X"][:-1], "window": 0,
            "ax": HERE,
        } | WORDS,
    ),
    "plotting.AttentionDisplay.plot": on_axes(plotting.AttentionDisplay(LOOKED_AT)),
    "plotting.GateActivityDisplay": Walk(
        drawn(plotting.GateActivityDisplay),
        dict(activity=ACTIVITY),
        {name: value for name, value in OF_ACTIVITY.items() if name != "axes"},
    ),
    "plotting.GateActivityDisplay.from_activity": Walk(
        drawn(plotting.GateActivityDisplay.from_activity, 2), dict(activity=ACTIVITY), OF_ACTIVITY
    ),
    "plotting.GateActivityDisplay.from_estimator": Walk(
        drawn(plotting.GateActivityDisplay.from_estimator, 2),
        dict(model=FRAMED, X=days()),
        GATES | {
            "model": SeriesForecaster(network(cell="gru"), target="a", lookback=6, horizon=3).fit(days()),
            "X": days(50),
            "unit": "MW",
            "layer": 1,
        },
    ),
    "plotting.GateActivityDisplay.plot": on_axes(plotting.GateActivityDisplay(ACTIVITY, series=SEEN), "axes", 2),
    "plotting.GradientFlowDisplay": Walk(
        drawn(plotting.GradientFlowDisplay),
        dict(flows={"one": FLOW}),
        {"flows": {"two": FLOW}, "relative": True} | WORDS,
    ),
    "plotting.GradientFlowDisplay.from_flows": Walk(
        drawn(plotting.GradientFlowDisplay.from_flows),
        dict(flows={"one": FLOW}),
        {"flows": {"two": FLOW}, "relative": True, "ax": HERE} | WORDS,
    ),
    "plotting.GradientFlowDisplay.from_estimator": Walk(
        drawn(plotting.GradientFlowDisplay.from_estimator),
        dict(model=NET, **XY),
        {
            "model": TWO_LAYERS, "X": XY["X"][::-1], "y": XY["y"][::-1], "name": "mine", "relative": True, "ax": HERE,
        } | WORDS,
    ),
    "plotting.GradientFlowDisplay.plot": on_axes(plotting.GradientFlowDisplay({"one": FLOW})),
    "plotting.LossCurveDisplay": Walk(
        drawn(plotting.LossCurveDisplay, 2),
        CURVES,
        {
            "loss": [3.0, 2.0, 1.5],
            "validation_loss": [3.0, 2.0, 1.5],
            "gradient_norms": [1.0, 2.0, 3.0],
            "clip_norm": Also(2.0, gradient_norms=[1.0, 2.0, 3.0]),
            "log": True,
            "label": "cross-entropy",
        } | WORDS,
    ),
    "plotting.LossCurveDisplay.from_estimator": Walk(
        drawn(plotting.LossCurveDisplay.from_estimator, 2),
        dict(model=NET),
        {"model": TWO_LAYERS, "log": True, "axes": HERE} | WORDS,
    ),
    "plotting.LossCurveDisplay.plot": on_axes(plotting.LossCurveDisplay(**CURVES), "axes", 2),
}  # fmt: skip

# -------------------- of explanations

TWICE, MORE = replace(ADDED, values=ADDED.values * 2), replace(RISEN, rises=RISEN.rises * 2)
DRAWN = {"kind": "lags", "unit": "MW", "ax": HERE} | WORDS
OF_EXPLANATIONS = {
    "plotting.AttributionDisplay": Walk(
        drawn(plotting.AttributionDisplay),
        dict(attribution=ADDED),
        {"attribution": TWICE, "kind": "lags", "unit": "MW"} | WORDS,
    ),
    "plotting.AttributionDisplay.from_attribution": Walk(
        drawn(plotting.AttributionDisplay.from_attribution), dict(attribution=ADDED), {"attribution": TWICE} | DRAWN
    ),
    "plotting.AttributionDisplay.from_estimator": Walk(
        drawn(plotting.AttributionDisplay.from_estimator),
        dict(model=NETS[0]),
        {"model": NETS[1], "X": 2, "history": days(50), "n_origins": Also(2, history=days())} | DRAWN,
    ),
    "plotting.AttributionDisplay.plot": on_axes(plotting.AttributionDisplay(ADDED)),
    "plotting.ImportanceDisplay": Walk(
        drawn(plotting.ImportanceDisplay), dict(importance=RISEN), {"importance": MORE, "unit": "MW"} | WORDS
    ),
    "plotting.ImportanceDisplay.from_importance": Walk(
        drawn(plotting.ImportanceDisplay.from_importance),
        dict(importance=RISEN),
        {"importance": MORE, "unit": "MW", "ax": HERE} | WORDS,
    ),
    "plotting.ImportanceDisplay.from_estimator": Walk(
        drawn(plotting.ImportanceDisplay.from_estimator),
        dict(model=NETS[0], X=days()),
        {"model": NETS[1], "X": days(50), "metric": "rmse", "unit": "MW", "ax": HERE} | WORDS,
    ),
    "plotting.ImportanceDisplay.plot": on_axes(plotting.ImportanceDisplay(RISEN)),
}

# -------------------- of several series

TWO_SHOPS = {name: plotting.ForecastDisplay(**LINES) for name in ("north", "south")}


def in_a_grid(**arguments):
    """What a figure of several axes has of its own."""
    display = plotting.ForecastGridDisplay(**arguments).plot()
    figure = display.figure_
    title, legends = [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()], len(figure.legends)
    shown = sum(ax.get_legend() is not None for ax in display.axes_)
    pyplot.close("all")
    return title, legends, shown, len(display.axes_)


OF_SEVERAL = {
    "plotting.ForecastGridDisplay": Walk(
        in_a_grid,
        {"displays": TWO_SHOPS},
        {"displays": {"north": TWO_SHOPS["north"]}, "title": "T", "legend": False},
    ),
    "plotting.ForecastGridDisplay.plot": on_axes(plotting.ForecastGridDisplay(TWO_SHOPS), "axes", 2),
}

PLOTS = OF_REPORTS | OF_FORECASTS | OF_NETWORKS | OF_EXPLANATIONS | OF_SEVERAL
for _name, _walk in PLOTS.items():  # every display has a legend to leave out
    if not _name.endswith((".plot", ".from_forecaster", "GridDisplay")):
        _walk.changes["legend"] = False
OF_FORECASTS["plotting.ForecastDisplay"].changes["n_steps"] = 3
