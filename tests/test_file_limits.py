"""What a file may hold and may cost: no class whose compiled code trusts arrays, no more memory than its size."""

import json

import children
import numpy as np
import pytest
from model_bytes import parts, refused, refused_by_load, sealed, with_tree
from saved_models import MANY, ONE, X, days, frame, series, sessions, small
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.preprocessing import StandardScaler

import forecast
from forecast import LinearForecaster, ModelFileError, SeriesForecaster
from forecast._files import scikit
from forecast._files.values import Reader, told_apart

REGRESSOR = ("fitted", "_state", "fields", "regressor")


def put(way, value):
    """A change of a tree: a value at a place."""

    def change(tree):
        for key in way[:-1]:
            tree = tree[key]
        tree[way[-1]] = value

    return change


@pytest.fixture(scope="module")
def model():
    return small(hidden_size=1, max_iter=1).fit(X, ONE)


@pytest.fixture(scope="module")
def linear():
    return series(Ridge())


# -------------------- classes

TRUSTING = [
    "neighbors.KNeighborsRegressor", "neighbors.RadiusNeighborsRegressor", "kernel_ridge.KernelRidge",
    "kernel_approximation.Nystroem", "ensemble.RandomForestRegressor", "ensemble.GradientBoostingRegressor",
    "tree.DecisionTreeRegressor", "svm.SVR", "linear_model.SGDRegressor", "preprocessing.SplineTransformer",
    "preprocessing.KernelCenterer", "isotonic.IsotonicRegression", "neural_network.MLPRegressor",
]  # fmt: skip


@pytest.mark.parametrize("name", TRUSTING)
def test_no_file_holds_a_class_whose_compiled_code_trusts_its_arrays(name, linear, tmp_path):
    """Neighbours whose rows have fewer columns than `n_features_in_` once read beyond them."""
    tree = {"is": "sklearn", "class": f"sklearn.{name}", "version": "1.9.1", "state": {"n_features_in_": 8}}
    refused_by_load(tmp_path, with_tree(linear, tmp_path, put(REGRESSOR, tree)), rf"{name}.*joblib\.dump")


NEEDED = {
    "ColumnTransformer": ([("scaled", StandardScaler(), [0, 1])],),
    "FeatureUnion": ([("scaled", StandardScaler())],),
    "MultiOutputRegressor": (Ridge(),),
    "Pipeline": ([("scaled", StandardScaler()), ("ridge", Ridge())],),
    "RegressorChain": (Ridge(),),
    "StackingRegressor": ([("ridge", Ridge())],),
    "VotingRegressor": ([("ridge", Ridge())],),
}
KEPT = [f"{module}.{name}" for module, names in scikit.MODULES.items() for name in names]


def kept(name):
    """An estimator that a file may hold, fitted."""
    cls = scikit.class_of(f"sklearn.{name}")
    made = cls(*NEEDED.get(name.partition(".")[2], ()))
    if "n_quantiles" in made.get_params():
        made.set_params(n_quantiles=20)
    several = name.partition("MultiTask")[1] or "RegressorChain" in name or "MultiOutput" in name
    return made.fit(X, MANY if several else ONE)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", KEPT)
def test_each_array_of_an_estimator_fits_the_others_or_is_refused(name):
    """A row or a column less, a NaN, a text: nothing of it is left to the code that computes with them."""
    fitted = kept(name)
    scikit.check(fitted)
    arrays = {key: part for key, part in vars(fitted).items() if key in scikit.SHAPES and isinstance(part, np.ndarray)}
    for key, array in arrays.items():
        wrong = [array.astype(str), array[None, None], np.full(array.shape, np.inf)]
        if array.ndim and key != "explained_variance_":
            wrong.append(array[..., :-1])
        for one in wrong:
            other = clone(fitted)
            vars(other).update(vars(fitted) | {key: one})
            with pytest.raises(ModelFileError, match=key):
                scikit.check(other)


# -------------------- memory and time

MEASURED = """
import json, sys, time, warnings
import forecast

warnings.simplefilter("ignore")

def peak():
    with open("/proc/self/status") as file:
        found = dict(line.split(":", 1) for line in file)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return [int(found[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")]

def cost(path):
    peak()
    before, _ = peak()
    start = time.process_time()
    try:
        forecast.load(path)
        word = "loaded"
    except forecast.ModelFileError as error:
        word = str(error)
    return word, peak()[1] - before, time.process_time() - start

for path in sys.argv[2:]:  # what belongs to the interpreter and is touched once
    cost(path), cost(path)
print(json.dumps(cost(sys.argv[1])))
"""


def ranges(tree):
    columns = [{"is": "range", "start": 0, "stop": 3 * 10**8, "step": 1, "name": None}] * 2
    return {"is": "frame", "index": columns[0], "columns": {**columns[0], "stop": 2}, "data": columns}


def columns_of(value, count):
    return lambda tree: [value] * count


GREEDY = {
    "ranges": ranges,
    "one range": lambda tree: ranges(tree)["index"],
    "empty lists": columns_of([], 1_000_000),
    "empty objects": columns_of({}, 300_000),
    "small numbers": columns_of(1, 1_000_000),
    "numbers whose hashes collide": lambda tree: {
        "is": "dict", "keys": [(2**61 - 1) * n for n in range(20_000)], "values": [None] * 20_000
    },
    "tuples": columns_of({"is": "tuple", "items": []}, 100_000),
    "a nest": lambda tree: json.loads("[" * 500 + "]" * 500),
    "zones": lambda tree: [{"is": "zone", "from": "zoneinfo", "name": name} for name in zones()],
    "a wide text": lambda tree: "x" * 2_000_000 + "\U0001f600",
    "years of business hours": lambda tree: {
        "is": "offset", "name": "BusinessHour", "n": 10**12, "normalize": False,
        "options": {"is": "dict", "keys": [], "values": []},
    },
}  # fmt: skip


def zones():
    import zoneinfo

    return sorted(zoneinfo.available_timezones())


def affordable(path, base, layers=1):
    word, memory, taken = children.run(MEASURED, arguments=[path, *base])
    size = path.stat().st_size
    most = 2 * size + (1 << 20) + layers * (1 << 13)
    assert memory <= most + (1 << 18), word  # and some pages of the interpreter
    assert taken <= 5 * (0.2 + size / 1e6), word
    return word


@pytest.mark.parametrize("kind", GREEDY)
def test_a_file_costs_no_more_memory_and_time_than_its_size_justifies(kind, model, tmp_path):
    model.save(tmp_path / "model")
    (tmp_path / "greedy").write_bytes(
        with_tree(model, tmp_path, lambda tree: put(("parameters", "random_state"), GREEDY[kind](tree))(tree))
    )
    affordable(tmp_path / "greedy", [tmp_path / "model"])


def test_more_layers_than_the_weights_are_enough_for_are_refused_before_a_network_is_made(tmp_path):
    """530 layers of 4 units in a file of 530 weights once took 2 s to be refused; every unit has 3 weights or more."""
    model = small(hidden_size=4, max_iter=1).fit(X, ONE)
    weights = model._network.theta.size
    layers = weights // 12 + 1
    change = put(("fitted", "_network", "fields", "architecture", "fields", "layers"), layers)
    refused_by_load(tmp_path, with_tree(model, tmp_path, change), f"layers = {layers} in {weights} weights")


@pytest.mark.slow
def test_a_deep_network_costs_no_more_time_than_its_size_justifies(tmp_path):
    """Which states are kept was once found out in a time that grew with the third power of the layers."""
    deep = small(hidden_size=1, num_layers=600, bidirectional=True, max_iter=1).fit(X[:8], ONE[:8])
    deep.save(tmp_path / "deep")
    small(hidden_size=1, max_iter=1).fit(X, ONE).save(tmp_path / "model")
    assert affordable(tmp_path / "deep", [tmp_path / "model"], layers=600) == "loaded"


def test_many_zones_are_more_than_a_small_file_may_name(model, tmp_path):
    """Python keeps the rules of each."""
    (tmp_path / "zones").write_bytes(
        with_tree(model, tmp_path, lambda tree: put(("parameters", "random_state"), GREEDY["zones"](tree))(tree))
    )
    with pytest.raises(ModelFileError, match="more memory or time than its size justifies"):
        forecast.load(tmp_path / "zones")


def test_a_panel_of_many_series_costs_as_little(tmp_path):
    """Of each series it has a name and transforms, as columns."""
    n = 600
    data = frame(days(30)).reset_index()
    data = data.loc[np.tile(np.arange(30), n)].assign(shop=np.repeat([f"shop {number}" for number in range(n)], 30))
    few = data.iloc[: 30 * 20]
    settings = {"target": "y", "series": "shop", "time": "day", "lookback": 4, "horizon": 2, "transform": "standard"}
    for name, part in (("few", few), ("many", data)):
        SeriesForecaster(Ridge(), validation_fraction=None, **settings).fit(part).save(tmp_path / name)
    assert affordable(tmp_path / "many", [tmp_path / "few"]) == "loaded"
    again = forecast.load(tmp_path / "many")
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "many").read_bytes()


def test_holidays_are_a_vector_of_dates_and_cost_no_more(tmp_path):
    """A million rows of no date each, which take no byte of the file, were 60 MB of lists."""
    data, calendar = sessions()
    series(Ridge(), data, trading_calendar=calendar).save(tmp_path / "model")
    header, body = parts((tmp_path / "model").read_bytes())
    name = next(name for name in header if name.endswith("holidays"))
    first, last = header[name]["data_offsets"]
    for shape, values in (([8, 0], b""), ([8, 1], bytes(64)), ([20_000], bytes(160_000))):
        changed, grown = json.loads(json.dumps(header)), len(values) - (last - first)
        for entry in (entry for key, entry in changed.items() if key != "__metadata__"):
            entry["data_offsets"] = [at + grown * (at >= last) for at in entry["data_offsets"]]
        changed[name] = {"dtype": "I64", "shape": shape, "data_offsets": [first, first + len(values)]}
        match = "more memory or time" if len(values) > 64 else "not a vector of dates"
        refused_by_load(tmp_path, sealed(changed, body[:first] + values + body[last:]), match)


class Colliding(tuple):
    __slots__ = ()

    def __hash__(self):
        return 7


def test_many_keys_of_one_hash_are_refused():
    """Each would be looked for among all others."""
    with pytest.raises(ModelFileError, match="of one hash"):
        told_apart([Colliding((number,)) for number in range(1000)])
    assert len(told_apart([Colliding((1,))] * 1000)) == 1000  # one key


def test_a_pattern_of_many_values_is_no_way_to_more_work(tmp_path):
    """A small file could otherwise ask for millions of objects."""
    pattern = {"is": "alike", "count": 10**9, "pattern": {"is": "NaT"}, "columns": [], "tensors": {}}
    with pytest.raises(ModelFileError, match="more memory or time"):
        Reader({})(pattern)
    with pytest.raises(ModelFileError, match="columns of other lengths"):
        Reader({})(pattern | {"count": -5})


# -------------------- values

WRONG_PARAMETERS = {
    "a size of text": ("hidden_size", "64"),
    "no size": ("hidden_size", 0),
    "a cell that is none": ("cell", "transformer"),
    "a rate below nothing": ("learning_rate", -1.0),
    "a seed of text": ("random_state", "seed"),
    "words for no": ("shuffle", "no"),
}


@pytest.mark.parametrize("kind", WRONG_PARAMETERS)
def test_a_parameter_that_the_constructor_would_refuse_is_refused(kind, model, tmp_path):
    name, value = WRONG_PARAMETERS[kind]
    refused_by_load(tmp_path, with_tree(model, tmp_path, put(("parameters", name), value)), name)


def test_parameters_of_parts_are_looked_at_too(tmp_path):
    chained = series(Ridge(), transform=["difference"])
    refused_by_load(tmp_path, with_tree(chained, tmp_path, put(("parameters", "lookback"), -1)), "lookback")
    refused_by_load(tmp_path, with_tree(chained, tmp_path, put((*REGRESSOR, "state", "alpha"), -1.0)), "alpha")
    steps = ("fitted", "_state", "fields", "preparation", "fields", "chains", "values", 0, 0, "fitted", "steps_", 0)
    refused_by_load(tmp_path, with_tree(chained, tmp_path, put((*steps, "parameters", "period"), -3)), "period")
    own = series(LinearForecaster())
    refused_by_load(tmp_path, with_tree(own, tmp_path, put((*REGRESSOR, "parameters", "penalty"), -3)), "penalty")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(value, model, linear, tmp_path):
    network = forecast.load(saved(model, tmp_path))
    network._network.theta[3] = value
    network.save(tmp_path / "network")
    refused_by_load(tmp_path, (tmp_path / "network").read_bytes(), "NaN")
    for name in ("past_scale", "target_mean"):
        network = forecast.load(saved(model, tmp_path))
        getattr(network._network.scaling, name)[0] = value
        network.save(tmp_path / "network")
        refused_by_load(tmp_path, (tmp_path / "network").read_bytes(), "of the scaling")
    own = series(LinearForecaster())
    own.regressor_.coef_[0, 0] = value
    own.save(tmp_path / "own")
    refused_by_load(tmp_path, (tmp_path / "own").read_bytes(), "NaN")
    linear = forecast.load(saved(linear, tmp_path))
    linear.regressor_.coef_[0, 0] = value
    with pytest.raises(ModelFileError, match="coef_ holds NaN"):
        linear.save(tmp_path / "linear")


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-254])
def test_scales_that_no_fit_finds_are_refused(value, model, tmp_path):
    """What is divided by them would be infinite."""
    network = forecast.load(saved(model, tmp_path))
    network._network.scaling.past_scale[0] = value
    network.save(tmp_path / "network")
    refused_by_load(tmp_path, (tmp_path / "network").read_bytes(), "past_scale")


def saved(model, folder):
    model.save(folder / "saved")
    return folder / "saved"


@pytest.mark.parametrize("shape", [[2**63, 0], [2**62, 2**62, 0], [-1], [-1, -4], [2**63], [1] * 40, [4.0], None, "4"])
def test_a_shape_that_is_none_is_refused(shape, model, tmp_path):
    header, body = parts(saved(model, tmp_path).read_bytes())
    header["_network.theta"]["shape"] = shape
    refused(tmp_path, sealed(header, body))


def test_the_file_does_not_depend_on_the_number_of_threads(tmp_path):
    data = [saved(small(n_jobs=n).fit(X, ONE), tmp_path).read_bytes() for n in (1, 2)]
    assert data[0] == data[1]
    data = [saved(series(small(n_jobs=n)), tmp_path).read_bytes() for n in (1, 2)]
    assert data[0] == data[1]
    assert not hasattr(forecast.load(tmp_path / "saved").regressor_, "n_threads_")


def test_the_file_does_not_depend_on_the_jobs_of_scikit_learn(tmp_path):
    data = [saved(series(MultiOutputRegressor(Ridge(), n_jobs=n)), tmp_path).read_bytes() for n in (1, None)]
    assert data[0] == data[1]


def test_a_file_sets_no_number_of_jobs(model, tmp_path):
    """With a million of them, scikit-learn's `predict` started processes until the machine stood still."""
    several = series(MultiOutputRegressor(Ridge()))
    (tmp_path / "made up").write_bytes(with_tree(several, tmp_path, put((*REGRESSOR, "state", "n_jobs"), 10**6)))
    loaded = forecast.load(tmp_path / "made up")
    assert loaded.regressor_.n_jobs is None
    assert np.array_equal(loaded.predict(), several.predict())
    (tmp_path / "made up").write_bytes(with_tree(model, tmp_path, put(("parameters", "n_jobs"), 4096)))
    assert forecast.load(tmp_path / "made up").n_jobs is None
