"""Preprocessing of a series for a network: target transforms with exact inverses, and calendar features.

>>> import numpy as np
>>> chain = make_transform(["log", "difference", "standard"]).fit(np.array([1.0, 2.0, 8.0, 16.0]))
>>> chain.transform([2.0, 8.0, 16.0]).round(3)
array([   nan,  1.414, -0.707])
>>> chain.inverse_transform([[1.414, -0.707]], past=[[2.0]]).round(1)
array([[ 8., 16.]])
"""

from .calendar import calendar_features
from .chain import Chain, make_transform
from .pointwise import Pointwise
from .target import Asinh, BoxCox, Difference, Log, Log1p, LogReturn, Scale

__all__ = [
    "Asinh",
    "BoxCox",
    "Chain",
    "Difference",
    "Log",
    "Log1p",
    "LogReturn",
    "Pointwise",
    "Scale",
    "calendar_features",
    "make_transform",
]
