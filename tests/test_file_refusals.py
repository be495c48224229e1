"""Nothing that a file says is run: files that somebody made up are refused, and models that would need code."""

import pickle

import numpy as np
import pytest
from model_bytes import changed, parts, refused, refused_by_load, sealed, with_tree
from pasted_fixes import chosen, runs_and_helps
from saved_models import ONE, SERIES, X, series, small
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer

import forecast
from forecast import ModelFileError, RNNForecaster, SeriesForecaster


@pytest.fixture(scope="module")
def model():
    return small(hidden_size=1, max_iter=1).fit(X, ONE)


# -------------------- files that somebody made up, with the right checksum


def test_a_right_checksum_alone_is_accepted(model, tmp_path):
    """The files below are refused for what they say, not for how they were made."""
    (tmp_path / "model").write_bytes(with_tree(model, tmp_path, lambda tree: None))
    assert np.array_equal(forecast.load(tmp_path / "model").predict(X), model.predict(X))


LEARNED = {  # array of what adaptive intervals have learned: another in its place
    "scores of two axes": ("scores", np.zeros((3, 1))),
    "scores of other steps": ("scores", np.zeros((2, 1, 10))),
    "more scores than places": ("window", np.array([1])),
    "no number of places": ("window", np.array([], dtype=np.int64)),
    "places in two axes": ("window", np.array([[500]])),
    "half a place": ("window", np.array([500.5])),
    "other levels": ("levels", np.array([])),
    "levels that are one number": ("levels", np.array(0.9)),
    "no levels of errors": ("alpha", np.zeros(0)),
    "other counts": ("count", np.zeros((3, 2), dtype=np.int64)),
    "flags": ("heard", np.zeros((3, 1), dtype=bool)),
}


@pytest.mark.parametrize("name", LEARNED)
def test_what_adaptive_intervals_cannot_continue_from_is_refused(name, tmp_path):
    part, array = LEARNED[name]
    fitted = series(Ridge())
    fitted.save(tmp_path / "model")
    forecast.load(tmp_path / "model")
    fitted._state.calibration.warm[part] = array
    fitted.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="what adaptive intervals have learned does not fit together"):
        forecast.load(tmp_path / "model")


@pytest.mark.parametrize("version", ["2", "0", "01", "", "1.0", "newest" * 100, None])
def test_another_version_is_refused_in_a_sentence(model, version, tmp_path):
    refused(tmp_path, changed(model, tmp_path, version=version), "this forecast reads version 1. Load it with")


@pytest.mark.parametrize("name", ["model", "card"])
@pytest.mark.parametrize(
    "text", [None, "", "NaN", "[1,", '{"a":1,"a":2}', "[" * 10**5 + "]" * 10**5, "[" + "9" * 5000 + "]"]
)
def test_texts_that_are_no_json_are_refused(model, name, text, tmp_path):
    (tmp_path / "made up").write_bytes(changed(model, tmp_path, **{name: text}))
    with pytest.raises(ModelFileError):
        (forecast.load if name == "model" else forecast.read_card)(tmp_path / "made up")


def put(path, value):
    """A change of the tree: a value at a path, or what a function makes of the one there."""

    def change(tree):
        *way, last = path
        for key in way:
            tree = tree[key]
        tree[last] = value(tree[last]) if callable(value) else value

    return change


def nested(depth):
    value = None
    for _ in range(depth):
        value = {"is": "tuple", "items": [value]}
    return value


NETWORK = ("fitted", "_network", "fields")
ARCHITECTURE = (*NETWORK, "architecture", "fields")
SETTING = ("parameters", "random_state")  # takes any value; only fit would look at it


def estimator(name, **state):
    return {"is": "sklearn", "class": name, "version": "1.0", "state": state}


MADE_UP = {
    "a function": put(SETTING, {"is": "function", "name": "os.system"}),
    "a function of NumPy": put(SETTING, {"is": "numpy function", "name": "load"}),
    "a module of NumPy": put(SETTING, {"is": "numpy function", "name": "os"}),
    "a type of Python": put(SETTING, {"is": "type", "name": "eval"}),
    "a type of NumPy that is none": put(SETTING, {"is": "numpy type", "name": "memmap"}),
    "a class of nowhere": put(SETTING, estimator("os.system")),
    "a class of subprocess": put(SETTING, estimator("subprocess.Popen", args="true")),
    "a private module": put(SETTING, estimator("sklearn.linear_model._ridge.Ridge")),
    "a function of sklearn": put(SETTING, estimator("sklearn.preprocessing.scale")),
    "a module of sklearn": put(SETTING, estimator("sklearn.utils.Bunch")),
    "a tool of sklearn": put(SETTING, estimator("sklearn.model_selection.train_test_split")),
    "what sklearn imports": put(SETTING, estimator("sklearn.pipeline.np")),
    "tests of sklearn": put(SETTING, estimator("sklearn.tests.test_base.MyEstimator")),
    "a support vector machine": put(SETTING, estimator("sklearn.svm.SVR")),
    "a folder of pickles": put(SETTING, estimator("sklearn.pipeline.Pipeline", memory="folder", steps=[])),
    "a method": put(SETTING, estimator("sklearn.linear_model.Ridge", predict=1)),
    "a method of ours": put(("fitted", "predict"), 1),
    "a name with underscores": put(("fitted", "__class__"), "int"),
    "a name that is none": put(("fitted", "a b"), 1),
    "a parameter that was fitted": put(("fitted", "cell"), "gru"),
    "another class of ours": put(("class",), "Windows"),
    "a dataclass as an estimator": put(("class",), "network"),
    "an estimator as a dataclass": put(("fitted", "_network", "class"), "RNNForecaster"),
    "a kind that is none": put(("is",), "dict "),
    "a kind that is a list": put(("is",), ["dict"]),
    "no kind": put(("is",), None),
    "too many members": put(("more",), 1),
    "an unknown parameter": put(("parameters", "colour"), "red"),
    "an unknown field": put((*ARCHITECTURE, "attention"), 8),
    "a missing field": lambda tree: tree["fitted"]["_network"]["fields"].pop("theta") and None,
    "a missing attribute": lambda tree: tree["fitted"].pop("_lookback") and None,
    "no model": lambda tree: [1, 2, 3],
    "a text": lambda tree: "model",
    "not fitted": lambda tree: tree["fitted"].clear(),
    "nothing fitted": put(("fitted",), {}),
    "deeper than any model": put(SETTING, nested(100)),
    "deeper than Python": put(SETTING, nested(400)),
    "itself": put(SETTING, {"is": "same", "as": 0}),
    "what comes later": put(("parameters", "activation"), {"is": "same", "as": 2}),
    "what is not there": put(SETTING, {"is": "same", "as": -1}),
    "a key twice": put(SETTING, {"is": "dict", "keys": [1, 1], "values": [1, 2]}),
    "a key without a value": put(SETTING, {"is": "dict", "keys": [1, 2], "values": [1]}),
    "a key that has no hash": put(SETTING, {"is": "dict", "keys": [[1]], "values": [1]}),
    "objects of another shape": put(SETTING, {"is": "objects", "shape": [2**40, 2**40], "items": []}),
    "objects of no shape": put(SETTING, {"is": "objects", "shape": [-1], "items": [1]}),
    "a dtype of objects": put(SETTING, {"is": "number", "dtype": "|O", "value": 1}),
    "a structure": put(SETTING, {"is": "dtype", "name": "i4,O"}),
    "an enormous text": put(SETTING, {"is": "dtype", "name": "<U99999999999"}),
    "a number too large": put(SETTING, {"is": "number", "dtype": "|i1", "value": 300}),
    "an offset that is none": put(
        SETTING, {"is": "offset", "name": "BaseOffset.__init__", "n": 1, "normalize": False, "options": None}
    ),
    "a zone that is a path": put(SETTING, {"is": "zone", "from": "zoneinfo", "name": "../../../etc/passwd"}),
    "a zone from elsewhere": put(SETTING, {"is": "zone", "from": "os", "name": "UTC"}),
    "a tensor that is not there": put((*NETWORK, "theta", "tensor"), "../secret"),
    "a tensor twice": put(("fitted", "_optimizer_state", "values", 3, "tensor"), "_optimizer_state.first"),
    "the checksum as a tensor": put((*NETWORK, "theta", "tensor"), "sha256"),
    "a tensor that nothing reads": put(("fitted", "gradient_norm_curve_"), None),
    "a tensor of another dtype": put((*NETWORK, "theta", "dtype"), "<f8"),
    "a tensor as texts": put((*NETWORK, "theta", "dtype"), "<U5"),
    "a tensor as objects": put((*NETWORK, "theta", "dtype"), "|O"),
    "a tensor in no order": put((*NETWORK, "theta", "order"), "K"),
    "more units": put((*ARCHITECTURE, "hidden"), 2),
    "very many units": put((*ARCHITECTURE, "hidden"), 2**62),
    "very many layers": put((*ARCHITECTURE, "layers"), 10**9),
    "less than a layer": put((*ARCHITECTURE, "layers"), 0),
    "half a layer": put((*ARCHITECTURE, "layers"), 0.5),
    "no number of layers": put((*ARCHITECTURE, "layers"), True),
    "another dtype": put((*ARCHITECTURE, "dtype"), "float64"),
    "another cell": put((*ARCHITECTURE, "cell"), "gru"),
    "no cell": put((*ARCHITECTURE, "cell"), "transformer"),
    "no loss": put((*ARCHITECTURE, "loss"), "hinge"),
    "more channels": put((*ARCHITECTURE, "inputs"), 2),
    "more outputs": put((*ARCHITECTURE, "targets"), 2),
    "a segment that no lookback has": put((*ARCHITECTURE, "segment"), 2**40),
    "segments without their weights": put((*ARCHITECTURE, "segment"), 2),
    "a decoder that is none": put((*ARCHITECTURE, "decoder"), "attention"),
    "a decoder that is no text": put((*ARCHITECTURE, "decoder"), ["dense"]),
    "another decoder": put((*ARCHITECTURE, "decoder"), "steps"),
    "a cycle without rows": put((*ARCHITECTURE, "cycle"), 3),
    "very many series": put((*ARCHITECTURE, "series"), 2**62),
    "a skip that is none": put((*ARCHITECTURE, "skip"), "ridge"),
    "a skip without its weights": put((*ARCHITECTURE, "skip"), "linear"),
    "no columns": put((*ARCHITECTURE, "columns"), 0),
    "another horizon": put((*ARCHITECTURE, "horizon"), 3),
    "more known future than values": put((*ARCHITECTURE, "future"), 1),
    "a rate that is no number": put((*ARCHITECTURE, "dropout"), "0.1"),
    "a clip that is no number": put((*ARCHITECTURE, "input_clip"), "1"),
    "a longer lookback": put(("fitted", "_lookback"), 7),
    "other moments": put(("fitted", "_optimizer_state", "values", 2), 1.0),
    "a scaling that is none": put((*NETWORK, "scaling"), None),
    "a network that is none": put(("fitted", "_network"), 3),
}


@pytest.mark.parametrize("kind", MADE_UP)
def test_a_file_that_was_made_up_is_refused(model, kind, tmp_path):
    refused_by_load(tmp_path, with_tree(model, tmp_path, MADE_UP[kind]))


def counted(stop):
    return {"is": "range", "start": 0, "stop": stop, "step": 1, "name": None}


STATE = ("fitted", "_state", "fields")
MONTHS = {
    "is": "offset", "name": "MonthEnd", "n": 1, "normalize": False, "options": {"is": "dict", "keys": [], "values": []}
}  # fmt: skip
MANY = {"is": "range", "start": 0, "stop": 10**6, "step": 1, "name": None}
MADE_UP_SERIES = {
    "rows without labels": put((*STATE, "tail", "fields", "index"), counted(1)),
    "as many labels as there are": put((*STATE, "tail", "fields", "index"), counted(2**60)),
    "keys of other series": put((*STATE, "tail", "fields", "keys"), [1, 2]),
    "another target": put((*STATE, "roles", "fields", "target"), ["y", "z"]),
    "labels with a zone that is none": put((*STATE, "tail", "fields", "index", "zone"), 3),
    "labels with another frequency": put((*STATE, "tail", "fields", "index", "freq"), MONTHS),
    "a regressor that is none": put((*STATE, "regressor"), "Ridge"),
    "names in an array without items": put(
        (*STATE, "roles", "fields", "series"), {"is": "objects", "shape": [2**40, 0], "items": []}
    ),
    "a range of labels": put((*STATE, "report", "fields", "table", "index", "values"), MANY),
    "a range in place of a label": put((*STATE, "report", "fields", "table", "index", "values", 0), MANY),
    "a range of names": put(
        (*STATE, "roles", "fields", "series"), {"is": "range", "start": 0, "stop": 10**6, "step": 3, "name": None}
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE_UP_SERIES)
def test_a_forecaster_that_was_made_up_is_refused(kind, tmp_path):
    refused_by_load(tmp_path, with_tree(series(), tmp_path, MADE_UP_SERIES[kind]))


MINUS_INFINITY = {"is": "float", "value": "-inf"}


@pytest.mark.parametrize("levels", [[0.1, 0.5, MINUS_INFINITY], [0.5, 0.5], [0.5, 1.5], ["0.5"], None])
def test_levels_of_quantiles_that_no_fit_has_are_refused(levels, tmp_path):
    """A level of -inf once loaded, and its forecast was infinite."""
    quantiles = small(loss="quantile", quantile=(0.1, 0.5, 0.9)).fit(X, ONE)
    made_up = levels and {"is": "tuple", "items": levels}
    refused_by_load(tmp_path, with_tree(quantiles, tmp_path, put((*ARCHITECTURE, "loss_parameters"), made_up)))


@pytest.mark.parametrize("ordinals", [7, 7.5, None, "7", [7], {"is": "tuple", "items": [7]}], ids=str)
def test_ordinals_of_periods_that_are_no_vector_are_refused(ordinals, tmp_path):
    """pandas made an index of the number 7, and asking it for its length ended the process."""
    way = (*STATE, "tail", "fields", "index", "ordinals")
    refused_by_load(tmp_path, with_tree(SERIES["periods"](), tmp_path, put(way, ordinals)), "ordinals of periods")


@pytest.mark.parametrize("shape", [[], [1, -1], [-1, 1]], ids=str)
def test_ordinals_of_periods_of_another_shape_are_refused(shape, tmp_path):
    SERIES["periods"]().save(tmp_path / "model")
    header, body = parts((tmp_path / "model").read_bytes())
    tensor = header["_state.tail.index"]
    start, end = tensor["data_offsets"]
    n = (end - start) // 8
    tensor["shape"] = [n if size == -1 else size for size in shape]
    refused_by_load(tmp_path, sealed(header, body))


def test_a_truth_that_is_neither_true_nor_false_is_refused(tmp_path):
    model = small().fit(X, ONE)
    model.gradient_norm_curve_ = np.ones(40, bool)
    model.save(tmp_path / "model")
    header, body = parts((tmp_path / "model").read_bytes())
    start, end = header["gradient_norm_curve_"]["data_offsets"]
    refused_by_load(
        tmp_path, sealed(header, body[:start] + b"\7" * (end - start) + body[end:]), "neither true nor false"
    )


def test_older_files_without_a_newer_parameter_load_with_its_default(model, tmp_path):
    data = with_tree(model, tmp_path, lambda tree: tree["parameters"].pop("clip_value"))
    (tmp_path / "model").write_bytes(data)
    assert forecast.load(tmp_path / "model").clip_value is None


def test_an_estimator_of_another_scikit_learn_warns_as_scikit_learn_does(tmp_path):
    model = series(Ridge())
    path = (*STATE, "regressor", "version")
    (tmp_path / "model").write_bytes(with_tree(model, tmp_path, put(path, "1.5.2")))
    with pytest.warns(InconsistentVersionWarning, match=r"Ridge from version 1\.5\.2"):
        again = forecast.load(tmp_path / "model")
    assert again.predict().equals(model.predict())
    with pytest.raises(InconsistentVersionWarning):
        forecast.load(tmp_path / "model")  # warnings are errors here, and stay what they are


# -------------------- what cannot be saved


class Own(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = np.mean(y, axis=0)
        return self

    def predict(self, X):
        return np.tile(self.mean_, (len(X), 1))


class OwnNetwork(RNNForecaster):
    pass


def double(x):
    return 2 * x


def half(x):
    return x / 2


UNSAVED = {
    "a forest": (lambda: RandomForestRegressor(2, random_state=0), "RandomForestRegressor"),
    "boosted trees": (
        lambda: HistGradientBoostingRegressor(max_iter=1, max_bins=8),
        "HistGradientBoostingRegressor",
    ),
    "neighbours in a tree": (lambda: KNeighborsRegressor(2, algorithm="kd_tree"), "KNeighborsRegressor"),
    "neighbours in rows": (lambda: KNeighborsRegressor(2, algorithm="brute"), "KNeighborsRegressor"),
    "kernels": (lambda: KernelRidge(), "KernelRidge"),
    "kernels in a pipeline": (lambda: make_pipeline(Nystroem(n_components=4), Ridge()), "Nystroem"),
    "splines": (lambda: make_pipeline(SplineTransformer(), Ridge()), "SplineTransformer"),
    "boosted trees of another library": (
        lambda: type("LGBMRegressor", (Own,), {"__module__": "lightgbm.sklearn"})(),
        "LGBMRegressor",
    ),
    "a search": (lambda: GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2), "GridSearchCV"),
    "a class of one's own": (Own, "Own"),
    "a function of one's own": (lambda: make_pipeline(FunctionTransformer(double), Ridge()), "function"),
    "a network of one's own": (lambda: OwnNetwork(hidden_size=2, max_iter=1), "OwnNetwork"),
}


@pytest.mark.parametrize("kind", UNSAVED)
def test_what_no_file_can_hold_is_refused_with_the_way_out(kind, tmp_path):
    make, name = UNSAVED[kind]
    model = series(make(), horizon=1)
    with pytest.raises(ModelFileError, match=rf"(?s){name}.*use joblib\.dump\(model, path\)"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_ones_own_is_refused_by_name(tmp_path):
    model = OwnNetwork(hidden_size=2, max_iter=1).fit(X, ONE)
    with pytest.raises(ModelFileError, match=r"OwnNetwork is a class of your own.*joblib\.dump"):
        model.save(tmp_path / "model")


def test_a_cache_of_pickles_is_refused(tmp_path):
    pipeline = make_pipeline(FunctionTransformer(), Ridge(), memory=str(tmp_path / "cache"))
    with pytest.raises(ModelFileError, match="memory=None"):
        series(pipeline).save(tmp_path / "model")


def test_a_model_inside_of_itself_is_refused(model, tmp_path):
    again = pickle.loads(pickle.dumps(model))
    again.loss_curve_.append(again.loss_curve_)
    with pytest.raises(ModelFileError, match="inside of itself"):
        again.save(tmp_path / "model")


# -------------------- the class that was asked for


def test_a_model_of_another_class_than_asked_for_is_refused_by_name(model, tmp_path):
    path = str(tmp_path / "model")
    model.save(path)
    assert type(forecast.load(path, RNNForecaster)) is RNNForecaster
    with pytest.raises(ModelFileError, match=r"expected a SeriesForecaster, got RNNForecaster\."):
        forecast.load(path, SeriesForecaster)
    loaded = runs_and_helps(
        {"forecast": forecast}, lambda s: forecast.load(path, **chosen(s, kind=forecast.RNNClassifier))
    )
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_kind_that_is_no_class_is_refused_before_the_file_is_read():
    with pytest.raises(TypeError, match="kind: expected a class, such as SeriesForecaster, got 'RNNForecaster'"):
        forecast.load("no file", "RNNForecaster")
