"""Transforms of a target lead back to where they came from, for every transform and for chains of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from transforms import (
    TransformTests,
    assert_near,
    check_missing_values,
    check_there_and_back,
    examples,
    positive_series,
    seeds,
    windows,
)

from forecast.preprocessing import (
    Asinh,
    BoxCox,
    Chain,
    Difference,
    Log,
    Log1p,
    LogReturn,
    Pointwise,
    Scale,
    make_transform,
)


class TestNone(TransformTests):
    def test_values_are_left_alone_and_copied(self):
        chain = make_transform(None).fit([1.0, 2.0])
        x = np.array([3.0, np.nan])
        out = chain.transform(x)
        assert np.array_equal(out, x, equal_nan=True)
        assert not np.shares_memory(out, x)


class TestLog(TransformTests):
    spec = "log"

    def test_it_is_the_natural_logarithm(self):
        assert np.array_equal(Log().fit([1.0]).transform([2.0]), np.log([2.0]))

    @pytest.mark.parametrize("bad", [0.0, -1.0])
    def test_what_is_not_positive_is_refused(self, bad):
        with pytest.raises(
            ValueError, match=rf"Log\(\): 2 of 4 .* not positive, the first \({bad}\) at position 1.*log1p"
        ):
            Log().fit([1.0, bad, 2.0, bad])
        with pytest.raises(ValueError, match="not positive"):
            Log().fit([1.0]).transform([bad])

    def test_a_forecast_that_overflows_is_refused(self):
        with pytest.raises(ValueError, match=r"1 of 4 values overflow.*\(1000\.0\) at position \(1, 0\)"):
            Log().fit([1.0]).inverse_transform([[1.0, 2.0], [1000.0, 3.0]])


class TestLog1p(TransformTests):
    spec = "log1p"

    def test_zeros_are_welcome(self):
        assert np.array_equal(Log1p().fit([0.0, 1.0]).transform([0.0, 1.0]), np.log1p([0.0, 1.0]))

    def test_minus_one_is_refused(self):
        with pytest.raises(ValueError, match=r"1 of 2 values are -1 or less, the first \(-1\.0\) at position 1"):
            Log1p().fit([0.0, -1.0])

    def test_a_forecast_that_overflows_is_refused(self):
        with pytest.raises(ValueError, match="overflow"):
            Log1p().fit([0.0]).inverse_transform([[1e4]])


class TestBoxCox(TransformTests):
    spec = "boxcox"

    @pytest.mark.parametrize("lmbda", [-0.5, 0.0, 0.3, 1.0, 2.0, 1e-12, 1e-300])
    def test_it_is_scipys_at_a_geometric_mean_of_one(self, lmbda):
        x = positive_series(0, 60)
        boxcox = BoxCox(lmbda).fit(x)
        scaled = x / stats.gmean(x)
        assert_near(boxcox.transform(x), special.boxcox(scaled, lmbda))

    def test_lmbda_is_the_maximum_of_scipys_likelihood(self):
        rng = np.random.default_rng(0)
        for power in (0.5, 1.0, -0.7):
            x = rng.normal(10, 2, size=2000) ** (1 / power) * 50
            assert abs(BoxCox().fit(x).lmbda_ - stats.boxcox_normmax(x, method="mle")) < 1e-5

    @examples
    @given(seed=seeds, lmbda=st.floats(-2, 2))
    def test_any_lmbda_leads_back(self, seed, lmbda):
        check_there_and_back(BoxCox(lmbda), seed, 40, 5)

    def test_units_do_not_matter(self):
        x = positive_series(1, 80)
        assert abs(BoxCox().fit(x).lmbda_ - BoxCox().fit(x * 1e9).lmbda_) < 1e-6

    def test_large_values_with_little_spread_keep_their_digits(self):
        x = 1e8 + np.random.default_rng(0).normal(size=100)
        boxcox = BoxCox().fit(x)
        assert_near(boxcox.inverse_transform(boxcox.transform(x)[None])[0], x)

    @pytest.mark.parametrize("lmbda", [0.1, 0.5, 1.0, 2.0])
    def test_a_forecast_below_the_image_of_zero_is_the_least_positive_value(self, lmbda):
        boxcox = BoxCox(lmbda).fit([1.0, 2.0])
        one, far = boxcox.inverse_transform([[-1 / lmbda - 1e-9, -1e9]])[0]
        assert 0 < one == far < 2e-8
        assert np.isclose(boxcox.transform([far])[0], -1 / lmbda)

    def test_a_forecast_above_the_image_of_infinity_is_refused(self):
        with pytest.raises(ValueError, match=r"1 of 2 values are above every value .* position \(0, 1\)"):
            BoxCox(-0.5).fit([1.0, 2.0]).inverse_transform([[0.0, 2.5]])

    def test_what_it_cannot_take_is_refused(self):
        with pytest.raises(ValueError, match=r"1 of 3 values are not positive, the first \(0\.0\) at position 1"):
            BoxCox().fit([1.0, 0.0, 2.0])
        with pytest.raises(ValueError, match=r"1 known values in 2 rows; expected 2"):
            BoxCox().fit([1.0, np.nan])
        with pytest.raises(ValueError, match="lose their digits"):
            BoxCox(-2.0).fit([1e-9, 1e9])
        with pytest.raises(ValueError, match="lmbda is 'mle'"):
            BoxCox("mle").fit([1.0, 2.0])

    def test_values_of_every_size_find_a_lmbda(self):
        boxcox = BoxCox().fit([1e-300, 1.0, 1e300])
        assert_near(boxcox.inverse_transform(boxcox.transform([1e-300, 1.0])[None])[0], np.array([1e-300, 1.0]))


class TestAsinh(TransformTests):
    spec = "asinh"

    def test_it_is_the_area_hyperbolic_sine_around_the_median(self):
        asinh = Asinh().fit([-3.0, 1.0, 2.0, 2.5, 1e6])
        assert (asinh.center_, asinh.scale_) == (2.0, 1.4826)
        assert np.allclose(asinh.transform([2.0, 3.4826]), np.arcsinh([0.0, 1.0]), rtol=1e-15)

    def test_of_normal_values_the_scale_is_the_standard_deviation(self):
        x = np.random.default_rng(0).normal(5.0, 3.0, 20_000)
        assert Asinh().fit(x).scale_ == pytest.approx(3.0, rel=0.03)

    @examples
    @given(seed=seeds)
    def test_any_later_value_leads_back(self, seed):
        rng = np.random.default_rng(seed)
        asinh = make_transform("asinh").fit(rng.normal(size=20) * 10 ** rng.uniform(-3, 3))
        x = rng.choice([-1, 0, 1], 30) * 10 ** rng.uniform(-9, 30, size=30)
        back = asinh.inverse_transform(asinh.transform(x)[None])[0]
        assert (np.abs(back - x) <= 1e-11 * np.maximum(np.abs(x), np.abs(asinh.steps_[0].center_))).all()

    def test_where_most_values_are_the_same_the_others_give_the_scale(self):
        x = np.zeros(100)
        x[::10] = 7.0
        assert Asinh().fit(x).scale_ == pytest.approx(1.2533 * 0.7)
        assert Asinh().fit(np.full(10, 0.1)).scale_ == 1.0

    def test_overflow_is_refused(self):
        with pytest.raises(ValueError, match="leaves float64"):
            Asinh().fit([-1.7e308, 1.7e308, 1.7e308, -1.7e308])
        with pytest.raises(ValueError, match="too large"):
            Asinh().fit([1e-9, 2e-9, 3e-9]).transform([1.7e308])
        with pytest.raises(ValueError, match="overflow"):
            Asinh().fit([1.0, 2.0, 3.0]).inverse_transform([[800.0]])


class TestDifference(TransformTests):
    spec = "difference"
    lost = 1

    def test_it_is_the_change(self):
        assert np.array_equal(Difference().fit([1, 3, 2]).transform([1, 3, 2]), [np.nan, 2, -1], equal_nan=True)

    def test_later_steps_build_on_earlier_forecasts(self):
        got = Difference().fit([1.0, 2.0]).inverse_transform([[1.0, 1.0, 1.0], [0.0, 5.0, 0.0]], [[10.0], [20.0]])
        assert np.array_equal(got, [[11, 12, 13], [20, 25, 25]])

    def test_overflow_is_refused_both_ways(self):
        with pytest.raises(ValueError, match="beyond float64"):
            Difference().fit([-1.7e308, 1.7e308])
        with pytest.raises(ValueError, match="overflow"):
            Difference().fit([1.0, 2.0]).inverse_transform([[1.7e308]], [[1.7e308]])

    def test_past_must_fit(self):
        difference = Difference(2).fit([1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="past is None; expected the 2 raw values"):
            difference.inverse_transform([[1.0]])
        with pytest.raises(ValueError, match=r"past has shape \(1, 3\); expected \(1, 2\)"):
            difference.inverse_transform([[1.0]], [[1.0, 2.0, 3.0]])
        with pytest.raises(ValueError, match="values of past are NaN"):
            difference.inverse_transform([[1.0]], [[1.0, np.nan]])

    @pytest.mark.parametrize("period", [0, -1, 1.5, True, "24"])
    def test_a_period_that_is_none_is_refused(self, period):
        with pytest.raises(ValueError, match="expected a whole number of rows"):
            make_transform(Difference(period))
        with pytest.raises(ValueError, match="expected a whole number of rows"):
            Difference(period).fit([1.0, 2.0])

    def test_a_series_without_a_single_difference_is_refused(self):
        with pytest.raises(ValueError, match="no two known values are 1 rows apart in 3 rows"):
            Difference().fit([1.0, np.nan, 2.0])


class TestSeasonalDifference(TransformTests):
    spec = "seasonal_difference"
    period = 7
    lost = 7

    def test_a_season_is_added_to_the_one_before(self):
        got = Difference(2).fit([1.0, 2.0, 3.0]).inverse_transform([[1.0, 2.0, 3.0, 4.0, 5.0]], [[10.0, 20.0]])
        assert np.array_equal(got, [[11, 22, 14, 26, 19]])

    def test_a_period_longer_than_the_data_is_refused(self):
        for transform in (Difference(24), make_transform("seasonal_difference", 24)):
            with pytest.raises(ValueError, match=r"the series has 24 rows.*24.*a shorter period"):
                transform.fit(np.arange(24.0))

    def test_no_season_is_refused(self):
        with pytest.raises(ValueError, match=r"no season to go by.*Difference\(period=\.\.\.\)"):
            make_transform("seasonal_difference")


class TestLogReturn(TransformTests):
    spec = "log_return"
    lost = 1

    def test_it_is_the_difference_of_logarithms(self):
        x = positive_series(0, 50)
        chain = make_transform(["log", "difference"]).fit(x)
        assert np.array_equal(LogReturn().fit(x).transform(x), chain.transform(x), equal_nan=True)

    def test_what_is_not_positive_is_refused_in_series_and_past(self):
        with pytest.raises(ValueError, match=r"1 of 2 values are not positive, the first \(0\.0\) at position 1"):
            LogReturn().fit([1.0, 0.0])
        with pytest.raises(ValueError, match="not positive"):
            LogReturn().fit([1.0, 2.0]).inverse_transform([[0.0]], [[-1.0]])

    def test_a_forecast_that_overflows_is_refused(self):
        with pytest.raises(ValueError, match="overflow"):
            LogReturn().fit([1.0, 2.0]).inverse_transform([[400.0, 400.0]], [[1.0]])


class ScaleTests(TransformTests):
    scaler = None

    def test_it_is_what_sklearns_scaler_does(self):
        @examples
        @given(seed=seeds, rows=st.integers(2, 40), missing=st.sampled_from([0.0, 0.3]))
        def holds(seed, rows, missing):
            x = positive_series(seed, rows, missing)
            x[:2] = 1.0, 2.0
            expected = clone(self.scaler).fit_transform(x[:, None])[:, 0]
            got = make_transform(self.spec).fit(x).transform(x)
            known = ~np.isnan(x)
            assert_near(got[known], expected[known], max(1.0, np.abs(expected[known]).max()))

        holds()

    def test_a_constant_series_has_a_scale_of_one(self):
        scale = make_transform(self.spec).fit(np.full(10, 0.1)).steps_[0]
        assert scale.scale_ == 1.0
        assert scale.center_ == pytest.approx(0.1)

    def test_a_single_value_is_a_constant_series(self):
        assert make_transform(self.spec).fit([np.nan, 3.0]).transform([4.0]) == [1.0]

    def test_overflow_is_refused(self):
        with pytest.raises(ValueError, match=r"leaves float64|too large"):
            make_transform(self.spec).fit([-1.7e308, 1.7e308, 1.7e308, -1.7e308])
        chain = make_transform(self.spec).fit([0.0, 10.0, 20.0, 30.0])
        with pytest.raises(ValueError, match="overflow"):
            chain.inverse_transform([[1.7e308]])


class TestStandard(ScaleTests):
    spec, scaler = "standard", StandardScaler()


class TestRobust(ScaleTests):
    spec, scaler = "robust", RobustScaler()


class TestMinMax(ScaleTests):
    spec, scaler = "minmax", MinMaxScaler()


def test_an_unknown_scale_is_refused():
    with pytest.raises(ValueError, match=r"method is 'max'; expected one of \['minmax', 'robust', 'standard'\]"):
        Scale("max").fit([1.0, 2.0])


class TestPointwise(TransformTests):
    spec = MinMaxScaler(feature_range=(-1, 1))

    @settings(examples, max_examples=40)
    @given(seed=seeds, number=st.integers(0, 5))
    def test_any_transformer_of_sklearn_leads_back(self, seed, number):
        made = (
            StandardScaler(),
            RobustScaler(),
            PowerTransformer(),
            QuantileTransformer(n_quantiles=20),
            make_pipeline(FunctionTransformer(np.log, np.exp), StandardScaler()),
            FunctionTransformer(np.sqrt, np.square),
        )[number]
        x = np.exp(np.random.default_rng(seed).normal(size=40))
        chain = make_transform(made).fit(x)
        assert chain.is_pointwise
        z = chain.transform(x).reshape(5, 8)
        back = chain.inverse_transform(z)
        assert np.abs(back - x.reshape(5, 8)).max() <= 1e-9 * x.max()
        assert np.array_equal(back, np.concatenate([chain.inverse_transform(row[None]) for row in z]))

    def test_numpys_global_random_state_is_neither_read_nor_moved(self):
        x = np.random.default_rng(0).normal(size=300)
        transform = make_transform(QuantileTransformer(n_quantiles=50, subsample=100))
        state = np.random.get_state()[1].copy()
        assert np.array_equal(transform.fit(x).transform(x), clone(transform).fit(x).transform(x))
        assert np.array_equal(np.random.get_state()[1], state)

    def test_one_that_falls_is_refused(self):
        with pytest.raises(ValueError, match="falls where the value rises"):
            make_transform(FunctionTransformer(np.negative, np.negative)).fit([1.0, 2.0])

    @pytest.mark.parametrize(
        "made",
        [FunctionTransformer(np.sqrt), KBinsDiscretizer(3, encode="ordinal", strategy="uniform")],
        ids=["no inverse function", "bins"],
    )
    def test_one_that_does_not_lead_back_is_refused(self, made):
        with pytest.raises(ValueError, match="does not lead back"):
            make_transform(made).fit(np.arange(20.0))

    def test_one_that_makes_several_columns_is_refused(self):
        made = FunctionTransformer(lambda x: np.hstack([x, x]), lambda x: x[:, :1])
        with pytest.raises(ValueError, match=r"one column becomes shape \(2, 2\)"):
            make_transform(made).fit([1.0, 2.0])

    def test_the_users_own_is_not_fitted(self):
        scaler = StandardScaler()
        make_transform(scaler).fit([1.0, 2.0])
        assert not hasattr(scaler, "mean_")
        assert isinstance(make_transform(scaler).steps[0], Pointwise)


# -------------------- chains


@st.composite
def chains(draw):
    """What takes positive values first, then anything that takes any value."""
    first = draw(st.sampled_from([[], ["log"], ["log1p"], ["boxcox"], ["log_return"], [BoxCox(0.5)]]))
    any_value = ["asinh", "standard", "robust", "minmax", "difference", Difference(3), Difference(7), StandardScaler()]
    return first + draw(st.lists(st.sampled_from(any_value), max_size=4))


class TestChain(TransformTests):
    spec = ["log", "seasonal_difference", "difference", "standard"]
    period = 7
    lost = 8

    @examples
    @given(spec=chains(), seed=seeds, horizon=st.integers(1, 20))
    def test_random_chains_lead_back_from_any_origin(self, spec, seed, horizon):
        check_there_and_back(spec, seed, 80, horizon)

    @examples
    @given(spec=chains(), seed=seeds)
    def test_random_chains_leave_missing_values_where_they_are(self, spec, seed):
        check_missing_values(spec[:3], seed)

    @examples
    @given(spec=chains(), seed=seeds)
    def test_pieces_of_a_batch_have_the_bits_of_the_whole(self, spec, seed):
        x = positive_series(seed, 80)
        chain = make_transform(spec).fit(x)
        z, past, _ = windows(chain, x, np.arange(max(chain.n_lost - 1, 0), 70), 9)
        cut = int(np.random.default_rng(seed).integers(1, len(z)))
        parts = [chain.inverse_transform(z[part], past[part]) for part in (slice(cut), slice(cut, None))]
        assert np.array_equal(chain.inverse_transform(z, past), np.concatenate(parts))
        assert np.array_equal(chain.inverse_transform(np.asfortranarray(z), past), np.concatenate(parts))

    def test_lost_rows_add_up(self):
        chain = make_transform(["difference", Difference(3), "standard", "log1p"])
        assert (chain.n_lost, chain.is_pointwise) == (4, False)
        assert make_transform(["log", "standard"]).is_pointwise

    def test_a_refusal_names_the_step_and_the_row_of_the_series(self):
        with pytest.raises(
            ValueError, match=r"Log\(\): 1 of 3 values are not positive, the first \(-1\.0\) at position 2"
        ):
            make_transform(["difference", "log"]).fit([1.0, 2.0, 1.0])

    def test_chains_and_lists_are_flattened(self):
        chain = make_transform([Chain([Log()]), "standard"])
        assert [type(step) for step in chain.steps] == [Log, Scale]

    def test_several_columns_are_refused(self):
        with pytest.raises(ValueError, match=r"shape \(3, 2\); expected one series"):
            make_transform("standard").fit(np.ones((3, 2)))

    def test_forecasts_of_one_dimension_are_refused(self):
        with pytest.raises(ValueError, match=r"expected \(n, steps\)"):
            make_transform("standard").fit([1.0, 2.0]).inverse_transform([1.0])


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown transform 'box_cox'; expected one of \['asinh'.*mean 'boxcox'"):
        make_transform(["log", "box_cox"])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (StandardScaler, r"class StandardScaler.*Fix: StandardScaler\(\)"),
        (PolynomialFeatures(), "no inverse_transform"),
    ],
)
def test_what_is_no_transform_is_refused(spec, words):
    with pytest.raises(TypeError, match=words):
        make_transform(spec)


def test_a_transform_works_in_sklearns_regressor():
    X = np.arange(1.0, 30)[:, None]
    y = np.exp(0.1 * X[:, 0])
    model = TransformedTargetRegressor(Ridge(alpha=1e-9), transformer=Log()).fit(X, y)
    assert np.allclose(model.predict(X), y)
