"""Typed contract of the compiled core.

Shape letters: T steps (lookback), B windows of a call, I input channels, H hidden units, L layers, S states of a cell
(LSTM: h, c; others: h), K targets of a window (horizon times target columns, horizon-major), E extra inputs of the
head (given, known future, static).
"""

from collections.abc import Sequence
from typing import Any, Literal, Never, TypedDict, overload, type_check_only

import numpy as np
from numpy.typing import NDArray

@type_check_only
class _Bound(type):
    """The metaclass of what pybind11 binds."""

@type_check_only
class CellInfo(TypedDict):
    estimator: str  # how the argument `cell` names it: "rnn" for rnn_tanh and rnn_relu, else its own name
    rows: list[str]  # gate names, in storage order
    input: tuple[int, int]  # rows [first, last) that the input x feeds: they have a W
    state: tuple[int, int]  # rows [first, last) that the state h feeds: they have an R
    states: list[str]  # ["h"] or ["h", "c"]
    initial_bias: list[float]  # of each row
    gates: list[str]  # that `activity` hands out; none of an Elman cell, whose h is its only row
    vectors: list[str]  # that it owns, one number per unit each
    initial_vectors: list[tuple[float, float]]  # between which numbers each vector begins

@type_check_only
class LossInfo(TypedDict):
    parameters: list[str]  # names of its parameters, e.g. ["delta"]
    outputs: int  # of each target; 0: one for each parameter, as the pinball loss has
    # "real": centred and scaled; "positive": scaled by the mean alone; "counts": whole numbers too; "labels": numbers
    # of classes, as they are
    target: Literal["real", "positive", "counts", "labels"]

@type_check_only
class Config(TypedDict):
    compiler: str
    isa_built: list[str]
    isa_found: list[str]
    isa_used: str
    isa_reason: str
    openmp: str  # "" where built without
    openmp_max_threads: int  # without OpenMP: what OMP_NUM_THREADS orders, or all cores
    forked: bool

CELLS: dict[str, CellInfo]
LAYERS: list[str]  # kinds of layers that are no cells
LOSSES: dict[str, LossInfo]
OPTIMIZERS: list[str]
MOST_OUTPUTS: int  # of a target: quantile levels, classes

def config() -> Config: ...
def activation(
    name: Literal["exp", "sigmoid", "tanh", "log", "softplus", "log_gamma", "digamma"],
    x: NDArray[Any],
    isa: str | None = None,
) -> NDArray[Any]:
    """Elementwise on a 1-D float32 or float64 array, by the kernels' own polynomials and series."""

def multiply_adds(n: int, *, dtype: str = "float32", isa: str | None = None) -> float:
    """n rounds of independent multiply-adds that never leave the registers; returns the floating-point operations in
    them. Timed, it gives the peak that benchmarks measure the kernels against.
    """

def adapted(
    residual: NDArray[np.float64],
    positions: NDArray[np.int64],
    now: int,
    *,
    scores: NDArray[np.float64],
    ordered: NDArray[np.float64],
    alpha: NDArray[np.float64],
    sum: NDArray[np.float64],
    weight: NDArray[np.float64],
    heard: NDArray[np.int64],
    count: NDArray[np.int64],
    tail: NDArray[np.float64],
    needed: NDArray[np.int64],
    decay: NDArray[np.float64],
    gamma: NDArray[np.float64],
    enters: NDArray[np.bool_],
    fills: bool,
    settled: int,
    scaled: bool,
    issue: bool = False,
    keep: bool = False,
) -> dict[str, NDArray[Any]]:
    """What adaptive intervals have learnt after residuals (n, steps, series * targets) of origins in rising rows
    `positions` that have come by row `now`; NaN where one is not known. Each series goes on by itself from
    the same state: scores (steps, targets, window), the newest last and NaN in front, and the same ascending with NaN
    last; alpha (2, coverages, steps, targets); sum, weight, heard and count (steps, targets); tail and needed of each
    coverage; for each origin, the decay of the running scale, the step gamma of the level, and whether the score enters
    the window, which with `fills` takes all while it is not full. The formulas are in cpp/conformal/adaptive.h.

    Returns alpha and offsets, (2, coverages, steps, series * targets), with the lower side first; with `issue`, issued
    (2, coverages, n, steps, series * targets), the offsets at each origin; with `keep`, scores (steps, series *
    targets, window), sum, weight, heard and count.
    """

class Source(metaclass=_Bound):
    """Where the kernels gather windows from: references to raw series, a window is never stored.

    Window w has base = origin[w], or w where origin is None. Its past is the rows
    [base * past_stride + past_shift, ... + lookback) of `past`; its targets are the rows
    [base * target_stride + target_shift, ... + horizon) of `target`, flattened row by row to K values.
    A target that is NaN is missing: it has no part in loss and gradient.

    The E extra inputs of a window are, in this order: its row of `extra`; the rows of `future` of its
    targets, [base * target_stride + target_shift, ... + horizon), flattened row by row; the row of `static` of its
    series, the one whose rows [starts[s], starts[s + 1]) of `past` hold the newest row of its past. Each part may be
    absent. With `future`, `horizon` is needed even where there is no target.

    A past value reaches the network as ((x - m) / d - past_mean[channel]) / past_scale[channel], a target as
    ((y - m) / d - target_mean[k]) / target_scale[k], m and d being those of the channel target_anchor[column] (0 and 1
    where that is -1), an extra input as (e - extra_mean[i]) / extra_scale[i], i over all E. All of it in double, then
    rounded to the dtype. From a column of `future` the newest value of the channel future_anchor[column] is taken off
    before. What m and d of a window are is said by anchor[channel]:

    0: m = 0, d = 1;
    1: m = the newest of its T past values, d = 1;
    2: m = their mean, d = 1;
    3: m = their mean, d = max(their population standard deviation, f), or 1 where that is 0; f is the channel's
       `anchor_floor`, of the series that holds the newest row of the past where there are several, or 1e-3 * |m|
       where no floor is given;
    4: seasonal. m of step t is the mean of the T past values at the steps t mod season, t mod season + season, ..., and
       d = 1; t counts from the oldest of the T steps, so that step 0 of the horizon is step T.

    With `anchor_steps` the means and deviations of 2 and 3 are over so many of the newest values and not over all T.
    Sums are added from the oldest value to the newest, the squares about the finished mean.

    With `padding` a window has that many steps before its T own ones, which repeat the oldest of these as the network
    gets it. Anchors and `moments` do not see them.
    """

    def __init__(
        self,
        past: NDArray[Any],  # (rows, I) float32 or float64, any strides
        *,
        lookback: int,
        origin: NDArray[np.int64] | NDArray[np.int32] | None = None,  # (windows,)
        past_stride: int = 1,
        past_shift: int = 0,
        target: NDArray[Any] | None = None,  # (rows, columns) float32 or float64
        horizon: int = 0,
        target_stride: int = 1,
        target_shift: int = 0,
        extra: NDArray[Any] | None = None,  # (windows, columns) float32 or float64
        future: NDArray[Any] | None = None,  # (rows, columns) float32 or float64
        static: NDArray[Any] | None = None,  # (series, columns) float32 or float64
        starts: NDArray[np.int64] | None = None,  # (series + 1,) ascending from 0 to the rows of past; with static or
        # with floors of several series
        weight: NDArray[np.float64] | None = None,  # (windows,)
        anchor: NDArray[np.int32] | None = None,  # (I,) 0, 1, 2, 3 or 4
        target_anchor: NDArray[np.int32] | None = None,  # (columns,) a channel with an anchor, or -1
        past_mean: NDArray[np.float64] | None = None,
        past_scale: NDArray[np.float64] | None = None,
        target_mean: NDArray[np.float64] | None = None,  # (K,)
        target_scale: NDArray[np.float64] | None = None,
        extra_mean: NDArray[np.float64] | None = None,  # (E,)
        extra_scale: NDArray[np.float64] | None = None,
        padding: int = 0,
        anchor_steps: int = 0,  # 0: all T
        season: int = 0,  # 1 to T, where an anchor is seasonal
        anchor_floor: NDArray[np.float64] | None = None,  # (1, I) or (series, I), 0 or more
        series_row: NDArray[np.int64] | None = None,  # (windows,) row of each window's series in tables; -1: in none
        phase: NDArray[np.int64] | None = None,  # (windows,) phase of each window's oldest row in a cycle, 0 or more
        cycle_ratio: NDArray[np.float64] | None = None,  # (K,) past_scale over target_scale of each target; None: 1
        fed_scale: NDArray[np.float64] | None = None,  # (K,) with fed_shift: what a decoder that feeds itself reads of
        # target k is fed_scale z + fed_shift, z as the loss sees it; None: z
        fed_shift: NDArray[np.float64] | None = None,
        future_anchor: NDArray[np.int32] | None = None,  # (columns of future,) a channel with the anchor 1, or -1
        begin: NDArray[np.int64] | None = None,  # of each window its first step; None: 0. Ragged layers keep their
        # states before it, and moments leave out the values there, which are finite all the same
    ) -> None: ...

def gathered(
    source: Source, index: NDArray[np.int64], *, dtype: str = "float32", isa: str | None = None
) -> NDArray[Any]:
    """The past of windows as the kernels read it, (B, padding + T, I). Full chunks are gathered together, the windows
    of a last one that is not full one by one, with the same bits.
    """

def moments(source: Source, index: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Weighted population mean and standard deviation over the windows: past_mean, past_std (I,), target_mean,
    target_std (K,), extra_mean, extra_std (E,); anchors are applied, the source's own means and scales are not; missing
    targets are left out.
    """

class Scratch(metaclass=_Bound):
    """Memory that calls to train take again, one after the other. It is as large as the largest of them needs."""

    def __init__(self) -> None: ...

class Optimizer(metaclass=_Bound):
    """Name, constants and state of an optimiser; the state is float arrays of the parameters' length."""

    def __init__(
        self,
        name: str,  # "sgd", "adam", "adamw", "rmsprop"
        dtype: str,
        n_parameters: int,
        *,
        momentum: float = 0.0,  # sgd, rmsprop
        beta_1: float = 0.9,  # adam, adamw; rmsprop's alpha is 0.99
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,  # coupled (L2) but for adamw, as PyTorch
    ) -> None: ...
    steps: int
    first: NDArray[Any]  # (n_parameters,) momentum or first moment
    second: NDArray[Any]  # (n_parameters,) second moment

@type_check_only
class TrainResult(TypedDict):
    losses: NDArray[np.float64]  # mean loss of every finished batch, before its step
    norms: NDArray[np.float64]  # global gradient norm of every finished batch, before clipping
    finite: bool  # False: the batch after the last finished one had a non-finite loss or gradient; no step was taken
    threads: int  # the count used

@type_check_only
class GradientResult(TypedDict):
    loss: float  # weighted mean over windows and observed targets
    outputs: NDArray[Any]  # (B, K * outputs per target), of the network, in scaled units
    theta: NDArray[Any]  # (n_parameters,)
    past: NDArray[Any]  # (B, T, I), with respect to the scaled inputs
    extra: NDArray[Any]  # (B, E)
    initial: list[NDArray[Any]]  # of every recurrent layer without a start: (S, B, H)

@type_check_only
class FlowResult(TypedDict):
    loss: float  # as in GradientResult
    squares: list[NDArray[np.float64]]  # of every recurrent layer (T,): squared gradients of the loss by h, summed over
    # windows and units, in double

class Packed(metaclass=_Bound):
    """Weights that do not change any more, in the order in which predictions read them: made by `Network.pack`."""

    def __init__(self, *args: Never, **kwargs: Never) -> None: ...

class Network(metaclass=_Bound):
    """One description in one precision and instruction set. Holds no weights: they come as one flat vector `theta`.

    A stream is (name, steps, width, of, first, pitch); with `of` not "" it is a view: its entry (s, j) is entry
    first + s * pitch + j of that stream, counted step after step. "past" (padding + T, I) and "extra" (1, E) are
    gathered, the first K * outputs per target entries of "out" are the outputs. A layer is a dict of these fields:

    name: prefix of its weights' names;
    kind: "recurrent" or one of LAYERS;
    inputs: names of streams; one of a single step is used at every step of the output;
    output: a stream that nothing else writes;
    tied: "", or an earlier layer of the same kind and sizes whose weights it uses;
    recurrent: cell; reverse (from the last step to the first); start ("", or an earlier layer of the same cell and
    width whose last states it begins with); restart (every step begins with them); dilation (steps back to the one
    whose states a step goes on from); recurrent_dropout and zoneout, probabilities below 1, with number;
    dense: activation ("identity" or "relu"); bias ("none", "one" or "steps"); added ("", or a stream that is added
    before the activation);
    sum: of two inputs; norm: over the features of each step, with gain g and bias b;
    dropout, lookup, embedding: number, a counter of the random numbers;
    lookup: rows of the table, the last one the unknown series';
    embedding: its input is a column of "past" or "extra", read unscaled; rows of the table; rate, the share of steps
    that read the last row in training, 0 or more: above 0 the last row is that of unknown codes;
    cycle_off: rows of the table, of series; length of the cycle; channels that it is taken off, the first ones;
    cycle_on: tied to a cycle_off, with its length and channels.
    """

    def __init__(
        self,
        streams: Sequence[tuple[str, int, int, str, int, int]],
        layers: Sequence[dict[str, Any]],
        *,
        dtype: str,  # "float32" or "float64"
        targets: int,  # K
        columns: int = 1,  # target columns: K is horizon * columns
        loss: str = "squared_error",
        loss_parameters: Sequence[float] = (),
        dropout: float = 0.0,
        left_out: float = 0.0,  # share of the windows that read a lookup's last row while training
        clip: float | None = None,  # bound of |past| after anchor and scale, in training and prediction; > 0
        isa: str | None = None,  # None: the one chosen at import
    ) -> None: ...
    @property
    def n_parameters(self) -> int: ...
    @property
    def n_states(self) -> int:
        """Numbers that a call can carry of each window: S * H of every recurrent layer without a start."""

    @property
    def n_outputs(self) -> int:
        """K * outputs per target; output index = target * outputs per target + level."""

    @property
    def lanes(self) -> int:
        """Windows in a chunk."""

    @property
    def isa(self) -> str: ...
    @property
    def layout(self) -> list[tuple[str, int, tuple[int, ...]]]:
        """(name, offset, shape) in storage order.

        Names: "{layer}.W_{row}" (H, inputs of the layer), "{layer}.R_{row}" (H, H), "{layer}.b_{row}" (H,),
        "{layer}.p_{vector}" (H,) of recurrent layers; "{layer}.W" (width, inputs), "{layer}.b" (width,) or (steps,
        width) of dense ones; behind all of them the tables: "{layer}" (rows, width) of a lookup or an embedding, (rows,
        channels, length) of a cycle_off.
        """

    def pack(self, theta: NDArray[Any], earlier: Packed | None = None) -> Packed:
        """For many predictions with the same weights. Keeps a copy: a later change of theta has no effect on it. Where
        `earlier` is of this network and the same weights, it is returned.
        """

    @overload
    def predict(
        self,
        theta: Packed,
        source: Source,
        index: NDArray[np.int64],
        *,
        threads: int = 1,
        path: Literal["auto", "lanes", "units"] = "auto",  # windows in the lanes, or one at a time by its units
        carried: NDArray[Any] | None = None,  # n_states * batch_size, changed in place
        batch_size: int = 0,
        begins: NDArray[np.bool_] | None = None,  # (B,)
    ) -> NDArray[Any]:
        """Outputs (B, n_outputs) in scaled units and the network's dtype; without dropout.

        With `carried` the windows go in batches of `batch_size`, the last one perhaps smaller, and window i of a batch
        begins with the states that window i of the batch before has left; of the first batch with those in `carried`,
        per recurrent layer without a start (S, batch_size, H), which hold the states after the last batch in the end.
        A window of `begins` begins with zeros. No gradient goes from one batch to another. A matrix memory begins with
        zeros always.
        """

    @overload
    def predict(
        self,
        theta: NDArray[Any],
        source: Source,
        index: NDArray[np.int64],
        *,
        threads: int = 1,
        path: Literal["auto", "lanes", "units"] = "auto",
    ) -> NDArray[Any]: ...
    def sample(
        self,
        theta: Packed,
        source: Source,
        index: NDArray[np.int64],
        seed: int,
        *,
        threads: int = 1,
        path: Literal["auto", "lanes", "units"] = "auto",
    ) -> NDArray[Any]:
        """The outputs of `predict` with the random masks of training; the number of a window in `index` counts."""

    def loss(
        self,
        theta: NDArray[Any],
        source: Source,
        index: NDArray[np.int64],
        *,
        threads: int = 1,
        carried: NDArray[Any] | None = None,  # with batch_size and begins as in predict
        batch_size: int = 0,
        begins: NDArray[np.bool_] | None = None,
    ) -> float:
        """Weighted mean loss over windows and observed targets, without dropout; 0.0 where no target is observed."""

    def gradient(
        self,
        theta: NDArray[Any],
        source: Source,
        index: NDArray[np.int64],
        *,
        initial: NDArray[Any] | list[NDArray[Any]] | None = None,  # as in GradientResult; zeros where None
        upstream: NDArray[Any] | None = None,  # (B, n_outputs): what goes backward from the outputs. All gradients are
        # then of sum(upstream * outputs), the loss is 0 and the source needs no targets. None: that of the loss
        seed: int | None = None,  # of dropout masks and series left out; None: neither
        forced: float = 0.0,  # as in train; drawn by the seed, None: 0
        threads: int = 1,
    ) -> GradientResult: ...
    def flow(self, theta: NDArray[Any], source: Source, index: NDArray[np.int64], *, threads: int = 1) -> FlowResult:
        """How the gradient of the loss flows back through time: that of h of each layer after each step, all that
        reaches it, from later steps and from the layer above; without dropout.
        """

    def activity(
        self, theta: NDArray[Any], source: Source, index: NDArray[np.int64], *, threads: int = 1
    ) -> list[dict[str, NDArray[Any]]]:
        """Of every recurrent layer the gates, then the states, by name: their values after each step, (B, T, H),
        without dropout.
        """

    def train(
        self,
        theta: NDArray[Any],  # changed in place, whole batches at a time; of a table the rows that the batch reads
        optimizer: Optimizer,  # its state too
        source: Source,
        order: NDArray[
            np.int64
        ],  # windows in the order of training; batch i is order[i * batch_size : (i + 1) * batch_size]
        batch_size: int,
        *,
        rates: NDArray[np.float64] | None = None,  # one learning rate per batch of this call
        rate: float | None = None,  # one for all batches; either rates or rate
        clip_norm: float | None = None,  # applied after clip_value
        clip_value: float | None = None,
        noise: float = 0.0,  # standard deviation of what is added to the scaled, clipped past
        forced: float = 0.0,  # probability that a step of a decoder that feeds itself reads the true target
        average: NDArray[Any] | None = None,  # (n_parameters,), changed in place after every step
        average_decay: float = 0.0,  # average = average_decay * average + (1 - average_decay) * theta
        groups: Sequence[tuple[int, int, float, float | None]] = (),
        # groups: (offset, n, rate_factor, weight_decay) of ranges of theta, ascending; None: the optimiser's decay. A
        # rate_factor of 0 freezes a range: its weights and moments keep their bits, and it has no part in the norm
        seed: int = 0,  # of dropout masks, noise, series left out and steps forced
        threads: int = 1,
        path: Literal["auto", "lanes", "units"] = "auto",  # as in predict; by itself, few left-over windows go by units
        scratch: Scratch | None = None,  # memory of an earlier call, and for the next one; None: anew, and given back
        carried: NDArray[Any] | None = None,  # with begins as in predict, over batches of batch_size windows
        begins: NDArray[np.bool_] | None = None,
    ) -> TrainResult: ...
