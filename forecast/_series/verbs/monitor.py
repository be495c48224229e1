"""A check whether forecasts are still as good as in validation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from sklearn.utils.validation import check_is_fitted

from ..._refusals import Fix, Refusal, joined
from ..._types import FrameLike
from ..errors import errors_since
from ..growing import JUDGED, grown
from ..skipping import SkippedSeriesWarning, listed, warn_of
from .host import Host

if TYPE_CHECKING:
    from ..drift import DriftReport

__all__ = ["Monitors"]


class Monitors(Host):
    """The part of `SeriesForecaster` that watches its own errors."""

    def monitor(
        self,
        new_rows: FrameLike | None = None,
        y: Any = None,
        *,
        window: int | None = None,
        confidence: float = 0.99,
        margin: float = 0.1,
        overlap: Literal["error", "skip"] = "error",
    ) -> DriftReport:
        """Check whether errors since training have grown compared with those on the validation windows.

        From every origin since the fit (or the last `update(refit="continue")`), the model forecasts rows that are
        known by now. The absolute error at each step is divided by the mean error of the validation windows at that
        step. The mean over the newest `window` origins is the ratio, and errors have drifted if its lower bound is
        above `1 + margin`. The bound accounts for the overlap of neighbouring forecasts [1]_. Nothing is trained; the
        model stays as it is.

        Parameters
        ----------
        new_rows : frame, default=None
            Rows that follow the known ones, as for `update`; they are not kept. None: the rows that `update` appended
            since training.
        y : array-like, default=None
            As for `update`.
        window : int, default=None
            Number of newest origins to use. None: two horizons, at least 40.
        confidence : float, default=0.99
            Confidence of the lower bound, in (0.5, 1). In simulated series without a change, 0.99 raised a false alarm
            in 0 to 5 of a hundred; a daily check will raise one sooner or later.
        margin : float, default=0.1
            Growth of the errors to tolerate. Validation errors are often slightly optimistic, because settings or the
            last epoch were chosen on them.
        overlap : {"error", "skip"}, default="error"
            As for `update`.

        Returns
        -------
        DriftReport
            Report whose `drifted` is True, False or None (too few origins); `frame` has every origin, `by_series` every
            series.

        Raises
        ------
        ValueError
            There were no validation windows; or as `update`.

        Warns
        -----
        SkippedSeriesWarning
            Rows of some series of a panel could not be taken.

        References
        ----------
        .. [1] Newey and West (1987), A simple, positive semi-definite, heteroskedasticity and autocorrelation
           consistent covariance matrix, Econometrica.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> rng = np.random.default_rng(0)
        >>> days = pd.date_range("2024-01-01", periods=460, freq="D")
        >>> y = np.sin(2 * np.pi * np.arange(460) / 7) + 0.1 * rng.normal(size=460)
        >>> y[430:] += 0.5 * rng.normal(size=30)  # the meter became noisy
        >>> df = pd.DataFrame({"y": y}, index=days)
        >>> model = SeriesForecaster(Ridge(), target="y", lookback=7, horizon=2).fit(df.iloc[:400])
        >>> model.monitor(df.iloc[400:425])
        no drift: errors from the newest 25 origins are 1.16 times those of validation (99% sure: at least 0.72)
        >>> model.update(df.iloc[400:425]).monitor(df.iloc[425:]).drifted
        True
        """
        from ..drift import drift_of  # and with it `statistics`: the package is imported without them

        check_is_fitted(self)
        state = self._state
        state.refuse_without_rows("monitor")
        _check(window, confidence, margin)
        if state.calibration is None:
            raise ValueError(
                Refusal(
                    "errors are compared with those on validation windows, and there are none",
                    got="validation_fraction is None, or too few windows could be held out",
                    advice="More rows or a shorter lookback help.",
                    fix=Fix("model.set_params(validation_fraction=0.2)", "--validation-fraction 0.2"),
                )
            )
        trained = state.trained_until
        if new_rows is not None:
            later, refused = self._later(new_rows, y, overlap, "warn", "monitor")
            state = state if later is None else grown(state, later)
            if refused:
                text = joined(f"new rows of {len(refused)} series were not looked at: ", listed(refused), ".")
                warn_of(SkippedSeriesWarning, text, refused, 2)
        window = max(40, 2 * state.horizon) if window is None else int(window)
        residuals = state.calibrated.of_targets(len(self.target_names_))
        errors = errors_since(state, state.rows, trained, JUDGED)
        return drift_of(errors, residuals, state.horizon, window, confidence, margin)


def _check(window: object, confidence: object, margin: object) -> None:
    if window is not None and (isinstance(window, bool) or not isinstance(window, Integral) or window < 10):
        raise ValueError(Refusal(f"is {window!r}", where="window", expected="a whole number of origins, 10 or more"))
    if isinstance(confidence, bool) or not isinstance(confidence, Real) or not 0.5 < float(confidence) < 1:
        raise ValueError(
            Refusal(f"is {confidence!r}", where="confidence", expected="a number between 0.5 and 1, such as 0.99")
        )
    if isinstance(margin, bool) or not isinstance(margin, Real) or not 0 <= float(margin) < float("inf"):
        raise ValueError(Refusal(f"is {margin!r}", where="margin", expected="0 or more, such as 0.1 for ten per cent"))
