"""Files of a daily job whose writer changed: names such as 01, stamps in UTC, refusals that a user can act on."""

import io

import numpy as np
import pandas as pd
import pytest
from command_line import runner
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, load

DAYS = pd.date_range("2024-01-01", periods=70, freq="D", name="date")
SMALL = ("--target", "y", "--hidden-size", "3", "--max-iter", "1", "--horizon", "2", "--lookback", "8", "--quiet")


def rows(names=("01", "02"), first=0, end=60):
    parts = []
    for n, name in enumerate(names):
        values = np.round(10 * (n + 1) + np.sin(np.arange(70) + n), 3)
        parts.append(pd.DataFrame({"date": DAYS, "store": name, "y": values}).iloc[first:end])
    return pd.concat(parts)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return runner(tmp_path, monkeypatch, capsys)


def stores(answer):
    code, out, err = answer
    assert code == 0, err
    return pd.read_csv(io.StringIO(out), dtype=str)["store"].unique().tolist()


def test_names_keep_their_zeros_from_file_to_file(run):
    rows().to_csv("stores.csv", index=False)
    assert run("fit", "stores.csv", "--series", "store", *SMALL, "-o", "model")[0] == 0
    assert list(load("model").history_["store"].unique()) == ["01", "02"]
    assert stores(run("predict", "model")) == ["01", "02"]
    new = pd.concat([rows(first=60, end=61), rows(("x", "03"), 40, 61)[lambda rows: rows["store"] == "03"]])
    new.to_csv("new.csv", index=False)
    assert run("update", "model", "new.csv")[0] == 0
    assert stores(run("predict", "model")) == ["01", "02", "03"]
    rows(first=61, end=62).assign(store=lambda rows: rows["store"].astype(int)).to_csv("other.csv", index=False)
    assert run("update", "model", "other.csv")[0] == 0, "written without zeros, they are the known stores"
    assert stores(run("predict", "model")) == ["01", "02", "03"]


def test_names_that_differ_in_their_zeros_are_two_series(run):
    rows(("1", "01")).to_csv("stores.csv", index=False)
    assert run("fit", "stores.csv", "--series", "store", *SMALL, "-o", "model")[0] == 0
    assert stores(run("predict", "model")) == ["1", "01"]


def test_two_columns_of_names_and_a_table_of_their_own(run):
    table = rows().assign(item=lambda rows: "0" + rows["store"])
    table.to_csv("stores.csv", index=False)
    pd.DataFrame({"store": ["01", "02"], "item": ["001", "002"], "size": [3, 9]}).to_csv("sizes.csv", index=False)
    assert run("fit", "stores.csv", "--series", "store,item", "--static", "sizes.csv", *SMALL, "-o", "model")[0] == 0
    assert load("model").history_["item"].unique().tolist() == ["001", "002"]


def test_numbers_and_counted_names_stay_numbers(run):
    rows(("1", "2")).to_csv("stores.csv", index=False)
    run("fit", "stores.csv", "--series", "store", *SMALL, "-o", "model")
    assert load("model").history_["store"].unique().tolist() == [1, 2]
    padded = rows(("a",)).assign(y=lambda rows: [f"{int(value):05d}" for value in rows["y"]])
    padded.to_csv("padded.csv", index=False)
    run("fit", "padded.csv", "--series", "store", *SMALL, "-o", "model")
    assert load("model").history_["y"].iloc[0] == 10


@pytest.fixture
def model(run):
    series = rows(("01",))[["date", "y"]].set_index("date")
    SeriesForecaster(Ridge(), target="y", lookback=8, horizon=2).fit(series).save("model")
    return load("model")


@pytest.mark.parametrize("form", ["ms", "s", "iso"])
def test_stamps_in_utc_are_taken_by_a_model_without_a_zone_and_said(run, model, form):
    new = rows(("01",), 60, 62)[["date", "y"]]
    want = model.update(new.set_index("date")).predict()
    stamps = new["date"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    if form != "iso":
        stamps = new["date"].dt.as_unit(form).astype("int64")
    new.assign(date=stamps).to_csv("new.csv", index=False)
    code, out, err = run("update", "model", "new.csv")
    assert code == 0, err
    said = "The model's dates have no zone: those of 'new.csv' were taken as clocks show them in UTC"
    assert said in out + err
    assert "are in UTC here" not in out + err
    assert pd.read_csv(io.StringIO(run("predict", "model")[1]))["y"].tolist() == want["y"].tolist()


def test_stamps_in_utc_as_clocks_of_a_zone_show_them(run, model):
    new = rows(("01",), 60, 62)[["date", "y"]].assign(date=lambda rows: rows["date"].dt.tz_localize("Asia/Tokyo"))
    new.assign(date=new["date"].dt.tz_convert("UTC")).to_csv("new.csv", index=False)
    assert run("update", "model", "new.csv")[0] == 2, "15:00 is no day"
    assert run("update", "model", "new.csv", "--timezone", "Asia/Tokyo")[0] == 0
    assert pd.read_csv(io.StringIO(run("predict", "model")[1]))["date"].iloc[0] == "2024-03-03"


def test_refusals_of_cells_are_in_the_words_of_the_command(run, model):
    new = rows(("01",), 60, 63)[["date", "y"]]
    for cells, says in {
        ("1", "", "2"): "or a model that was trained with --missing mask. Fill the cells of the file.",
        ("a", "b", "c"): "expected numbers, or a mark of missing values. Fix: --na a.",
        ("1", "nothing was sold, closed", "2"): "all; expected numbers.",
    }.items():
        new.assign(y=cells).to_csv("new.csv", index=False)
        code, out, err = run("update", "model", "new.csv")
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].endswith(says), err


def test_a_number_that_no_float_holds_is_refused_by_its_row(run, model):
    new = rows(("01",), 60, 62)[["date", "y"]]
    new.assign(y=["1", "9" * 400]).to_csv("new.csv", index=False)
    code, out, err = run("update", "model", "new.csv")
    assert (code, out) == (2, "")
    assert "in row 2" in err
    assert len(err.splitlines()[-1]) < 200
    assert run("update", "model", "new.csv", "--na", "9" * 400, "--gaps", "mask")[0] == 2
    long = rows(("01",))[["date", "y"]].astype({"y": str})
    long.loc[long.index[7], "y"] = "9" * 400
    long.to_csv("long.csv", index=False)
    assert run("fit", "long.csv", *SMALL, "-o", "other")[0] == 2


def test_text_in_a_covariate_of_numbers_is_refused_by_its_row(run):
    table = rows(("01",))[["date", "y"]].assign(promo=lambda rows: np.arange(len(rows)) % 3, wind=1.5)
    table.to_csv("known.csv", index=False)
    roles = ("--future-covariates", "promo", "--past-covariates", "wind")
    assert run("fit", "known.csv", *roles, *SMALL, "-o", "m")[0] == 0
    ahead = pd.DataFrame({"date": DAYS[60:62], "promo": [1, 2]})
    ahead.to_csv("ahead.csv", index=False)
    assert run("predict", "m", "--future", "ahead.csv")[0] == 0
    ahead.assign(promo=["yes", "no"]).to_csv("ahead.csv", index=False)
    code, _, err = run("predict", "m", "--future", "ahead.csv")
    assert code == 2
    assert "column 'promo' holds text: 'yes' in row 1, and 2 such values in all; expected numbers, or a mark of" in err
    assert "Fix: --na yes." in err
    table.assign(wind="calm")[-1:].assign(date=DAYS[60]).to_csv("new.csv", index=False)
    code, _, err = run("update", "m", "new.csv")
    assert code == 2
    assert "column 'wind' holds text: 'calm' in row 1" in err
