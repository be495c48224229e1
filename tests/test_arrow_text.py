"""Text of Arrow, as `read_parquet(dtype_backend="pyarrow")` gives it, is categories as any other text is."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster


@pytest.mark.parametrize("role", ["past_covariates", "future_covariates", "static_covariates"])
def test_arrow_text_is_one_hot(role):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=60, freq="D")
    parts = []
    for shop in ("a", "b"):
        sky = np.full(60, shop) if role == "static_covariates" else rng.choice(["sun", "rain"], 60)
        parts.append(pd.DataFrame({"day": days, "shop": shop, "sold": rng.normal(size=60), "sky": sky}))
    plain = pd.concat(parts, ignore_index=True)
    arrow = plain.astype({"sky": pd.Series(["a"]).convert_dtypes(dtype_backend="pyarrow").dtype})
    options = {"target": "sold", "series": "shop", "time": "day", "lookback": 5, "horizon": 2, role: "sky"}
    forecasts = []
    for frame in (plain, arrow):
        past, future = frame[frame["day"] < days[-2]], frame[frame["day"] >= days[-2]]
        model = SeriesForecaster(Ridge(), **options).fit(past)
        forecasts.append(model.predict(future)["sold"].to_numpy())
    np.testing.assert_array_equal(*forecasts)


def test_numbers_among_arrow_text_are_refused_with_their_place():
    index = pd.date_range("2024-01-01", periods=40, freq="D")
    texts = [str(number / 2) for number in range(39)] + ["closed"]
    df = pd.DataFrame({"y": np.arange(40.0), "p": pd.array(texts, dtype="string[pyarrow]")}, index)
    df["p"] = df["p"].convert_dtypes(dtype_backend="pyarrow")
    with pytest.raises(TypeError, match="1 of 40 are not numbers, the first 'closed'"):
        SeriesForecaster(Ridge(), target="y", lookback=5, horizon=2, past_covariates="p").fit(df)
