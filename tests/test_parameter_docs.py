"""Descriptions of parameters in scikit-learn's HTML view of an estimator: there, complete, escaped, without a link."""

import re

import numpy as np
import pytest
from sklearn import __version__
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.fixes import parse_version
from small_networks import small, table

from forecast import LinearForecaster, RNNClassifier, SeriesForecaster

DESCRIBED = parse_version(__version__) >= parse_version("1.8")  # older versions have no descriptions
MODELS = [small(), RNNClassifier(), LinearForecaster(), SeriesForecaster(Ridge())]
every = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
_SPAN = re.compile(r'<span class="param-doc-description" style="[^"]*">(.*?)</span>', re.DOTALL)


def descriptions(model):
    """Those in the view, by parameter."""
    found = [text for text in _SPAN.findall(estimator_html_repr(model)) if "<br>" in text]
    return {re.match(r"\w+", text)[0]: text for text in found}


@every
def test_every_parameter_is_described_where_scikit_learn_describes_parameters(model):
    assert set(descriptions(model)) >= (set(model.get_params(deep=False)) if DESCRIBED else set())


@every
def test_there_is_no_link(model):
    links = re.findall(r'href="([^"]*)"', estimator_html_repr(model))
    assert [link for link in links if not link.startswith("https://scikit-learn.org/")] == []  # those are of Ridge
    assert model._get_doc_link() == ""
    shown = [text for name, text in descriptions(model).items() if name in model.get_params(deep=False)]
    assert [text for text in shown if "As in" in text.partition("<br><br>")[2][:6] or "_<br>" in text] == []


def test_types_and_texts_are_those_of_the_docstring():
    model = small()
    text = descriptions(model).get("zoneout", "")
    expected = (
        "zoneout: float, default=0.0<br><br>"
        "Probability that a unit keeps its previous states at a step of training,<br>"
        "in [0, 1); predict uses the expected value."
    )
    assert text == (expected if DESCRIBED else "")


def test_a_parameter_that_is_as_in_another_class_has_the_description_from_there():
    own, other = descriptions(RNNClassifier()), descriptions(small())
    assert own.get("zoneout") == other.get("zoneout")
    assert own.get("bidirectional") != other.get("bidirectional") or not DESCRIBED


def test_what_is_described_together_is_described_for_each():
    found = descriptions(SeriesForecaster(Ridge()))
    assert found.get("lower", "lower") == found.get("upper", "upper").replace("upper", "lower", 1)


def test_it_is_the_same_inside_of_a_pipeline_and_after_a_fit():
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, y)
    whole = descriptions(pipeline)
    assert {name: whole[name] for name in descriptions(small())} == descriptions(small())


def test_values_are_escaped_and_the_docstring_too():
    html = estimator_html_repr(SeriesForecaster(Ridge(), target="<script>x</script>"))
    assert "<script>x" not in html
    assert "&lt;script&gt;x" in html or parse_version(__version__) < parse_version("1.7")
    assert all("{&quot;" in text for name, text in descriptions(small()).items() if name == "cell")


@pytest.mark.filterwarnings("error")
def test_the_view_of_a_fitted_estimator_warns_of_nothing():
    X, y = table()
    for model in (small(), small(loss="normal"), RNNClassifier(hidden_size=2, max_iter=1), LinearForecaster()):
        model.fit(X, (y > 0).astype(int) if isinstance(model, RNNClassifier) else np.round(y, 3))
        assert type(model).__name__ in estimator_html_repr(model)
