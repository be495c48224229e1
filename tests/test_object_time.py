"""Time in a column of objects: stamps and periods are read, whole numbers refused with the statement that mends it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster


@pytest.mark.parametrize(
    "stamps",
    [pd.date_range("2024-01-01", periods=60), pd.period_range("2024-01", periods=60, freq="M")],
    ids=["stamps", "periods"],
)
def test_stamps_that_are_objects_are_read(stamps):
    df = pd.DataFrame({"when": stamps, "y": np.arange(60.0)})
    model = SeriesForecaster(Ridge(), target="y", time="when", lookback=5, horizon=2)
    expected = model.fit(df).predict()
    pd.testing.assert_frame_equal(model.fit(df.astype({"when": object})).predict(), expected, check_dtype=False)


def test_the_fix_for_whole_numbers_works():
    df = pd.DataFrame({"when": pd.Series(range(60), dtype=object), "y": np.arange(60.0)})
    model = SeriesForecaster(Ridge(), target="y", time="when", lookback=5, horizon=2)
    with pytest.raises(TypeError) as refusal:
        model.fit(df)
    names = {"df": df}
    exec(str(refusal.value).partition("Fix: ")[2].rstrip("."), names)
    assert list(model.fit(names["df"]).predict()["when"]) == [60, 61]
