"""The user's settings for time, gaps and missing values."""

from numbers import Integral
from typing import Any

import pandas as pd

from .._records import record
from .._refusals import Refusal, Words, argument

__all__ = ["Rules"]

GAPS = ("error", "mask", "interpolate", "irregular")
MISSING = ("error", "mask")
CATEGORICAL = ("one-hot", "embedding")


@record(frozen=True)
class Rules:
    """How regular a frame must be.

    Parameters
    ----------
    freq : str, offset, int or None, default=None
        Step between rows; None infers it. What is given is believed: a stamp off it is refused.
    trading_calendar : CustomBusinessDay, list of dates or None, default=None
        Sessions of business data: the calendar, or the holidays on the weekdays that the data show.
    gaps : {"error", "mask", "interpolate", "irregular"}, default="error"
        What becomes of stamps that are not there: refused; put in as missing values; put in with values linear in time.
        "irregular": no stamp is missing, rows may be at any times.
    missing : {"error", "mask"}, default="error"
        What becomes of NaN in targets and past covariates: refused, or kept as NaN.

    categorical : {"one-hot", "embedding"}, default="one-hot"
        What a column of categories becomes: one column each, or one of codes.

    Examples
    --------
    >>> Rules(freq="h").offset("datetime")
    <Hour>
    """

    freq: Any = None
    trading_calendar: Any = None
    gaps: str = "error"
    missing: str = "error"
    categorical: str = "one-hot"

    def check(self) -> None:
        """Refuse a value that is not documented."""
        for name, allowed in (("gaps", GAPS), ("missing", MISSING), ("categorical", CATEGORICAL)):
            if getattr(self, name) not in allowed:
                raise ValueError(Refusal(f"is {getattr(self, name)!r}", where=name, expected=f"one of {list(allowed)}"))
        if self.freq is not None and self.trading_calendar is not None:
            raise ValueError(
                Refusal(
                    Words(
                        f"freq is {self.freq!r} and trading_calendar is given",
                        f"--freq is {self.freq!r} and --holidays is given",
                    ),
                    expected="one of them: the sessions of the calendar are the steps",
                    fix=argument("freq", None),
                )
            )

    def offset(self, kind: str) -> pd.DateOffset:
        """`freq` as an offset, or an int for integer labels.

        Parameters
        ----------
        kind : {"datetime", "period", "integer"}
            Kind of the time labels.

        Raises
        ------
        TypeError, ValueError
            It is not a frequency of such labels.
        """
        number = isinstance(self.freq, Integral) and not isinstance(self.freq, bool)
        if number != (kind == "integer"):
            expected = "a whole number of steps" if kind == "integer" else "a frequency such as 'h' or 'D'"
            raise TypeError(
                Refusal(
                    f"is {self.freq!r}, but the time labels are {kind}s", where="freq", expected=f"{expected}, or None"
                )
            )
        if number:
            if self.freq < 1:
                raise ValueError(Refusal(f"is {self.freq}", where="freq", expected="a step of 1 or more"))
            return int(self.freq)
        try:
            if kind == "period" and isinstance(self.freq, str):
                return pd.PeriodDtype(self.freq).freq
            return pd.tseries.frequencies.to_offset(self.freq)
        except (ValueError, TypeError) as error:
            raise ValueError(
                Refusal(f"is {self.freq!r}", where="freq", expected=f"a frequency that pandas knows: {error}")
            ) from error
