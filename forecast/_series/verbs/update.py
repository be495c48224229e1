"""The daily job: append new rows, so that forecasts continue after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from sklearn.utils.validation import check_is_fitted

from ..._alone import Alone
from ..._preparation import RowWeights
from ..._refusals import Fix, Refusal, Words, argument, joined
from ..._types import FrameLike
from ..beginnings import refuse_untransformable
from ..bounds import note_beyond
from ..codes import note_codes
from ..continuing import continued
from ..growing import behind, grown, read_later
from ..since import with_since
from ..skipping import LateSeriesWarning, SkippedSeriesWarning, check_errors, listed, read_able, warn_of
from ..targets import entered
from .host import Host

if TYPE_CHECKING:
    import pandas as pd

    from ..._preparation import Rows
    from ..state import FittedState

__all__ = ["Updates"]


class Updates(Host):
    """The part of `SeriesForecaster` that appends new rows."""

    def update(
        self,
        new_rows: FrameLike,
        y: Any = None,
        *,
        refit: Literal["no", "continue"] = "no",
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        overlap: Literal["error", "skip"] = "error",
        errors: Literal["warn", "raise"] = "warn",
    ) -> Self:
        """Append new rows to the known ones, so that `predict()` continues after them.

        Weights, transforms and scales stay those of `fit`: `predict()` is then bit-identical to `predict(history=all
        rows)` of the fitted model. New series are allowed; their history begins with these rows. Intervals use the
        errors of forecasts since the fit, as with `history`. A network with `stateful=True` reads only the new rows,
        and `predict()` continues from its states.

        `refit="continue"` also continues the training, on old and new windows. The old ones come from the rows that the
        model keeps, the newest 20,000 over all series, or from `history`. A network continues from its last weights,
        for a fifth of the epochs (or `max_steps`) of a fit, without warm-up and without early stopping, so that it
        learns from the newest windows. Any other regressor is fitted again. Both use the parameters that the regressor
        has now: `set_params(regressor__max_iter=...)` takes effect. Transforms, scales and the weights of members stay;
        transforms of new series are learned. `report_` keeps the errors of `fit`, and a note says so. Intervals keep
        the errors of earlier forecasts. `half_life` reduces the weight of old rows; a `sample_weight` passed to `fit`
        is not kept.

        Parameters
        ----------
        new_rows : frame
            New rows in the layout of the fitted data, including future covariates: for each series the rows right after
            its last one. Series may be missing.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The target, if `y` was passed to `fit`.
        refit : {"no", "continue"}, default="no"
        history : frame, default=None
            With `refit="continue"`: the old rows to train on; they must reach at least the rows that the model keeps.
        static : frame, default=None
            Static covariates of new series, a row for each, as in `fit`. None: they are columns of `new_rows`.
        overlap : {"error", "skip"}, default="error"
            What to do with rows that are already known. "error": raise. "skip": leave them out.
        errors : {"warn", "raise"}, default="warn"
            What to do if rows of some series of a panel cannot be appended, because they leave a gap, overlap or have
            missing values, or if a series is late. "warn": append those of the other series, with a warning. "raise":
            raise an error.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            The rows do not follow the known ones, or do not match those of `fit`. The model stays as it was.

        Warns
        -----
        SkippedSeriesWarning
            Rows of some series were not appended.
        LateSeriesWarning
            Some series now end before the others. `predict()` forecasts each after its own last row.
        SentinelWarning
            A value looks like a code for a missing one, such as -9999.
        BoundsWarning
            Values of a target lie beyond `lower` or `upper`, which forecasts keep to.
        OldRowsWarning
            A regressor is fitted again on fewer rows than before, because the model keeps only the newest.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> days = pd.date_range("2024-01-01", periods=61, freq="D")
        >>> df = pd.DataFrame({"load": np.arange(61.0)}, index=days)
        >>> model = SeriesForecaster(Ridge(), target="load", lookback=7, horizon=2).fit(df.iloc[:60])
        >>> model.update(df.iloc[60:]).predict().index[0]
        Timestamp('2024-03-02 00:00:00')
        """
        with Alone(self, "update"):
            if y is history is static is None and refit == "no" and overlap == "error" and errors in ("warn", "raise"):
                one_row = self._one_row()
                if one_row is not None and one_row.takes(new_rows):
                    return self
            check_is_fitted(self)
            _check("refit", refit, ("no", "continue"))
            _check("overlap", overlap, ("error", "skip"))
            check_errors(errors)
            if history is not None and refit == "no":
                raise ValueError(
                    Refusal(
                        Words("history is given, but refit is 'no'", "--history is given, but --refit is 'no'"),
                        got="nothing is trained",
                        fix=argument("refit", "continue"),
                    )
                )
            state = new = self._state
            state.refuse_without_rows("update")
            (rows,) = self._with_static(static, new_rows=new_rows)
            later, refused = self._later(rows, y, overlap, errors)
            late = {}
            if later is not None:
                new = grown(state, later)
                late = {key: end for key, end in behind(state, new, later).items() if key not in refused}
            self._tell(refused, late, new, errors)
            if refit == "continue":
                old = None if history is None else self._rows_of(history)
                weights = RowWeights.of(new.axis, self.half_life)
                new = continued(new, self._steps(), old, weights, self._regressors())
            elif later is not None:
                new = with_since(new, state.since, later)
            self._advance(new)
            return self

    def _rows_of(self, history: FrameLike) -> Rows:
        frame, _ = entered(history, "history")
        return self._state.read(frame, self._rules(), "history")

    def _steps(self) -> dict[str, int]:
        """Rows from one training window to the next, of each member."""
        if self._state.members is None:
            return {"regressor": self.step}
        chosen = self.recipe_["members"]
        return {name: chosen[name].get("step", self.step) for name in self._state.members}

    def _later(
        self,
        new_rows: FrameLike,
        y: Any,
        overlap: Literal["error", "skip"],
        errors: Literal["warn", "raise"],
        verb: str = "update",
    ) -> tuple[Rows | None, dict[Any, Exception]]:
        state = self._state
        frame, _ = entered(new_rows, "new_rows", y, self.target_names_)

        def read(some: pd.DataFrame) -> Rows | None:
            later = read_later(state, self._rules(), some, overlap, verb=verb)
            if later is not None:
                refuse_untransformable(state, later, known=True)
            return later

        found = (read(frame), {}) if errors == "raise" else read_able(read, frame, state.roles, "new_rows")
        if found[0] is not None:
            note_codes(state, found[0], "new_rows", 3)
            note_beyond(state.lower, state.upper, state.roles.target, found[0], 3, "new_rows")
        return found

    def _tell(
        self, refused: dict[Any, Exception], late: dict[Any, Any], new: FittedState, errors: Literal["warn", "raise"]
    ) -> None:
        """Warn of what was not taken, before anything is changed."""
        if late:
            newest = max(new.tail.last_labels.values())
            text = listed({key: f"ends at {end}" for key, end in late.items()})
            ends = f"{len(late)} of {new.tail.n_series} series end before {newest}, the newest row"
            if errors == "raise":
                fix = Fix("model.update(new_rows)", "")
                raise ValueError(Refusal(ends, got=text, expected="new rows of each series", fix=fix))
            own = Words("predict()", "forecast predict")
            text = joined(f"{ends}: {text}. ", own, " forecasts each series after its own last row.")
            warn_of(LateSeriesWarning, text, late, 3)
        if refused:
            start, end = f"new rows of {len(refused)} series were not taken: ", " takes none in that case."
            text = joined(start, listed(refused), ". ", argument("errors", "raise"), end)
            warn_of(SkippedSeriesWarning, text, refused, 3)

    def _advance(self, state: FittedState) -> None:
        """Take the place of the fitted state."""
        self._state = state
        self.regressor_ = state.regressor
        self.n_windows_ = state.n_windows
        self.report_ = state.report


def _check(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(Refusal(f"is {value!r}", where=name, expected=f"one of {list(allowed)}"))
