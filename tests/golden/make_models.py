"""Makes the model files of a release: `python tests/golden/make_models.py NAME ...`, without names all of this pandas.

They are made once, with the release that they are named after, and never again: a later release that cannot read them
has broken its word. Their forecasts are stored next to them, so that reading them is not enough. Run it again only to
add a model; add a folder for a release that changes the format.

`pandas2.forecast` was made under pandas 2.2, whose strings and zones differ from those of pandas 3.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.baselines import LastValue

FOLDER = Path(__file__).parent / "models-0.1.0"
INPUTS = np.sin(np.arange(60.0) ** 1.5).reshape(10, 6)  # of the network on windows


def wave(n, phase):
    return 20 + 5 * np.sin(np.arange(n) / 4 + phase) + np.cos(np.arange(n) ** 2 + phase)


def shops():
    hours = pd.date_range("2024-03-28", periods=150, freq="h", tz="Europe/Berlin")
    parts = [
        pd.DataFrame({
            "shop": name, "hour": hours, "sales": wave(150, number) * (number + 1), "price": wave(150, number + 5),
            "weather": np.resize(["dry", "rain", "snow"], 150), "size": float(number),
        })
        for number, name in enumerate(["a", "b", "ä"])
    ]  # fmt: skip
    data = pd.concat(parts, ignore_index=True)
    data.loc[[20, 21, 200], "sales"] = np.nan
    return data


def panel():
    network = RNNForecaster(cell="gru", hidden_size=3, max_iter=3, early_stopping=True, random_state=0)
    return SeriesForecaster(
        network, target="sales", series="shop", time="hour", lookback=12, horizon=3, past_covariates="weather",
        future_covariates="price", static_covariates="size", calendar=["hour", "weekend"], missing="mask",
        transform=["log", "standard"],
    ).fit(shops())  # fmt: skip


def pandas2():
    names = dict(target="sales", series="shop", time="hour", past_covariates="weather")
    return SeriesForecaster(LastValue(), lookback=4, horizon=2, validation_fraction=None, **names).fit(shops().ffill())


def ridge():
    calendar = pd.offsets.CustomBusinessDay(holidays=["2024-03-29", "2024-04-01"])
    days = pd.DatetimeIndex(pd.date_range("2024-01-02", periods=120, freq=calendar), freq=None)
    data = pd.DataFrame({"price": wave(120, 0)}, index=days)
    regressor = make_pipeline(StandardScaler(), Ridge(0.1))
    return SeriesForecaster(
        regressor, lookback=6, horizon=4, trading_calendar=calendar, transform=PowerTransformer()
    ).fit(data)


def network():
    windows = make_windows(pd.DataFrame({"y": wave(120, 1)}), target="y", lookback=6, horizon=2)
    model = RNNForecaster(
        hidden_size=3, num_layers=2, loss="quantile", quantile=[0.1, 0.5, 0.9], dtype="float64", max_iter=3,
        random_state=np.random.RandomState(5),
    )  # fmt: skip
    return model.fit(windows, windows.y)


MODELS = {"network": network, "panel": panel, "pandas2": pandas2, "ridge": ridge}


def answers(model):
    """What a model says, as JSON: labels as text, numbers to the last bit."""
    if isinstance(model, RNNForecaster):
        found = {"predict": model.predict(INPUTS), "quantiles": model.predict_quantiles(INPUTS, [0.1, 0.3, 0.9])}
        return {name: {"labels": None, "values": values.tolist()} for name, values in found.items()}
    future = model.future_frame()
    known = model._state.schema.future_names
    labels = future.drop(columns=known).reset_index().astype(object).map(str).to_numpy().tolist()
    future[known] = 21.0
    found = {"predict": model.predict(future)}
    if model._state.calibration is not None:
        found["interval"] = model.predict_interval(future, coverage=0.5).drop(columns=model.target_names_)
    numbers = {name: frame.select_dtypes("float64").to_numpy().tolist() for name, frame in found.items()}
    return {name: {"labels": labels, "values": values} for name, values in numbers.items()}


def main(names):
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        model = MODELS[name]()
        model.save(FOLDER / f"{name}.forecast")
        text = json.dumps(answers(model), indent=None, separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    after_two = int(pd.__version__.split(".")[0]) > 2
    main(sys.argv[1:] or [name for name in MODELS if (name == "pandas2") != after_two])
