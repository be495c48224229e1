"""Networks as layers over streams: what they are, their weights, scaling and outputs; the only importer of the core.

`Architecture` is the stored description; `spec_of` makes streams and layers of it, which the core computes.
"""

from .._core import Optimizer, Source
from .._core import config as core_config
from .architecture import (
    ACTIVATED_CELLS,
    ACTIVATIONS,
    ATTENTIONS,
    CELLS,
    DECAYING_CELLS,
    DECODERS,
    ENCODERS,
    ESTIMATOR_CELLS,
    LABEL_LOSSES,
    LOSSES,
    MATRIX_CELLS,
    OPTIMIZERS,
    SKIPS,
    Architecture,
    core_cell,
)
from .carried import Carried, along
from .categories import embedding_size, has_codes
from .core import compiled, stacked
from .line import start_with_line
from .memory import refuse_too_large
from .moments import Moments
from .outputs import Levels, Parameters, Point, outputs_of
from .parts import parts_of
from .scaling import Scaling, windows_scaling
from .sensitivity import Sensitivity
from .spec import Layer, NetworkSpec, Stream, spec_of
from .weights import Network

__all__ = [
    "ACTIVATED_CELLS",
    "ACTIVATIONS",
    "ATTENTIONS",
    "CELLS",
    "DECAYING_CELLS",
    "DECODERS",
    "ENCODERS",
    "ESTIMATOR_CELLS",
    "LABEL_LOSSES",
    "LOSSES",
    "MATRIX_CELLS",
    "OPTIMIZERS",
    "SKIPS",
    "Architecture",
    "Carried",
    "Layer",
    "Levels",
    "Moments",
    "Network",
    "NetworkSpec",
    "Optimizer",
    "Parameters",
    "Point",
    "Scaling",
    "Sensitivity",
    "Source",
    "Stream",
    "along",
    "compiled",
    "core_cell",
    "core_config",
    "embedding_size",
    "has_codes",
    "outputs_of",
    "parts_of",
    "refuse_too_large",
    "spec_of",
    "stacked",
    "start_with_line",
    "windows_scaling",
]
