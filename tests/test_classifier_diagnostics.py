"""A look inside `RNNClassifier`: its loss curve, the gradient at each step, gates; and what is for forecasts alone."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from forecast import RNNClassifier
from forecast.diagnostics import channel_importance, check_no_leakage, explain, gate_activity, gradient_flow
from forecast.plotting import AttentionDisplay, GateActivityDisplay, GradientFlowDisplay, LossCurveDisplay

matplotlib.use("Agg")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 7, 2))
Y = np.where(X[:, -1, 0] > 0, "up", "down")
STEPS = np.where(X[..., 0] > 0, "up", "down")
UNEVEN = [row[: 3 + number % 5] for number, row in enumerate(X)]
Y_UNEVEN = np.array(["up" if row[-1, 0] > 0 else "down" for row in UNEVEN])
STEPS_UNEVEN = [np.where(row[:, 0] > 0, "up", "down") for row in UNEVEN]
WORDS = RNG.integers(9, size=(90, 7))


def fitted(data=X, y=Y, **changes):
    parameters = dict(hidden_size=4, max_iter=3, random_state=0, n_jobs=1, dtype="float64") | changes
    return RNNClassifier(**parameters).fit(data, y)


MODELS = {  # data and labels, parameters
    "numbers": (X, Y, {}),
    "weighted": (X, Y, {"class_weight": {"up": 3.0, "down": 1.0}}),
    "stacked both ways": (X, Y, {"num_layers": 2, "bidirectional": True, "cell": "gru"}),
    "words": (WORDS, Y, {"vocabulary": 9}),
    "every step": (X, STEPS, {"return_sequences": True}),
    "unequal lengths": (UNEVEN, Y_UNEVEN, {}),
    "unequal lengths, every step": (UNEVEN, STEPS_UNEVEN, {"return_sequences": True}),
    "unequal lengths, both ways": (UNEVEN, Y_UNEVEN, {"bidirectional": True}),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_of_the_flow_is_the_cross_entropy(name):
    data, y, changes = MODELS[name]
    model = fitted(data, y, **changes)
    flow = gradient_flow(model, data, y)
    rows = model.predict_log_proba(data)
    labels = list(y) if "every step" in name else [[one] for one in y]
    rows = rows if "every step" in name else rows[:, None]
    numbers = {label: number for number, label in enumerate(model.classes_)}
    weights = model._network.architecture.loss_parameters
    each = [
        [-weights[numbers[label]] * step[numbers[label]] for label, step in zip(own, steps, strict=True)]
        for own, steps in zip(labels, rows, strict=True)
    ]
    assert flow.loss == pytest.approx(np.mean(np.concatenate(each)), rel=1e-6)
    assert (flow.norms[:, -1] > 0).all()


def test_the_flow_is_the_derivative_by_the_state_of_the_last_step():
    """The gradient of the mean loss by the newest state: the head's weights times the error of the probabilities."""
    model = fitted()
    flow = gradient_flow(model, X, Y)
    onehot = (Y[:, None] == model.classes_).astype(float)
    weights = model._network.architecture.loss_parameters
    error = (model.predict_proba(X) - onehot) * (onehot @ weights)[:, None] / len(X)
    expected = np.sqrt(np.square(error @ model.weights_["head.W"]).sum())
    assert flow.norms[0, -1] == pytest.approx(expected, rel=1e-8)


def test_steps_before_a_short_sequence_have_no_gradient():
    model = fitted(UNEVEN, Y_UNEVEN)
    short = [row[:3] for row in UNEVEN[:20]]
    labels = Y_UNEVEN[:20]
    flow = gradient_flow(model, short, labels)
    assert flow.norms[:, :-3].max() == 0
    assert flow.norms[:, -3:].min() > 0


@pytest.mark.parametrize("name", [name for name in MODELS if "unequal" in name])
def test_the_flow_of_unequal_lengths_is_the_sum_of_those_of_each_length(name):
    """With weights: the mean over all labels, whatever the length of their sequences."""
    data, y, changes = MODELS[name]
    model, weight = fitted(data, y, **changes), np.r_[np.zeros(5), RNG.random(85)]
    whole = gradient_flow(model, data, y, sample_weight=weight)
    labels = np.array([len(row) if "every step" in name else 1 for row in data])
    loss, squares = 0.0, 0.0
    for length in {len(row): None for row in data}:
        mine = [number for number, row in enumerate(data) if len(row) == length]
        own = gradient_flow(model, [data[k] for k in mine], [y[k] for k in mine], sample_weight=weight[mine])
        share = (weight * labels)[mine].sum() / (weight * labels).sum()
        loss, squares = loss + share * own.loss, squares + np.square(share * own.norms)
    assert whole.loss == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(whole.norms, np.sqrt(squares), rtol=1e-9)
    assert network_loss(model, data, y, weight) == pytest.approx(loss, rel=1e-9)


def network_loss(model, data, y, weight):
    """The loss of all sequences at once, as training has it."""
    network, found = model._examined(data, y, loss=True)
    return network.flow(found.arguments, found.n_windows, weight)[0]


def test_weights_of_sequences_count_in_the_flow():
    model, weight = fitted(), np.r_[np.ones(45), np.zeros(45)]
    half = gradient_flow(model, X[:45], Y[:45])
    assert gradient_flow(model, X, Y, sample_weight=weight).loss == pytest.approx(half.loss, rel=1e-9)


def test_the_activity_of_a_sequence_is_that_of_the_sequence_alone():
    model = fitted(UNEVEN, Y_UNEVEN)
    whole = gate_activity(model, UNEVEN)
    for number in (0, 1, 4):
        own = gate_activity(model, [UNEVEN[number]])
        n = len(UNEVEN[number])
        assert np.isnan(whole.states["h"][number, :, :-n]).all()
        for name in ("h", "c"):
            np.testing.assert_allclose(whole.states[name][number, :, -n:], own.states[name][0, :, -n:], rtol=1e-12)
        assert np.isfinite(whole.gates["f"][number, :, -n:]).all()
    assert whole.to_frame().notna().all(axis=None)
    short = gate_activity(model, UNEVEN[:1]).to_frame()
    assert short.isna().all(axis=1).tolist() == [True] * 4 + [False] * 3


def test_activity_of_equal_lengths_and_of_words():
    activity = gate_activity(fitted(), X)
    assert activity.states["h"].shape == (90, 1, 7, 4)
    assert list(activity.gates) == ["i", "f", "g", "o"]
    assert gate_activity(fitted(WORDS, Y, vocabulary=9), WORDS).states["h"].shape == (90, 1, 7, 4)


def test_a_look_inside_refuses_what_predict_and_fit_refuse():
    model = fitted()
    with pytest.raises(ValueError, match="y is None, but a gradient needs labels"):
        gradient_flow(model, X)
    with pytest.raises(ValueError, match="X has 90 sequences but y has 5 labels"):
        gradient_flow(model, X, Y[:5])
    with pytest.raises(ValueError, match="y has the label 'left'; expected the classes of fit"):
        gradient_flow(model, X, np.where(X[:, -1, 0] > 0, "left", "down"))
    with pytest.raises(ValueError, match="holds a matrix and has none"):
        gate_activity(fitted(cell="mlstm"), X)


# -------------------- drawn


def test_the_loss_curve_is_drawn_with_its_name():
    model = fitted(early_stopping=True)
    display = LossCurveDisplay.from_estimator(model)
    assert display.lines_[0].get_ydata().tolist() == model.loss_curve_
    assert display.axes_[0].get_ylabel() == "cross-entropy"
    assert LossCurveDisplay([1.0, 0.5]).plot().axes_[0].get_ylabel() == "loss (standardised)"


def test_gradients_and_gates_are_drawn():
    model = fitted(UNEVEN, Y_UNEVEN)
    drawn = GradientFlowDisplay.from_estimator(model, UNEVEN, Y_UNEVEN)
    assert len(drawn.lines_[0].get_ydata()) == 7
    for data in (UNEVEN, pd.Series(UNEVEN)):
        display = GateActivityDisplay.from_estimator(model, data, window=1)
        assert display.series.tolist() == UNEVEN[1][:, 0].tolist()
        assert display.mesh_.get_array().shape == (4, 4)
    assert GateActivityDisplay.from_estimator(fitted(), X).series.tolist() == X[-1, :, 0].tolist()
    flat = X[:, :, 0]
    assert GateActivityDisplay.from_estimator(fitted(flat), pd.DataFrame(flat)).series.tolist() == flat[-1].tolist()


# -------------------- for forecasts alone


@pytest.mark.parametrize("function", [explain, channel_importance, check_no_leakage])
def test_what_is_for_forecasts_is_refused_by_name(function):
    with pytest.raises(TypeError, match=r"model is an RNNClassifier, but .*gate_activity\(model, X\) look inside"):
        function(fitted(), *(() if function is explain else (pd.DataFrame(X[:, :, 0]),)))


def test_attention_is_refused_by_name():
    with pytest.raises(TypeError, match="model is an RNNClassifier, whose networks have no attention"):
        AttentionDisplay.from_estimator(fitted(), X)


@pytest.mark.parametrize("function", [gradient_flow, gate_activity, LossCurveDisplay.from_estimator])
def test_a_search_is_refused_with_the_way_to_its_network(function):
    search = GridSearchCV(RNNClassifier(hidden_size=2, max_iter=1), {"random_state": [0]}, cv=2).fit(X, Y)
    with pytest.raises(TypeError, match=r"RNNClassifier.*of a search its best_estimator_, of a pipeline its last step"):
        function(search, *(() if function == LossCurveDisplay.from_estimator else (X,)))
