"""RNNClassifier: scikit-learn's checks, labels and their weights, codes, labels at every step, unequal lengths."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

import forecast
from forecast import RNNClassifier, RNNForecaster, _core, make_windows
from forecast._classifier.labels import stratified


def small(**changes):
    return RNNClassifier(**dict(hidden_size=6, max_iter=5, random_state=0) | changes)


def walks(n=90, steps=7, classes=3, seed=0):
    """Random walks, labelled by where they end."""
    rng = np.random.default_rng(seed)
    X = np.cumsum(rng.normal(size=(n, steps)), axis=1)
    return X, np.array(["low", "mid", "top", "far"])[np.digitize(X[:, -1], np.linspace(-2, 2, classes - 1))]


def uneven(n=40, most=9, channels=None, seed=0, codes=None):
    """Sequences of 1 to `most` steps."""
    rng = np.random.default_rng(seed)
    lengths = np.append(rng.integers(1, most + 1, size=n - 1), most)
    if codes:
        return [rng.integers(codes, size=length) for length in lengths]
    return [rng.normal(size=(length, channels) if channels else length) for length in lengths]


# -------------------- scikit-learn

ANOTHER_INPUT = {"check_array_api_input"}  # about arrays of other libraries, which the tags do not promise


def checks(estimator):
    for checked, check in estimator_checks_generator(estimator, legacy=True):
        name = getattr(check, "func", check).__name__
        if name not in ANOTHER_INPUT:
            words = [name, *(f"{k}={v}" for k, v in getattr(check, "keywords", {}).items())]
            yield pytest.param(checked, check, id="-".join(words))


@pytest.mark.parametrize(("estimator", "check"), [*checks(RNNClassifier(hidden_size=8, dtype="float64"))])
def test_every_check_passes(estimator, check):
    check(estimator)


def test_the_tags_hide_nothing():
    tags = get_tags(RNNClassifier())
    assert is_classifier(RNNClassifier())
    assert tags.classifier_tags.poor_score is False
    assert tags.classifier_tags.multi_class is True
    assert tags.non_deterministic is False
    assert not tags.input_tags.allow_nan


def test_it_works_among_scikit_learns_tools():
    X, y = walks(n=240)
    model = make_pipeline(StandardScaler(), small(max_iter=25))
    search = GridSearchCV(model, {"rnnclassifier__hidden_size": [2, 8]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.75
    assert cross_val_score(small(max_iter=25), X, y, cv=3, scoring="neg_log_loss").mean() > -0.7


KINDS = {  # X, y, arguments
    "numbers": lambda: (*walks(), {}),
    "truths": lambda: (walks()[0], walks()[0][:, -1] > 0, {}),
    "codes": lambda: (uneven(codes=5), np.arange(40) % 3, dict(vocabulary=5)),
    "uneven": lambda: (uneven(channels=2), np.array(["a", "b"], dtype=object)[np.arange(40) % 2], dict(cell="gru")),
    "both ways": lambda: (uneven(), np.arange(40) % 2, dict(bidirectional=True, dtype="float64")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_one_sequence_is_answered_with_the_bits_of_many(kind):
    X, y, arguments = KINDS[kind]()
    model = small(**arguments).fit(X, y)
    together = model.predict_proba(X)
    for i in range(0, len(X), 7):
        assert model.predict_proba([X[i]])[0].tobytes() == together[i].tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_files_answer_the_same_bits(kind, tmp_path):
    X, y, arguments = KINDS[kind]()
    model = small(**arguments).fit(X, y)
    right = model.predict_proba(X).tobytes()
    assert clone(model).fit(X, y).predict_proba(X).tobytes() == right
    assert pickle.loads(pickle.dumps(model)).predict_proba(X).tobytes() == right
    model.save(tmp_path / "model.forecast")
    again = forecast.load(tmp_path / "model.forecast")
    assert again.predict_proba(X).tobytes() == right
    assert again.predict(X).tolist() == model.predict(X).tolist()
    assert forecast.read_card(tmp_path / "model.forecast")["data"]["classes"] == model.classes_.tolist()
    more, same = (m.set_params(warm_start=True).fit(X, y).predict_proba(X) for m in (model, again))
    assert more.tobytes() == same.tobytes()


def test_the_bits_do_not_depend_on_threads():
    X, y = walks(n=400)
    one, two = (small(n_jobs=n, hidden_size=16).fit(X, y).predict_proba(X) for n in (1, 2))
    assert one.tobytes() == two.tobytes()


# -------------------- what it learns


def test_probabilities_are_those_of_the_scores():
    X, y = walks()
    model = small().fit(X, y)
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (len(X), 3)
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert np.allclose(np.log(probabilities), model.predict_log_proba(X))
    assert (model.predict(X) == model.classes_[probabilities.argmax(axis=1)]).all()
    assert model.score(X, y) == np.mean(model.predict(X) == y)


def test_the_loss_is_the_cross_entropy():
    X, y = walks(n=300)
    model = small(max_iter=8).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert model.best_loss_ == pytest.approx(log_loss(y[200:], model.predict_proba(X[200:])), rel=1e-5)


def test_shifted_and_scaled_numbers_give_the_same_answers():
    X, y = walks()
    plain, other = (small(dtype="float64").fit(a, y).predict_proba(a) for a in (X, 1e6 + 1e-3 * X))
    assert np.abs(plain - other).max() < 1e-5


@pytest.mark.parametrize("labels", [[3, 7, 9], [False, True], ["a", "b", "c"], [-1.0, 0.0, 2.0]])
def test_labels_are_whatever_they_are(labels):
    X, y = walks(classes=len(labels))
    y = np.array(labels)[np.unique(y, return_inverse=True)[1]]
    model = small().fit(X, y)
    assert model.classes_.tolist() == labels
    assert model.predict(X).dtype == y.dtype
    assert set(model.predict(X)) <= set(labels)


def test_weights_of_classes_are_weights_of_their_rows():
    half = np.random.default_rng(0).normal(size=(30, 7))
    X, y = np.concatenate([half, -half]), np.tile(["low", "mid", "top"], 20)
    for label in np.unique(y):  # of one mean and scale, so that weights of rows do not move the scaling
        X[y == label] /= X[y == label].std()
    settings = dict(batch_size=60, dtype="float64", max_iter=20)
    given = {"low": 1.0, "mid": 4.0, "top": 2.0}
    by_class = small(class_weight=given, **settings).fit(X, y)
    by_row = small(**settings).fit(X, y, sample_weight=[given[label] for label in y])
    assert np.abs(by_class.predict_proba(X) - by_row.predict_proba(X)).max() < 1e-9
    assert np.abs(by_class.predict_proba(X) - small(**settings).fit(X, y).predict_proba(X)).max() > 0.01
    twice = small(class_weight={label: 2 * weight for label, weight in given.items()}, **settings).fit(X, y)
    assert np.abs(twice.predict_proba(X) - by_class.predict_proba(X)).max() < 1e-12


def test_balanced_weights_find_a_rare_class():
    X, y = walks(n=400, classes=2)
    keep = np.flatnonzero((y == "low") | (np.arange(400) % 12 == 0))
    X, y = X[keep] + np.random.default_rng(1).normal(0, 3, size=(len(keep), X.shape[1])), y[keep]
    plain, balanced = (small(class_weight=w, max_iter=20).fit(X, y).predict(X) for w in (None, "balanced"))
    assert (balanced == "mid").sum() > (plain == "mid").sum()


def test_held_out_rows_have_the_shares_of_the_classes():
    codes = np.repeat([0.0, 1.0, 2.0], [600, 280, 20])
    early, late = stratified(small(), codes, None, np.random.default_rng(0))
    assert len(early) + len(late) == 900
    assert not set(early) & set(late)
    assert np.abs(np.bincount(codes[late].astype(int)) - [60, 28, 2]).max() <= 1
    other = stratified(small(), codes, None, np.random.default_rng(1))[1]
    assert set(other) != set(late)
    single = np.append(np.zeros(599), 1.0)
    assert 599 in stratified(small(early_stopping=True), single, None, np.random.default_rng(0))[0]


def test_early_stopping_holds_out_by_itself_where_there_is_enough():
    X, y = walks(n=600)
    assert small().fit(X, y).validation_loss_curve_
    assert not small().fit(X[:300], y[:300]).validation_loss_curve_
    assert not small(early_stopping=False).fit(X, y).validation_loss_curve_


def test_digits_row_by_row():
    digits = load_digits()
    X, y = digits.images, digits.target
    model = RNNClassifier(hidden_size=32, max_iter=15, random_state=0).fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) > 0.85


# -------------------- codes


def test_the_network_of_the_textbook():
    X = np.random.default_rng(0).integers(1000, size=(64, 12))
    model = RNNClassifier(vocabulary=1000, embedding_size=64, hidden_size=128, max_iter=1).fit(X, np.arange(64) % 10)
    assert model.n_parameters_ == 1000 * 64 + 4 * 128 * (64 + 128 + 1) + 10 * 128 + 10 == 164_106
    assert model.weights_["embedding.past.0"].shape == (1000, 64)
    assert "vocabulary" in model.card_["model"]


def test_codes_are_names_and_no_numbers():
    rng = np.random.default_rng(0)
    X = rng.integers(20, size=(300, 6))
    y = (np.isin(X, [3, 11, 17]).sum(axis=1) > 0).astype(int)
    model = small(vocabulary=20, max_iter=40, hidden_size=12).fit(X, y)
    assert model.score(X, y) > 0.95
    renamed = rng.permutation(20)
    again = small(vocabulary=20, max_iter=40, hidden_size=12).fit(renamed[X], y)
    assert again.score(renamed[X], y) > 0.95


# -------------------- labels at every step


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_label_at_every_step(bidirectional):
    X, _ = walks(n=150)
    y = np.where(np.diff(X, axis=1, prepend=0) > 0, "up", "down")
    model = small(return_sequences=True, bidirectional=bidirectional, max_iter=60, hidden_size=16).fit(X, y)
    assert model.predict(X).shape == X.shape
    assert model.predict_proba(X).shape == (*X.shape, 2)
    assert model.score(X, y) > 0.95
    changed = X.copy()
    changed[:, -1] += 5
    same = (model.predict_proba(changed)[:, :-1] == model.predict_proba(X)[:, :-1]).all()
    assert same != bidirectional  # forwards, a step knows nothing of those after it


def test_labels_at_every_step_may_depend_on_what_follows():
    X = np.random.default_rng(0).normal(size=(300, 6))
    y = np.roll(X, -1, axis=1) > 0
    settings = dict(return_sequences=True, max_iter=40, hidden_size=12)
    ways = [small(bidirectional=way, **settings).fit(X, y).score(X[:, :], y) for way in (False, True)]
    assert ways[1] > 0.9 > ways[0]


# -------------------- unequal lengths

STACKS = [
    dict(), dict(bidirectional=True), dict(num_layers=2, bidirectional=True, layer_norm=True, residual=True),
    dict(cell="gru", num_layers=2), dict(cell="slstm"), dict(cell="rnn", num_layers=2, dilation=(1, 2)),
]  # fmt: skip


@pytest.mark.parametrize("stack", STACKS, ids=str)
@pytest.mark.parametrize("channels", [None, 2])
def test_a_short_sequence_is_read_as_if_it_were_alone(stack, channels):
    X = uneven(channels=channels)
    X = [row for row in X if len(row) > 2]
    y = np.arange(len(X)) % 3
    model = small(dtype="float64", **stack).fit(X, y)
    together = model.predict_proba(X)
    for row, found in zip(X, together, strict=True):
        network = model._network
        alone = type(network)(
            replace(network.architecture, steps=len(row), ragged=False), network.scaling, network.theta
        )
        arguments = {"past": row.reshape(len(row), -1), "lookback": len(row), "past_stride": len(row)}
        scores = alone.predict(arguments, 1)[0]
        right = np.exp(scores - scores.max())
        assert np.abs(found - right / right.sum()).max() < 1e-12


@pytest.mark.parametrize("stack", [*STACKS, dict(zoneout=0.3), dict(vocabulary=7)], ids=str)
@pytest.mark.parametrize("every", [False, True])
def test_gradients_are_those_of_the_sequences_alone(stack, every):
    codes = stack.get("vocabulary")
    X = [row for row in uneven(n=25, codes=codes) if len(row) > 2]
    y = [np.arange(len(row)) % 3 for row in X] if every else np.arange(len(X)) % 3
    if every and "dilation" in stack:
        stack = stack | dict(dilation=1)
    model = small(dtype="float64", max_iter=1, return_sequences=every, **stack).fit(X, y)
    network = model._network
    data, _ = model._read(X, y, None)
    together = network.compiled.gradient(network.theta, network.source(data.arguments), np.arange(len(X)))
    total, parts, count = np.zeros_like(network.theta), 0.0, 0
    for i, row in enumerate(X):
        n, outputs = len(row), len(row) if every else 1
        alone = type(network)(
            replace(network.architecture, steps=n, targets=outputs, ragged=False),
            network.scaling.with_labels(outputs), network.theta,
        )  # fmt: skip
        labels = np.atleast_1d(y[i]).astype(float)
        arguments = {"past": row.reshape(-1, 1).astype(float), "lookback": n, "past_stride": n}
        arguments |= {"target": labels.reshape(-1, 1), "horizon": outputs, "target_stride": outputs}
        found = alone.compiled.gradient(alone.theta, alone.source(arguments), np.zeros(1, dtype=np.int64))
        total += outputs * found["theta"]
        parts += outputs * found["loss"]
        count += outputs
    assert together["loss"] == pytest.approx(parts / count, rel=1e-12)
    assert np.abs(together["theta"] - total / count).max() <= 1e-10 * np.abs(total / count).max()


@pytest.mark.parametrize("every", [False, True])
def test_sequences_may_be_longer_than_those_of_the_fit(every):
    X = uneven(n=30)
    y = [row > 0 for row in X] if every else np.arange(30) % 2
    model = small(dtype="float64", return_sequences=every).fit(X, y)
    longer = [np.linspace(-1, 1, 14), np.linspace(0, 1, 3)]
    both, alone = model.predict_proba(longer), [model.predict_proba([row])[0] for row in longer]
    for found, right in zip(both, alone, strict=True):
        assert found.shape == right.shape
        assert np.abs(found - right).max() < 1e-12
    if every:  # forwards, the first steps say the same whatever follows
        assert np.abs(model.predict_proba([longer[0][:9]])[0] - both[0][:9]).max() < 1e-12


def test_padding_and_lists_are_the_same():
    X = uneven()
    y = np.arange(len(X)) % 2
    padded = np.full((len(X), 9), np.nan)
    for row, to in zip(X, padded, strict=True):
        to[: len(row)] = row
    model = small().fit(X, y)
    assert small().fit(padded, y).predict_proba(padded).tobytes() == model.predict_proba(X).tobytes()
    assert model.predict_proba(padded).tobytes() == model.predict_proba(X).tobytes()
    assert model.predict_proba(X[:1]).shape == (1, 2)
    for alike in (tuple(X), [row.tolist() for row in X], pd.Series(X), np.array(X, dtype=object)):
        assert small().fit(alike, y).predict_proba(alike).tobytes() == model.predict_proba(X).tobytes()
    words = uneven(codes=5)
    padded = np.full((len(words), 9), -1)
    for row, to in zip(words, padded, strict=True):
        to[: len(row)] = row
    model = small(vocabulary=5).fit(words, y)
    assert model.predict_proba(padded).tobytes() == model.predict_proba(words).tobytes()


def test_the_scaling_does_not_see_the_padding():
    X = [row + 100 for row in uneven()]
    model = small().fit(X, np.arange(len(X)) % 2)
    every = np.concatenate(X)
    assert model._network.scaling.past_mean[0] == pytest.approx(every.mean())
    assert model._network.scaling.past_scale[0] == pytest.approx(every.std())


def test_labels_at_every_step_of_unequal_sequences():
    X = uneven(n=120)
    y = [row > 0 for row in X]
    model = small(return_sequences=True, max_iter=40, hidden_size=12).fit(X, y)
    predicted = model.predict(X)
    assert [len(row) for row in predicted] == [len(row) for row in X]
    assert model.score(X, y) > 0.95
    assert [row.shape for row in model.predict_proba(X[:3])] == [(len(row), 2) for row in X[:3]]


def test_a_model_of_equal_lengths_reads_shorter_ones():
    X, y = walks()
    model = small(dtype="float64").fit(X, y)
    short = [row[:4] for row in X[:5]]
    assert model.predict_proba([*short, X[0]]).shape == (6, 3)
    assert np.abs(model.predict_proba(short) - model.predict_proba([*short, X[0]])[:5]).max() < 1e-12
    assert np.abs(model.predict_proba(X[:1]) - model.predict_proba([*short, X[0]])[5:]).max() < 1e-12


# -------------------- refusals


def test_the_core_refuses_a_beginning_outside_of_the_window():
    past = np.zeros((12, 1))
    for begin in ([0, 4, 1], [0, -1, 1]):
        with pytest.raises(ValueError, match="begin: expected steps from 0 to 3"):
            _core.Source(past, lookback=4, past_stride=4, begin=np.array(begin, dtype=np.int64))
    with pytest.raises(ValueError, match=r"begin: expected \d windows"):
        _core.Source(past, lookback=4, past_stride=4, begin=np.zeros(2, dtype=np.int64), weight=np.ones(3))


REFUSED = [
    (dict(embedding_size=4), "numbers", "embedding_size=4 is the length of the vectors of a vocabulary"),
    (dict(vocabulary=3), "numbers", "expected whole numbers from 0 to vocabulary - 1 = 2"),
    (dict(vocabulary=9, input_noise=0.1), "codes", "input_noise=0.1 is for numbers"),
    (dict(vocabulary=4), "codes", "X holds 4; expected whole numbers from 0 to vocabulary - 1 = 3"),
    (dict(cell="mlstm"), "uneven", "cell='mlstm' needs sequences of one length"),
    (dict(dilation=(1, 2), num_layers=2, bidirectional=True), "uneven", "with bidirectional=True needs sequences of"),
    (dict(return_sequences=True), "numbers", "y has a label for every step; row 0 has shape"),
    (dict(class_weight={"low": 0.0, "mid": 0.0, "top": 0.0}), "numbers", "expected weights of 0 or more, some"),
    (dict(early_stopping=True, validation_fraction=0.001), "numbers", "of 90 rows 0 would be held out"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), REFUSED, ids=[message[:40] for *_, message in REFUSED])
def test_what_cannot_work_is_refused(arguments, kind, message):
    X, y = walks()
    if kind == "codes":
        X = np.tile(np.arange(7), (90, 1)) % 5
    if kind == "uneven":
        X = [row[: 3 + i % 5] for i, row in enumerate(X)]
    if message.startswith("y has a label"):
        y = y[:, None]
    with pytest.raises(ValueError, match=message):
        small(**arguments).fit(X, y)


def test_wrong_data_is_refused_and_a_fitted_model_stays_as_it_was():
    X, y = walks()
    model = small().fit(X, y)
    right = model.predict_proba(X).tobytes()
    many = np.arange(2 * _core.MOST_OUTPUTS + 2) // 2
    for wrong, labels, message in [
        (X, np.linspace(0, 1, 90), "Unknown label type"),
        (X, np.c_[y, y], "1d array"),
        (np.where(np.arange(7) == 2, np.nan, X), y, "NaN"),
        ([*X[:-1], np.empty(0)], y, "expected one step or more"),
        (X, np.arange(90) % 2, None),
        (np.zeros((len(many), 3)), many, "expected 512 at most"),
    ]:
        if message:
            with pytest.raises(ValueError, match=message):
                model.fit(wrong, labels)
        else:
            with pytest.raises(ValueError, match=r"has the classes .* expected the same"):
                model.set_params(warm_start=True).fit(wrong, labels)
        assert model.predict_proba(X).tobytes() == right
    model.set_params(warm_start=False)
    with pytest.raises(ValueError, match="y_val has the label 'new'"):
        model.fit(X, y, X_val=X, y_val=["new"] * 90)
    with pytest.raises(ValueError, match="sequence 1 contains NaN or infinity"):
        model.predict([np.zeros(9), np.array([0.0, np.inf])])
    with pytest.raises(ValueError, match="X_val has sequences of up to 7 steps and unequal length"):
        model.fit(X, y, X_val=[X[0], X[1][:3]], y_val=y[:2])
    with pytest.raises(TypeError, match="got Windows"):
        model.predict(make_windows(pd.Series(np.arange(40.0)), lookback=7, horizon=1))
    with pytest.raises(ValueError, match="loss"):
        RNNForecaster(loss="cross_entropy").fit(X, np.zeros(90))
    assert model.predict_proba(X).tobytes() == right
