"""Reports and distributions in a notebook: what they show, and that nothing from data is markup."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import HTMLFormatter
from sklearn.linear_model import Ridge

from forecast import Distribution, SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest

BAD = "<script>alert('$y$')</script>"
HOURS = pd.date_range("2026-01-01", periods=200, freq="h")


def series(name="y"):
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: 50 + np.sin(np.arange(200) / 4) + rng.normal(size=200) / 9}, HOURS)


def ridge(**changes):
    return SeriesForecaster(Ridge(), **dict(lookback=12, horizon=3) | changes)


class Page(HTMLParser):
    """The tags that are open, those that were there, and the texts between them."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        assert self.open == [], "a tag is not closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] != "style" and text.strip():
            self.texts.append(text.strip())


def shown(result):
    """A result as a notebook shows it."""
    return Page(HTMLFormatter()(result))


def results():
    model = ridge(target=BAD).fit(series(BAD))
    report = model.report_.trained_on(BAD)
    shops = pd.concat([series(BAD).assign(shop=name) for name in (BAD, "b")])
    panel = ridge(target=BAD, series="shop")
    return {
        "report": report,
        "recipe": SeriesForecaster(target=BAD, horizon=3, random_state=0).fit(series(BAD)).report_,
        "backtest": backtest({BAD: panel}, shops, RollingOrigin(2, horizon=3), refit=False, coverage=0.8),
        "distribution": Distribution("normal", mean=[1.0, 2.0], std=3.0),
    }


@pytest.fixture(scope="module")
def every():
    return results()


@pytest.mark.parametrize("name", ["report", "recipe", "backtest", "distribution"])
def test_names_from_data_are_no_markup(every, name):
    page = shown(every[name])
    assert set(page.tags) <= {
        "div",
        "style",
        "h4",
        "p",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
    }
    assert page.tags[:2] == ["div", "style"]
    assert "mathjax_ignore" in every[name]._repr_html_(), "a name such as $y$ is no formula"


def test_a_report_shows_its_errors_skill_and_notes(every):
    report, page = every["report"], shown(every["report"])
    assert page.texts[:2] == [
        f"Validation on {report.n_windows} windows",
        f"skill over the best naive forecast {report.skill:+.1%}",
    ]
    assert page.texts[2:7] == ["model", "MAE", "RMSE", "MASE", "skill"]
    assert page.texts[7:9] == ["Ridge", f"{report.table['MAE'].iloc[0]:.4g}"]
    assert page.texts[-1] == report.notes[-1]
    assert BAD in page.texts[-1]


def test_a_recipe_shows_its_candidates_on_a_click(every):
    report, page = every["recipe"], shown(every["recipe"])
    assert page.tags.count("details") == 1
    assert f"{len(report.candidates)} candidates" in page.texts
    assert page.tags.count("tr") == len(report.table) + len(report.candidates) + 2
    assert "nan" not in map(str.lower, page.texts)


def test_a_fit_without_validation_says_so():
    page = shown(ridge(validation_fraction=None).fit(series()).report_)
    assert page.texts[:2] == ["Validation", "no validation: no windows were held out"]
    assert "table" not in page.tags


def test_a_backtest_shows_its_summary(every):
    report, page = every["backtest"], shown(every["backtest"])
    assert page.texts[0] == "Backtest: 2 origins, 2 series, horizon 3"
    summary = report.summary()
    assert page.texts[1 : 2 + len(summary.columns)] == ["model", *summary.columns]
    assert [text for text in page.texts if text in summary.index] == list(summary.index)
    assert all(note in page.texts for note in report.notes)


def test_a_distribution_shows_its_first_parameters(every):
    page = shown(every["distribution"])
    assert page.texts == ["normal distributions of shape (2,)", "mean", "std", "0", "1", "3", "1", "2", "3"]
    many = shown(Distribution("gamma", mean=np.ones((8, 2)), shape=2.0))
    assert page.tags.count("tr") == 3
    assert many.tags.count("tr") == 11
    assert many.texts[-1] == "and 6 more"
    assert "(4, 1)" in many.texts
    single = shown(Distribution("normal", mean=1.0, std=2.0))
    assert re.match("normal distributions of shape", single.texts[0])
