"""Example series: real ones from other packages, and a synthetic one with a known best forecast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._refusals import Refusal, install

if TYPE_CHECKING:
    from ._types import Seed

__all__ = ["load_co2", "load_fertility", "load_sp500", "load_vix", "load_weather", "make_ar1"]


def load_co2() -> pd.DataFrame:
    """Weekly CO2 at Mauna Loa, 1958 to 2001, in parts per million, from statsmodels, with its gaps.

    Returns
    -------
    pandas.DataFrame of shape (2284, 1)
        Column `co2`, float64, 59 of its values NaN; weekly DatetimeIndex (Saturdays) with its frequency set.

    Raises
    ------
    ImportError
        statsmodels is not installed.

    References
    ----------
    Keeling, Whorf, Scripps Institution of Oceanography; public domain.

    Examples
    --------
    >>> frame = load_co2()
    >>> frame.shape, int(frame["co2"].isna().sum()), frame.index.freqstr
    ((2284, 1), 59, 'W-SAT')
    """
    try:
        from statsmodels.datasets import co2
    except ImportError as error:
        raise _missing("the CO2 series", "statsmodels", "demo") from error
    frame = co2.load_pandas().data[["co2"]].astype(np.float64)
    return frame.asfreq("W-SAT")


def load_fertility() -> pd.DataFrame:
    """Births per woman in 206 countries, 1960 to 2011, by the World Bank, from statsmodels.

    Returns
    -------
    pandas.DataFrame of shape (10076, 1)
        Column `births`, float64; MultiIndex of `country` and `year` (yearly periods). A year without a value has no
        row: 188 countries have all 52 years, the others start later, end earlier or have gaps.

    Raises
    ------
    ImportError
        statsmodels is not installed.

    References
    ----------
    World Bank, World Development Indicators, SP.DYN.TFRT.IN; under the terms of use of the World Bank.

    Examples
    --------
    >>> frame = load_fertility()
    >>> float(frame.loc[("India", "1960"), "births"])
    5.87
    """
    try:
        from statsmodels.datasets import fertility
    except ImportError as error:
        raise _missing("the panel of fertility rates", "statsmodels", "demo") from error
    table = fertility.load_pandas().data.set_index("Country Name").loc[:, "1960":"2013"]
    table.columns = pd.PeriodIndex(table.columns, freq="Y")
    regions = [name for name in table.index if name.endswith(("(all income levels)", "members", "small states"))]
    frame = table.drop(index=regions).stack().rename_axis(["country", "year"]).to_frame("births")
    return frame.dropna().astype(np.float64)


def load_weather() -> pd.DataFrame:
    """Hourly weather at Greensboro, North Carolina, in a typical year (TMY3), from pvlib.

    The twelve months are real measurements, but of different years (1980 to 2003), each chosen because it was typical.
    So the year of the index, 2019, is arbitrary, its days of the week mean nothing, and the series may jump at the end
    of a month.

    Returns
    -------
    pandas.DataFrame of shape (8760, 6)
        float64: `temperature` and `dew_point` in °C, `humidity` in percent, `pressure` in hPa, `wind` in m/s,
        `irradiance` (global, horizontal) in W/m², the mean of the hour that ends at the stamp. Hourly DatetimeIndex
        in standard time, UTC-05:00, without summer time.

    Raises
    ------
    ImportError
        pvlib is not installed.

    References
    ----------
    Wilcox and Marion: Users Manual for TMY3 Data Sets. NREL/TP-581-43156, 2008. Public domain.

    Examples
    --------
    >>> frame = load_weather()
    >>> frame.shape, str(frame.index[0]), frame.index.freqstr
    ((8760, 6), '2019-01-01 01:00:00-05:00', 'h')
    """
    try:
        import pvlib
    except ImportError as error:
        raise _missing("the weather of Greensboro", "pvlib", "notebooks") from error
    path = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    table, _ = pvlib.iotools.read_tmy3(path, coerce_year=2019, map_variables=True)
    names = {
        "temp_air": "temperature",
        "temp_dew": "dew_point",
        "relative_humidity": "humidity",
        "pressure": "pressure",
        "wind_speed": "wind",
        "ghi": "irradiance",
    }
    return table[list(names)].rename(columns=names).rename_axis("time").astype(np.float64).asfreq("h")


def load_sp500() -> pd.DataFrame:
    """Daily prices of the S&P 500 index, 1999 to 2018, from arch.

    Returns
    -------
    pandas.DataFrame of shape (5031, 5)
        Columns `open`, `high`, `low`, `close` in index points and `volume`, float64. DatetimeIndex `date` of the
        trading days, without a frequency: weekends and holidays have no row.

    Raises
    ------
    ImportError
        arch is not installed.

    Examples
    --------
    >>> frame = load_sp500()
    >>> frame.shape, str(frame.index[0].date())
    ((5031, 5), '1999-01-04')
    """
    try:
        from arch.data import sp500
    except ImportError as error:
        raise _missing("the S&P 500", "arch", "notebooks") from error
    frame = sp500.load()[["Open", "High", "Low", "Close", "Volume"]]
    return frame.rename(columns=str.lower).rename_axis("date").astype(np.float64)


def load_vix() -> pd.DataFrame:
    """Daily closing values of the VIX, the volatility that options on the S&P 500 imply, 2014 to 2019, from arch.

    Returns
    -------
    pandas.DataFrame of shape (1259, 1)
        Column `vix`, float64, in percent a year. DatetimeIndex `date` of the days with a value, without a frequency.

    Raises
    ------
    ImportError
        arch is not installed.

    Examples
    --------
    >>> frame = load_vix()
    >>> frame.shape, str(frame.index[-1].date())
    ((1259, 1), '2019-01-03')
    """
    try:
        from arch.data import vix
    except ImportError as error:
        raise _missing("the VIX", "arch", "notebooks") from error
    return vix.load()[["vix"]].dropna().rename_axis("date").astype(np.float64)


def _missing(series: str, package: str, extra: str) -> ImportError:
    return ImportError(
        Refusal(f"comes with {package}, which is not installed", where=series, fix=install(f"'rnn-forecast[{extra}]'"))
    )


def make_ar1(n: int = 3000, *, phi: float = 0.95, scale: float = 1.0, random_state: Seed = None) -> pd.DataFrame:
    """Autoregressive series of order 1, for which the best forecast `k` steps ahead is known: `phi**k * last`.

    Parameters
    ----------
    n : int, default=3000
        Number of steps.
    phi : float, default=0.95
        Autoregressive coefficient, between -1 and 1.
    scale : float, default=1.0
        Standard deviation of the noise added at each step.
    random_state : int, numpy.random.Generator or None, default=None
        Seed; numpy's global state is not used.

    Returns
    -------
    pandas.DataFrame of shape (n, 1)
        Column `y`, float64, with rows counted from 0; the first value is drawn from the stationary distribution.

    Raises
    ------
    ValueError
        `phi` is not between -1 and 1, `n` is less than 1 or `scale` is negative.

    Examples
    --------
    >>> series = make_ar1(2000, phi=0.9, random_state=0)["y"]
    >>> bool(abs(series.autocorr() - 0.9) < 0.03)
    True
    """
    if not -1 < phi < 1:
        raise ValueError(
            Refusal(
                f"is {phi}", where="phi", expected="a number between -1 and 1, else the series does not stay in bounds"
            )
        )
    if n < 1 or scale < 0:
        raise ValueError(
            Refusal(f"is {n} and scale {scale}", where="n", expected="n of 1 or more and a scale of 0 or more")
        )
    noise = scale * np.random.default_rng(random_state).standard_normal(n)
    noise[0] /= np.sqrt(1 - phi**2)
    values = np.empty(n)
    level = 0.0
    for step in range(n):
        level = phi * level + noise[step]
        values[step] = level
    return pd.DataFrame({"y": values})
