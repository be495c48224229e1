"""scikit-learn's estimators that a model file may hold, and how their arrays must fit together.

They compute with NumPy alone once they are fitted. Neighbours, kernels and trees are not here: their compiled code
trusts the arrays that it is given and reads beyond them where they do not fit together, so they are left to joblib.
"""

from __future__ import annotations

import importlib
import sys
from numbers import Real
from typing import Any

import numpy as np
import sklearn

from .._refusals import Fix, Refusal
from .errors import ModelFileError

__all__ = ["check", "class_of", "name_of"]

MODULES = {
    "linear_model": (
        "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV", "Lasso",
        "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "MultiTaskElasticNet",
        "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "OrthogonalMatchingPursuit",
        "OrthogonalMatchingPursuitCV", "QuantileRegressor", "Ridge", "RidgeCV", "TheilSenRegressor",
    ),
    "preprocessing": (
        "FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "PowerTransformer", "QuantileTransformer",
        "RobustScaler", "StandardScaler",
    ),
    "compose": ("ColumnTransformer", "TransformedTargetRegressor"),
    "decomposition": ("PCA",),
    "dummy": ("DummyRegressor",),
    "ensemble": ("StackingRegressor", "VotingRegressor"),
    "impute": ("SimpleImputer",),
    "multioutput": ("MultiOutputRegressor", "RegressorChain"),
    "pipeline": ("FeatureUnion", "Pipeline"),
}  # fmt: skip

# Axes: F features, O outputs, Q quantiles, C components; a letter is the same number in all arrays of an estimator.
SHAPES = {
    "coef_": ("F", "OF"), "intercept_": ("", "O"), "constant_": ("1O",), "components_": ("CF",),
    "explained_variance_": ("C",), "scale_": ("F", ""), "quantiles_": ("QF",), "references_": ("Q",),
} | dict.fromkeys(
    ("mean_", "var_", "center_", "min_", "data_min_", "data_max_", "data_range_", "max_abs_", "lambdas_",
     "statistics_"), ("F",)
)  # fmt: skip
HOLES = {"statistics_"}  # NaN: a column without a value


def name_of(cls: type) -> str | None:
    """Module and name of a class that a file may hold, as in `sklearn.linear_model.Ridge`; or None."""
    module = ".".join(cls.__module__.split(".")[:2])
    found = class_of(f"{module}.{cls.__name__}")
    return f"{module}.{cls.__name__}" if found is cls else None


def class_of(name: str) -> Any:
    """The class of a name in a file, None where no file may hold it; nothing else is imported."""
    module, _, cls = name.rpartition(".")
    if cls not in MODULES.get(module.removeprefix("sklearn."), ()) or not module.startswith("sklearn."):
        return None
    return getattr(sys.modules.get(module) or importlib.import_module(module), cls)


def check(estimator: Any, version: str = sklearn.__version__) -> None:
    """Refuse an estimator whose parameters its `fit` would refuse, or whose arrays do not fit together.

    Parameters
    ----------
    estimator : estimator
    version : str
        Version of scikit-learn that saved the estimator. Other versions may have other parameters.
    """
    name, state = type(estimator).__name__, vars(estimator)
    if version == sklearn.__version__ and hasattr(estimator, "_parameter_constraints"):
        estimator._validate_params()
    if state.get("memory") is not None:  # a folder in which scikit-learn keeps pickles, and runs those that it finds
        raise ModelFileError(
            Refusal(
                f"{name} with memory={str(state['memory'])[:40]!r}",
                expected="None before fit",
                fix=Fix("memory=None", ""),
            )
        )
    sizes = {"1": 1}
    for axis, attribute in (("F", "n_features_in_"), ("O", "n_outputs_")):
        if attribute in state:
            sizes[axis] = state[attribute]
            if type(sizes[axis]) is not int:
                raise ModelFileError(Refusal(f"{name} with {attribute} = {sizes[axis]!r}", expected="a whole number"))
    for attribute, shapes in SHAPES.items():
        value = state.get(attribute)
        if value is not None:
            _check_array(f"{name}.{attribute}", value, shapes, sizes, attribute in HOLES)


def _check_array(name: str, value: object, shapes: tuple[str, ...], sizes: dict[str, int], holes: bool) -> None:
    if not isinstance(value, np.ndarray | Real) or np.asarray(value).dtype.kind not in "fiu":
        raise ModelFileError(Refusal(f"is a {type(value).__name__}", where=name, expected="numbers"))
    value = np.asarray(value)
    axes = next((axes for axes in shapes if len(axes) == value.ndim), None)
    if axes is None or any(sizes.setdefault(axis, n) != n for axis, n in zip(axes, value.shape, strict=True)):
        raise ModelFileError(
            Refusal(f"has shape {value.shape}, which does not fit its other arrays ({sizes})", where=name)
        )
    if not (np.isfinite(value) | (np.isnan(value) if holes else False)).all():
        raise ModelFileError(Refusal("holds NaN or infinite values", where=name))
    if value.ndim and name.endswith(".scale_") and (value <= 0).any():
        raise ModelFileError(Refusal("holds what is no scale", where=name, expected="numbers above 0"))
