"""Every strategy keeps its promise, reaches its extremal cases, and shrinks to what it says."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from proofs_check import strategies, structures
from proofs_check.engine.exact import to_exact
from theory import arrays

QUIET = settings(database=None, max_examples=3000)
EPS = np.finfo(float).eps
SIZES = st.integers(1, 4)


def samples(strategy, number=300):
    """Instances that the strategy generates, the same in every run."""
    found = []

    @settings(max_examples=number, database=None)
    @given(strategy)
    def collect(instance):
        found.append(instance)

    collect()
    return found


def smallest(strategy, predicate=lambda _: True):
    return find(strategy, predicate, settings=QUIET)


def exact_square(row):
    return sum(Fraction(value) ** 2 for value in row.tolist())


def rank_of(matrix):
    return int(np.linalg.matrix_rank(matrix)) if matrix.size else 0


def assert_reaches(instances, **cases):
    """Each predicate is true of at least one instance; the message names those that are not."""
    missed = [name for name, case in cases.items() if not any(case(x) for x in instances)]
    assert not missed


def test_scales_stay_in_range_and_reach_tiny_moderate_and_huge():
    drawn = samples(strategies.scales(1e-9, 1e12))
    assert all(1e-9 <= s <= 1e12 for s in drawn)
    assert_reaches(drawn, lowest=lambda s: s == 1e-9, highest=lambda s: s == 1e12,
                   tiny=lambda s: s < 1e-6, huge=lambda s: 1e9 < s < 1e12,
                   power_of_two=lambda s: s != 1 and math.frexp(s)[0] == 0.5)  # fmt: skip
    assert smallest(strategies.scales()) == 1.0
    assert smallest(strategies.scales(5.0, 9.0)) == 5.0


def test_default_scales_leave_room_for_fourth_powers():
    assert all(0 < s**4 < math.inf for s in samples(strategies.scales()))


def test_sign_vectors_are_all_sign_patterns():
    drawn = samples(strategies.sign_vectors(3))
    assert {tuple(v) for v in drawn} == {
        (a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)
    }
    assert smallest(strategies.sign_vectors(3)).tolist() == [1.0, 1.0, 1.0]


def test_vectors_reach_structured_and_graded_cases():
    drawn = samples(strategies.vectors(3, scale=2.0))
    assert all(v.shape == (3,) and np.max(np.abs(v)) <= 2 for v in drawn)
    assert_reaches(drawn, zero=lambda v: not v.any(), one_hot=lambda v: np.count_nonzero(v) == 1,
                   equal=lambda v: v[0] and (v == v[0]).all(),
                   signs=lambda v: (np.abs(v) == 2).all() and len(set(v)) == 2,
                   graded=lambda v: v.all() and np.ptp(np.log10(np.abs(v))) > 6,
                   free=lambda v: len(set(np.abs(v))) == 3)  # fmt: skip
    assert smallest(strategies.vectors(3)).tolist() == [0.0, 0.0, 0.0]


def test_nonzero_vectors_are_never_zero_and_shrink_to_a_coordinate_vector():
    drawn = samples(strategies.vectors(SIZES, nonzero=True, scale=strategies.scales()))
    assert all(v.any() for v in drawn)
    assert_reaches(drawn, tiny=lambda v: np.max(np.abs(v)) < 1e-30,
                   huge=lambda v: np.max(np.abs(v)) > 1e30)  # fmt: skip
    assert smallest(strategies.vectors(2, nonzero=True)).tolist() == [1.0, 0.0]


def test_spectra_reach_equal_two_level_and_geometric_shapes():
    drawn = samples(strategies.spectra(4, low=1e-6, high=1.0))
    assert all((np.diff(s) <= 0).all() and s[0] <= 1 and s[-1] >= 1e-6 for s in drawn)
    assert_reaches(drawn, equal=lambda s: s[0] == s[-1] > 1e-6,
                   one_small=lambda s: s[2] == 1 and s[3] == 1e-6,
                   one_large=lambda s: s[0] == 1 and s[1] == 1e-6,
                   geometric=lambda s: np.allclose(s[1:] / s[:-1], 1e-2, rtol=1e-12))  # fmt: skip
    assert smallest(strategies.spectra(3)).tolist() == [1.0, 1.0, 1.0]


def test_attained_spectra_have_both_ends_exactly():
    drawn = samples(strategies.spectra(st.integers(2, 4), low=0.1, high=7.0, attained=True))
    assert all(s[0] == 7.0 and s[-1] == 0.1 for s in drawn)
    assert smallest(strategies.spectra(3, low=0.1, high=7.0, attained=True)).tolist() == [
        7,
        0.1,
        0.1,
    ]


def test_orthogonal_matrices_are_orthogonal_and_reach_every_kind():
    drawn = samples(strategies.orthogonal(3))
    # Rounding of a QR or Householder step: a few units in the last place per entry of Q'Q.
    assert all(np.abs(q.T @ q - np.eye(3)).max() <= 20 * EPS for q in drawn)
    householder = np.eye(3) - 2 / 3
    assert_reaches(drawn, identity=lambda q: (q == np.eye(3)).all(),
                   permutation=lambda q: np.isin(q, (0, 1, -1)).all() and not q.diagonal().all(),
                   reflection=lambda q: np.allclose(q, householder, atol=1e-15),
                   negative=lambda q: np.linalg.det(q) < 0, dense=lambda q: (np.abs(q) > 0.1).all(),
                   rotation=lambda q: np.count_nonzero(q) == 5)  # fmt: skip
    assert (smallest(strategies.orthogonal(3)) == np.eye(3)).all()


def test_haar_matrices_have_the_moments_of_the_haar_measure():
    rng = np.random.default_rng(0)
    n, trials = 3, 4000
    entries = np.array([structures.haar(rng, n)[0, 0] for _ in range(trials)])
    # Haar: E q^2 = 1/n, E q^4 = 3/(n(n+2)); five standard errors from Var q^2 and Var q.
    variance = 3 / (n * (n + 2)) - 1 / n**2
    assert abs(np.mean(entries)) <= 5 * math.sqrt(1 / n / trials)
    assert abs(np.mean(entries**2) - 1 / n) <= 5 * math.sqrt(variance / trials)


def test_rational_orthogonal_matrices_are_exactly_orthogonal():
    drawn = samples(strategies.rational_orthogonal(SIZES), 150)
    for q in drawn:
        assert all(isinstance(entry, Fraction) for entry in q.ravel())
        assert (q.T @ q == np.eye(len(q), dtype=int)).all()
    assert_reaches(drawn, identity=lambda q: len(q) == 3 and (q == np.eye(3)).all(),
                   dense=lambda q: len(q) > 2 and all(q.ravel()),
                   reflection=lambda q: len(q) > 1 and np.linalg.det(q.astype(float)) < 0,
                   fractional=lambda q: any(v.denominator > 10 for v in q.ravel()))  # fmt: skip
    assert (smallest(strategies.rational_orthogonal(2)) == np.eye(2, dtype=int)).all()


def test_symmetric_matrices_reach_their_kinds():
    drawn = samples(strategies.symmetric(3, scale=4.0), 400)
    assert all((a == a.T).all() and np.abs(a).max() <= 4 * (1 + 20 * EPS) for a in drawn)
    assert_reaches(drawn, zero=lambda a: not a.any(),
                   hollow=lambda a: a.any() and not a.diagonal().any(),
                   diagonal=lambda a: a.any() and (a == np.diag(a.diagonal())).all(),
                   rank_one=lambda a: a.all() and rank_of(a) == 1,
                   indefinite=lambda a: np.ptp(np.sign(np.linalg.eigvalsh(a))) == 2,
                   reflection=lambda a: a[0, 1] and np.allclose(a @ a, 16 * np.eye(3)))  # fmt: skip
    assert not smallest(strategies.symmetric(3)).any()


def test_diagonal_matrices_reach_both_ends():
    drawn = samples(strategies.diagonal(3, low=0.5, high=9.0))
    assert all((a == np.diag(a.diagonal())).all() and a.diagonal().min() >= 0.5 for a in drawn)
    assert_reaches(drawn, low=lambda a: (a.diagonal() == 0.5).all(), high=lambda a: 9.0 in a,
                   mixed=lambda a: len(set(a.diagonal())) == 3)  # fmt: skip
    assert (smallest(strategies.diagonal(2, low=0.5, high=9.0)) == 0.5 * np.eye(2)).all()


def test_positive_definite_matrices_are_so_in_exact_arithmetic():
    for a in samples(strategies.positive_definite(SIZES), 150):
        assert arrays.is_positive_definite(to_exact(a))


def test_positive_definite_matrices_reach_bad_conditioning_in_rotated_bases():
    drawn = samples(strategies.positive_definite(3), 400)

    def rotated(a):
        return np.count_nonzero(a - np.diag(a.diagonal())) > 0

    assert_reaches(drawn, identity=lambda a: (a == np.eye(3)).all(),
                   axis_aligned=lambda a: not rotated(a) and a.diagonal().min() <= 1e-11,
                   ill_conditioned=lambda a: rotated(a) and np.linalg.cond(a) > 1e10,
                   moderate=lambda a: rotated(a) and 10 < np.linalg.cond(a) < 1e6)  # fmt: skip
    assert (smallest(strategies.positive_definite(3)) == np.eye(3)).all()


def test_a_prescribed_condition_number_is_met():
    for a in samples(strategies.positive_definite(st.integers(2, 4), condition=1e6), 100):
        values = np.linalg.eigvalsh(a)
        # Eigenvalues are accurate to d units in the last place of the largest, which is 1.
        assert values[-1] == pytest.approx(1.0, abs=20 * EPS)
        assert values[0] == pytest.approx(1e-6, abs=20 * EPS)
    assert smallest(strategies.positive_definite(2, condition=4.0)).tolist() == [[1, 0], [0, 0.25]]


def test_a_prescribed_spectrum_is_exact_in_rationals():
    spectrum = [5.0, 2.0, 0.1]
    for a in samples(strategies.positive_definite(3, spectrum=spectrum, exact=True), 40):
        assert (a == a.T).all()
        assert np.trace(a) == sum(map(Fraction, spectrum))
        assert np.trace(a @ a) == sum(Fraction(value) ** 2 for value in spectrum)
        assert np.trace(a @ a @ a) == sum(Fraction(value) ** 3 for value in spectrum)


def test_a_spectrum_may_be_a_strategy():
    spectrum = strategies.spectra(2, low=1.0, high=3.0, attained=True)
    for a in samples(strategies.positive_definite(2, spectrum=spectrum), 50):
        assert np.linalg.eigvalsh(a) == pytest.approx([1.0, 3.0], abs=60 * EPS)


def test_semidefinite_matrices_are_exact_and_reach_every_rank():
    drawn = samples(strategies.positive_semidefinite(3), 250)
    assert all(arrays.is_positive_semidefinite(to_exact(a)) for a in drawn)
    assert {rank_of(a) for a in drawn} == {0, 1, 2, 3}
    assert_reaches(drawn, identity=lambda a: (a == np.eye(3)).all(), ones=lambda a: (a == 1).all(),
                   rotated=lambda a: a.all() and rank_of(a) == 2)  # fmt: skip
    assert not smallest(strategies.positive_semidefinite(2)).any()


def test_a_prescribed_rank_is_exact():
    drawn = samples(strategies.positive_semidefinite(4, rank=2), 100)
    assert all(rank_of(a) == 2 and arrays.is_positive_semidefinite(to_exact(a)) for a in drawn)
    assert smallest(strategies.positive_semidefinite(2, rank=1)).tolist() == [[1, 0], [0, 0]]


def test_low_rank_matrices_have_exactly_that_rank():
    drawn = samples(strategies.low_rank(3, 4, 2), 150)
    assert all(a.shape == (3, 4) and rank_of(a) == 2 for a in drawn)
    assert_reaches(drawn, dense=lambda a: a.all(), sparse=lambda a: np.count_nonzero(a) == 2)
    ones = samples(strategies.low_rank(2, 3, 1), 150)
    assert_reaches(ones, all_ones=lambda a: (a == 1).all())
    assert smallest(strategies.low_rank(2, 3, 1)).tolist() == [[1, 0, 0], [0, 0, 0]]


def test_gradient_norms_are_bounded_exactly_and_reach_the_extremes():
    bound = 0.7
    drawn = samples(strategies.gradient_sequences(3, 2, bound=bound), 1000)
    assert all(g.shape == (4, 2) for g in drawn)
    assert all(exact_square(row) <= Fraction(bound) ** 2 for g in drawn for row in g)
    met = Fraction(bound) * (1 - Fraction(1, 2**49))
    assert_reaches(
        drawn, zero=lambda g: not g.any(),
        all_at_bound=lambda g: all(exact_square(row) >= met**2 for row in g),
        equal=lambda g: (g == g[0]).all() and g.all(),
        alternating=lambda g: (g == g[0] * np.array([1, -1, 1, -1])[:, None]).all() and g.any(),
        one_hot=lambda g: (np.count_nonzero(g, axis=1) == 1).all() and rank_of(g) == 2
        and (np.abs(g).max(axis=1) == bound).all(),
        alone=lambda g: np.count_nonzero(g.any(axis=1)) == 1,
        aligned=lambda g: g.all() and rank_of(g) == 1 and len(set(np.abs(g[:, 0]))) > 2,
        free=lambda g: g.all() and rank_of(g) == 2)  # fmt: skip
    assert not smallest(strategies.gradient_sequences(2, 2)).any()


def test_an_attained_bound_is_attained():
    bound = 3.0
    met = Fraction(bound) * (1 - Fraction(1, 2**49))
    drawn = samples(strategies.gradient_sequences(SIZES, SIZES, bound=bound, attained=True))
    assert all(met**2 <= max(map(exact_square, g)) <= bound**2 for g in drawn)
    small = smallest(strategies.gradient_sequences(1, 2, bound=bound, attained=True))
    assert small.tolist() == [[3.0, 0.0], [3.0, 0.0]]


@pytest.mark.parametrize("bound", [1e-100, 1e100])
def test_extreme_bounds_hold_exactly_too(bound):
    for g in samples(strategies.gradient_sequences(1, 3, bound=bound, attained=True), 100):
        assert max(map(exact_square, g)) <= Fraction(bound) ** 2


def test_dimensions_may_be_strategies():
    drawn = samples(strategies.gradient_sequences(st.integers(0, 2), SIZES), 200)
    assert {g.shape for g in drawn} == {(t, d) for t in (1, 2, 3) for d in (1, 2, 3, 4)}


@pytest.mark.parametrize(("make", "words"), [
    (lambda: strategies.vectors(0), r"d is 0; it must be an int >= 1"),
    (lambda: strategies.vectors(True), r"d is True; it must be an int >= 1"),
    (lambda: strategies.vectors(2, scale=-1.0), r"scale is -1.0; .*positive"),
    (lambda: strategies.scales(2.0, 1.0), r"low, high is \(2.0, 1.0\); .*low <= high"),
    (lambda: strategies.spectra(1, low=1.0, high=2.0, attained=True), r"d is 1; .*>= 2"),
    (lambda: strategies.spectra(2, low=0.0), r"low, high is \(0.0, .*0 < low"),
    (lambda: strategies.rational_orthogonal(2, size=0), r"size is 0; .*>= 1"),
    (lambda: strategies.symmetric(2, scale=math.inf), r"scale is inf; .*finite"),
    (lambda: strategies.diagonal(2, low=1.0, high=0.0), r"low, high is \(1.0, 0.0\)"),
    (lambda: strategies.positive_definite(2, condition=1e13), r"condition is 1.*in \[1, 1e\+12\]"),
    (lambda: strategies.positive_definite(2, max_condition=0.5), r"max_condition is 0.5"),
    (lambda: strategies.positive_definite(1, condition=2.0), r"d is 1; .*>= 2"),
    (lambda: strategies.positive_definite(2, spectrum=[1.0, 0.0]), r"spectrum is \[1.0, 0.0\]"),
    (lambda: strategies.positive_definite(3, spectrum=[1.0]), r"spectrum is .*length d = 3"),
    (lambda: strategies.positive_definite(2, spectrum=[1.0, 1e-13]), r"ratio at most 1e\+12"),
    (lambda: strategies.positive_definite(1, spectrum=[1.0], condition=1.0), r"at most one"),
    (lambda: strategies.positive_semidefinite(2, rank=3), r"rank is 3; .*at most d = 2"),
    (lambda: strategies.low_rank(2, 3, -1), r"rank is -1; .*>= 0"),
    (lambda: strategies.gradient_sequences(-1, 2), r"t is -1; .*>= 0"),
    (lambda: strategies.gradient_sequences(1, 2, bound=0.0), r"bound is 0.0; .*in \[1e-100, "),
])  # fmt: skip
def test_bad_parameters_are_named_with_value_and_range(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert not re.search("\n", str(caught.value))


def test_a_bad_dimension_from_a_strategy_is_named_when_drawn():
    with pytest.raises(ValueError, match="d is 0; it must be an int >= 1"):
        smallest(strategies.vectors(st.just(0)))
