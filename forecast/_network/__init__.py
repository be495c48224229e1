"""Networks as layers over streams: their description, weights, scaling and outputs; the only importer of the core."""

from .architecture import CELLS, LOSSES, OPTIMIZERS, Architecture
from .spec import Layer, NetworkSpec, Stream, spec_of
