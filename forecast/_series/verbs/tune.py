"""Fine-tuning: training of a panel model continued for one or several of its series, or for a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..._frames import read_panel
from ..._preparation import Rows, RowWeights
from ..._types import FrameLike
from ..targets import entered, is_flat
from ..tuning import fine_tuned
from .host import Host

__all__ = ["Tunes"]


class Tunes(Host):
    """The part of `SeriesForecaster` that fine-tunes."""

    def fine_tune(
        self,
        X: FrameLike,
        y: Any = None,
        *,
        freeze: Sequence[str] | None = None,
        learning_rate: float | None = None,
        max_iter: int | None = None,
        static: FrameLike | None = None,
    ) -> Self:
        """Return a new forecaster, fine-tuned on the rows of some series; this one stays as it is.

        Use it for a series of a panel, or a new one, that has too few rows for a separate model. The networks continue
        from their weights on the windows of `X`, without early stopping and with the scaling of their first fit. Other
        regressors, transforms, scales and the weights of members stay as they are; transforms of new series are learned
        from `X`. The new forecaster knows only the series of `X`: `predict()` continues after their rows.

        Its `report_` and intervals come from copies that were tuned without the newest `validation_fraction` of the
        rows. The original model may have seen those rows. With fewer than 40 forecasts on them, intervals use the
        errors of the original.

        Parameters
        ----------
        X : frame
            All rows to learn from, in the layout of the fitted data, with the column or level that names the series. At
            least one series needs `lookback + horizon` rows.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The target, if `y` was passed to `fit`.
        freeze : list of str, default=None
            Parts of the networks whose weights stay as they are, such as `["encoder"]`: see `RNNForecaster`. None: as
            in the regressor.
        learning_rate : float, default=None
            Initial learning rate. None: a tenth of the regressor's.
        max_iter : int, default=None
            Maximum number of epochs. None: a fifth of the regressor's.
        static : frame, default=None
            Static covariates of new series, a row for each, as in `fit`. None: they are columns of `X`.

        Returns
        -------
        SeriesForecaster
            New forecaster with the parameters of this one, so its `fit` starts from scratch.

        Raises
        ------
        TypeError, ValueError
            No regressor is a network, the rows are not as those of `fit`, or no series is long enough.

        See Also
        --------
        SeriesForecaster.update : Append rows; with `refit="continue"`, continue training on the rows of all series.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from forecast import RNNForecaster, SeriesForecaster
        >>> days = pd.date_range("2024-01-01", periods=80, freq="D")
        >>> wave = np.sin(np.arange(80) / 2)
        >>> panel = pd.DataFrame({"shop": ["a"] * 80 + ["b"] * 80, "sold": [*wave, *9 * wave]}, index=days.append(days))
        >>> network = RNNForecaster(hidden_size=4, max_iter=10, random_state=0)
        >>> model = SeriesForecaster(network, target="sold", series="shop", lookback=7, horizon=2).fit(panel)
        >>> tuned = model.fine_tune(panel[panel["shop"] == "b"], freeze=["encoder"])
        >>> tuned.predict()["shop"].tolist(), model.predict()["shop"].tolist()
        (['b', 'b'], ['a', 'a', 'b', 'b'])
        """
        check_is_fitted(self)
        state = self._state
        (frame,) = self._with_static(static, X=X)
        frame, _ = entered(frame, "X", y, self.target_names_)
        panel = read_panel(frame, state.roles, self._rules(), schema=state.schema, axis=state.axis, what="X")
        changes = {"freeze": freeze, "learning_rate": learning_rate, "max_iter": max_iter}
        tuned = fine_tuned(
            replace(state, layout=panel.layout, flat=is_flat(y), n_series=None),  # its rows are those of X
            Rows.of(panel),
            self._steps(),
            {name: value for name, value in changes.items() if value is not None},
            RowWeights.of(state.axis, self.half_life),
            self.validation_fraction,
            self._regressors(),
        )
        model = clone(self)
        columns = getattr(self, "feature_names_in_", range(self.n_features_in_))
        model._remember(tuned, columns, self._kind)
        model.recipe_ = dict(self.recipe_)
        return model
