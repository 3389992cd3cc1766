"""One formula, several arithmetics: the same values in floats, rationals, balls and symbols."""

from fractions import Fraction

import array_api_strict
import flint
import numpy as np
import pytest
import sympy

from proofs_check.engine import algebra
from proofs_check.engine.exact import Real
from theory import arrays

MATRIX = [[4, 1, 0], [1, 3, 2], [0, 2, 5]]
VECTOR = [1, -2, 3]
EXACT = {"fmpq": flint.fmpq, "arb": flint.arb, "fraction": Fraction, "sympy": sympy.Integer,
         "real": Real}  # fmt: skip
FLOATS = {"numpy": np.asarray, "strict": array_api_strict.asarray}


def objects(values, kind):
    return np.frompyfunc(EXACT[kind], 1, 1)(np.array(values, dtype=object))


@pytest.fixture(params=[*EXACT, *FLOATS])
def make(request):
    """Converts nested lists of integers to an array of one arithmetic."""
    kind = request.param
    if kind in EXACT:
        return lambda values: objects(values, kind)
    return lambda values: FLOATS[kind](np.array(values, dtype=float))


def numbers(value):
    """Floats of any array or scalar."""
    entries = np.asarray(value, dtype=object)
    plain = [entry.approximate() if isinstance(entry, Real) else float(entry)
             for entry in entries.ravel().tolist()]  # fmt: skip
    return np.array(plain).reshape(entries.shape)


def close(value, expected):
    # Three by three problems of condition below 10: a few dozen roundings.
    return numbers(value) == pytest.approx(np.asarray(expected, dtype=float), rel=1e-13, abs=1e-13)


def test_products_and_solutions_agree_in_every_arithmetic(make):
    a, x = np.array(MATRIX, dtype=float), np.array(VECTOR, dtype=float)
    matrix, vector = make(MATRIX), make(VECTOR)
    assert close(arrays.dot(vector, vector), x @ x)
    assert close(arrays.quadratic_form(matrix, vector), x @ a @ x)
    assert close(arrays.quadratic_form(vector, vector), np.sum(x**3))
    assert close(arrays.solve(matrix, vector), np.linalg.solve(a, x))
    assert close(arrays.solve(matrix, matrix), np.eye(3))
    assert close(arrays.inverse_quadratic_form(matrix, vector), x @ np.linalg.solve(a, x))
    assert close(arrays.outer(vector, vector), np.outer(x, x))
    assert close(arrays.transpose(matrix[:2, :]), a[:2].T)
    assert close(arrays.matrix_power(matrix, 2), a @ a)
    assert close(arrays.matrix_power(matrix, -1), np.linalg.inv(a))


def test_reductions_and_pieces_agree_in_every_arithmetic(make):
    matrix, vector = make(MATRIX), make(VECTOR)
    assert close(arrays.trace(matrix), 12)
    assert close(arrays.diagonal(matrix), [4, 3, 5])
    assert close(arrays.identity_matrix(2, like=vector), np.eye(2))
    assert close(arrays.diagonal_matrix(vector), np.diag(VECTOR))
    assert close(arrays.total(matrix), 18)
    assert close(arrays.total(matrix, axis=0), [5, 6, 7])
    assert close(arrays.mean(vector), 2 / 3)
    assert close(arrays.absolute(vector), [1, 2, 3])
    assert close(arrays.largest(vector), 3)
    assert close(arrays.smallest(vector), -2)
    assert close(arrays.maximum(vector, vector * 0), [1, 0, 3])
    assert close(arrays.minimum(vector, vector * 0), [0, -2, 0])


def test_roots_and_powers_agree_in_every_arithmetic(make):
    squares = make([1, 4, 9])
    assert close(arrays.square_root(squares), [1, 2, 3])
    assert close(arrays.power(squares, Fraction(3, 2)), [1, 8, 27])
    assert close(arrays.power(squares, -1), [1, 1 / 4, 1 / 9])


def test_definiteness_is_decided_in_every_arithmetic(make):
    assert arrays.is_symmetric(make(MATRIX))
    assert not arrays.is_symmetric(make([[1, 2], [3, 4]]))
    assert arrays.is_positive_definite(make(MATRIX))
    assert arrays.is_positive_definite(make([1, 2, 3]))
    for singular in ([[1, 1], [1, 1]], [[0, 0], [0, 2]], [0, 3]):
        assert arrays.is_positive_semidefinite(make(singular))
        assert not arrays.is_positive_definite(make(singular))
    for indefinite in ([[0, 1], [1, 0]], [[0, 1], [1, 5]], [[1, 2], [2, 1]], [-1, 2]):
        assert not arrays.is_positive_semidefinite(make(indefinite))


def test_a_batch_of_vectors_uses_the_last_axis():
    batch = np.array([VECTOR, [0, 1, 0]], dtype=float)
    assert arrays.quadratic_form(np.array(MATRIX, dtype=float), batch).tolist() == [33.0, 3.0]


def test_irrational_roots_of_rationals_are_not_exact():
    with pytest.raises(arrays.NotExact, match="perfect power"):
        arrays.square_root(flint.fmpq(2))
    with pytest.raises(arrays.NotExact):
        arrays.matrix_power(objects(MATRIX, "fmpq"), Fraction(1, 2))
    with pytest.raises(ValueError, match="base must be >= 0"):
        arrays.square_root(flint.fmpq(-4))


def test_rational_roots_are_exact_for_large_numbers():
    root = flint.fmpq(10**60 + 7, 3**80)
    assert arrays.square_root(root**2) == root
    assert arrays.power(root**6, Fraction(1, 6)) == root
    assert arrays.power(root**3, Fraction(-2, 3)) == 1 / root**2
    with pytest.raises(arrays.NotExact):
        arrays.square_root(root**2 + 1)


def test_singular_systems_are_errors():
    with pytest.raises(ZeroDivisionError, match="singular"):
        arrays.solve(objects([[1, 2], [2, 4]], "fmpq"), objects([1, 1], "fmpq"))
    with pytest.raises(np.linalg.LinAlgError):
        arrays.solve(np.array([[1.0, 2.0], [2.0, 4.0]]), np.ones(2))


def test_a_ball_that_may_be_zero_is_no_pivot():
    wide = flint.arb(0, 1)
    matrix = np.array([[wide, wide], [wide, wide]], dtype=object)
    with pytest.raises(ZeroDivisionError, match="not certainly regular"):
        arrays.solve(matrix, objects([1, 1], "arb"))


def test_definiteness_of_balls_is_true_only_where_certain():
    wide = np.array([[flint.arb(1, 2)]], dtype=object)
    assert not arrays.is_positive_definite(wide)
    assert not arrays.is_positive_semidefinite(wide)


def test_symbols_bring_their_own_methods():
    a, g = algebra.symmetric("A", positive_definite=True), algebra.vector("g")
    assert arrays.quadratic_form(a, g) == g.T @ a @ g
    assert arrays.solve(a, g) == a.inv @ g
    assert arrays.dot(g, g) == g.T @ g
    assert arrays.matrix_power(a, Fraction(1, 2)) @ arrays.matrix_power(a, Fraction(1, 2)) == a
    assert arrays.is_positive_definite(a)


def test_sympy_entries_stay_symbolic():
    a, b = sympy.symbols("a b", positive=True)
    x = np.array([a, b], dtype=object)
    assert arrays.square_root(arrays.dot(x, x) * a**2) == a * sympy.sqrt(a**2 + b**2)
    assert arrays.maximum(a, b) == sympy.Max(a, b)
    solution = arrays.solve(np.array([[a, 1], [0, b]], dtype=object), x)
    assert [sympy.simplify(entry) for entry in solution] == [(a - 1) / a, 1]


def test_python_numbers_are_scalars():
    assert arrays.square_root(9) == 3.0
    assert arrays.power(2.0, 3) == 8.0
    assert arrays.maximum(1, 2.5) == 2.5
    assert arrays.namespace(1.0) is np


def test_float_semidefiniteness_allows_for_rounding_only():
    # A rank-one Gram matrix in floats: its zero eigenvalue is computed as about -1e-17.
    x = np.array([0.1, 0.7, 0.3])
    assert arrays.is_positive_semidefinite(np.outer(x, x))
    assert not arrays.is_positive_semidefinite(np.outer(x, x) - 1e-12 * np.eye(3))
