"""The algebra of symbols: rules, shapes, sums, and agreement with concrete rational matrices."""

import random
from fractions import Fraction

import pytest
import sympy

from proofs_check.engine import algebra, witness
from proofs_check.engine.expressions import Expression, declared
from proofs_check.engine.models import Model
from proofs_check.engine.words import Letter
from theory import arrays

A = algebra.symmetric("A", positive_definite=True)
B = algebra.symmetric("B")
M, N = algebra.matrix("M"), algebra.matrix("N")
Q = algebra.orthogonal("Q")
U = algebra.orthonormal("U")
D, E = algebra.diagonal("D"), algebra.diagonal("E", positive_definite=True)
g, s, x = algebra.vector("g"), algebra.vector("s"), algebra.vector("x")
I = algebra.identity()
alpha, beta = sympy.symbols("alpha beta", positive=True)
t, i = sympy.symbols("t i", integer=True, nonnegative=True)
d, r = sympy.symbols("d r", integer=True, positive=True)


def zero(expression):
    return expression.is_zero() if isinstance(expression, Expression) else (
        sympy.expand(expression) == 0)  # fmt: skip


# ---- Lemma 1, through the functions that formulas of `theory` are written with


def lemma_1_sides(scale=Fraction(1, 2)):
    best = -alpha * arrays.solve(A, g)
    lhs = alpha * (arrays.dot(g, s) - arrays.dot(g, best))
    slack = alpha**2 * arrays.inverse_quadratic_form(A, g) - arrays.quadratic_form(A, s)
    return lhs, scale * arrays.quadratic_form(A, s - best) + Fraction(1, 2) * slack


def test_lemma_1_certificate_holds_for_all_dimensions():
    lhs, rhs = lemma_1_sides()
    assert zero(lhs - rhs)


def test_lemma_1_with_a_wrong_constant_does_not_reduce():
    lhs, rhs = lemma_1_sides(scale=Fraction(1, 3))
    assert not zero(lhs - rhs)


def test_corollary_1_with_a_square_root():
    root = A.root
    best = -alpha * arrays.solve(root, g)
    lhs = arrays.quadratic_form(root, best)
    assert zero(lhs - alpha**2 * arrays.quadratic_form(arrays.matrix_power(A, Fraction(-1, 2)), g))


# ---- rules


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        (A @ A.inv, I),
        (A.inv @ A @ x, x),
        (A.root @ A.root, A),
        (A.root @ A.inv @ A.root, I),
        (A.power(Fraction(1, 3)) @ A.power(Fraction(2, 3)), A),
        (A.power(beta) @ A.power(-beta), I),
        (A.power(-3) @ A.power(2), A.inv),
        ((2 * A).inv, A.inv / 2),
        ((4 * A).root, 2 * A.root),
        ((A @ Q).inv, Q.T @ A.inv),
        (Q.T @ Q, I),
        (Q @ Q.T, I),
        ((Q @ A @ Q.T).inv, Q @ A.inv @ Q.T),
        ((Q @ A @ Q.T).power(2), Q @ A @ A @ Q.T),
        (U.T @ U, algebra.identity("r")),
        ((U @ U.T) @ (U @ U.T), U @ U.T),
        ((M @ N).T, N.T @ M.T),
        ((M + N.T).T, M.T + N),
        (B.T, B),
        (D @ E @ D, E @ D @ D),
        ((D @ E).T, D @ E),
        ((A + M) @ (B + N), A @ B + A @ N + M @ B + M @ N),
        (x @ g.T @ s, (g @ s) * x),
        (s @ A, A @ s),
        (x @ M, M.T @ x),
        (0 * A + B, B),
        (sum([A, B]), A + B),
    ],
)
def test_rules_that_hold_for_all_dimensions(lhs, rhs):
    assert lhs == rhs


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        (A @ B, B @ A),  # commuting matrices only
        (M @ N, N @ M),
        (M.T, M),
        (M.T @ M, I),
        (U @ U.T, I),  # a projection unless r = d
        (A.root @ B, B @ A.root),
        (x.outer(g), g.outer(x)),  # in dimension 1 only
        (D @ B, B @ D),
        ((A @ B).T, A @ B),
        (Q @ A @ Q.T, A),
        (A.power(2), A),
        (x.outer(x) @ x.outer(x), x.outer(x)),
        (A, 2 * A),
    ],
)
def test_what_fails_in_general_is_not_equal_and_has_a_witness(lhs, rhs):
    assert lhs != rhs
    assert witness.search([lhs - rhs], witness.nonzero) is not None


def test_scalar_words_commute_and_equal_their_transpose():
    assert x @ M @ g == g @ M.T @ x
    assert zero((x @ g) * (g @ s) - (g @ s) * (g @ x))
    assert x @ M @ g != x @ M.T @ g


def test_unit_vectors_and_eigenvectors():
    value = sympy.Symbol("lambda", real=True)
    u = algebra.eigenvector("u", B, value, unit=True)
    assert u @ u == 1
    assert zero(u @ (B @ u) - value)
    assert B @ B @ u == value**2 * u
    assert u.T @ B @ x == value * (u @ x)
    assert B @ x != value * x


def test_quadratic_forms_take_either_order():
    assert A.quadratic_form(x) == x.quadratic_form(A) == x @ A @ x


def test_trace_rotates_transposes_and_knows_dimensions():
    assert (M @ N @ B).trace() == (N @ B @ M).trace() == (B @ N.T @ M.T).trace()
    assert (M @ N @ B).trace() != (N @ M @ B).trace()
    assert (Q @ B @ Q.T).trace() == B.trace()
    assert I.trace() == d
    assert (U @ U.T).trace() == r
    assert (A @ x.outer(g)).trace() == g @ A @ x
    assert (A.inv @ M @ A).trace() == M.trace()


def test_congruence_keeps_symmetry_and_semidefiniteness():
    assert (M.T @ A @ M).is_symmetric()
    assert (M.T @ A @ M).is_positive_semidefinite()
    assert (2 * A + x.outer(x)).is_positive_definite()
    assert not (M.T @ B @ M).is_positive_semidefinite()
    assert not (A - x.outer(x)).is_positive_semidefinite()
    assert not (M @ A).is_symmetric()
    assert not (M.T @ A @ M).is_positive_definite()  # M may be singular


def test_visible_signs_of_scalar_words():
    nonzero = algebra.vector("n", nonzero=True)
    assert (x @ A @ x).is_nonnegative
    assert (nonzero @ A @ nonzero).is_positive
    assert (x @ A @ x).is_positive is None
    assert (x @ B @ x).is_nonnegative is None
    assert (x @ B @ B @ x).is_nonnegative
    assert (x @ g).is_nonnegative is None


# ---- sums over an index


def moving_average(last, rate=beta):
    f = algebra.family("g")
    return (1 - rate) * algebra.total(rate ** (last - i) * f(i).outer(f(i)), i, 0, last)


def test_recursion_of_the_moving_average():
    f = algebra.family("g")
    assert moving_average(t) == beta * moving_average(t - 1) + (1 - beta) * f(t).outer(f(t))
    assert moving_average(t + 3).subs(t, t - 3) == moving_average(t)
    assert moving_average(0) == (1 - beta) * f(0).outer(f(0))
    assert moving_average(t).subs(t, 2) == moving_average(2)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda f: beta * moving_average(t - 1) + f(t).outer(f(t)),
        lambda f: beta * moving_average(t - 1) + (1 - beta) * f(t - 1).outer(f(t - 1)),
        lambda f: moving_average(t - 1) + (1 - beta) * f(t).outer(f(t)),
    ],
)
def test_wrong_recursions_have_a_witness(wrong):
    difference = moving_average(t) - wrong(algebra.family("g"))
    assert not zero(difference)
    assert witness.search([difference], witness.nonzero) is not None


def test_numbers_are_drawn_into_sums():
    f = algebra.family("g")
    inside = (1 - beta) * algebra.total(beta ** (t - i) * (x @ f(i)) ** 2, i, 0, t)
    assert zero(x @ moving_average(t) @ x - inside)
    lengths = (1 - beta) * algebra.total(beta ** (t - i) * (f(i) @ f(i)), i, 0, t)
    assert zero(moving_average(t).trace() - lengths)
    image = algebra.total(M @ f(i), i, 0, t)
    assert image == M @ algebra.total(f(i), i, 0, t)


def test_a_power_of_a_sum_is_drawn_in_as_a_double_sum():
    f = algebra.family("g")
    v = algebra.total(f(i).outer(f(i)), i, 0, t)
    inside = algebra.total((x @ f(i)) * (f(i) @ v @ x), i, 0, t)
    assert zero(x @ v @ v @ x - inside)


def test_sums_with_nonnegative_weights_are_semidefinite():
    f = algebra.family("g")
    assert algebra.total(beta**i * f(i).outer(f(i)), i, 0, t).is_positive_semidefinite()
    signed = algebra.total((-1) ** i * f(i).outer(f(i)), i, 0, t)
    assert not signed.is_positive_semidefinite()
    free = sympy.Symbol("T", integer=True)  # possibly negative: the sum may be reversed
    assert not algebra.total(f(i).outer(f(i)), i, 0, free).is_positive_semidefinite()


def test_closed_forms_agree_with_explicit_sums():
    for last in (0, 1, 4):
        geometric = algebra.total(beta ** (t - i), i, 0, t)
        by_hand = sum(beta ** (last - k) for k in range(last + 1))
        assert sympy.simplify(geometric.subs(t, last) - by_hand) == 0
        square = algebra.total(i**2, i, 0, t)
        assert square.subs(t, last) == sum(k**2 for k in range(last + 1))


def test_lower_limits_shift_unless_a_term_is_not_defined_there():
    f = algebra.family("g")
    from_two = algebra.total(f(i), i, 2, t)
    assert algebra.total(f(i), i, 0, t) == f(0) + f(1) + from_two
    harmonic = algebra.total(f(i) / i, i, 1, t)
    assert not any(c.has(sympy.zoo, sympy.nan) for c in harmonic.terms.values())


def test_an_index_must_be_an_integer_outside_the_limits():
    with pytest.raises(ValueError, match="index y"):
        algebra.total(g, sympy.Symbol("y"), 0, t)
    with pytest.raises(ValueError, match="index t"):
        algebra.total(g, t, 0, t)


# ---- shapes and refusals


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: A + 1, "cannot add"),
        (lambda: A + g, "cannot add"),
        (lambda: U @ U, "cannot multiply"),
        (lambda: A * B, "elementwise"),
        (lambda: A**2, "elementwise"),
        (lambda: M.inv, "not declared"),
        (lambda: B.root, "semidefinite"),
        (lambda: (A + B).inv, "one symbol"),
        (lambda: (-A).root, "not known to be >= 0"),
        (U.trace, "square"),
        (lambda: algebra.vector("c", "1"), "1 x 1"),
        (lambda: algebra.eigenvector("u", M, 1), "symmetric"),
        (lambda: algebra.eigenvector("u", A + B, 1), "not one declared symbol"),
        (lambda: algebra.symmetric("P", positive_semidefinite=True).inv, "not declared"),
    ],
)
def test_refusals_name_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_floats_are_refused():
    with pytest.raises(TypeError):
        0.5 * A


def test_equal_names_with_different_declarations_stay_different():
    plain = algebra.matrix("A")
    assert x @ plain @ x != x @ A @ x
    assert (x @ plain @ x).is_nonnegative is None
    assert plain != A


# ---- the normal form against concrete matrices


def random_tree(generator, depth):
    """An expression and the same computation on rational matrices."""
    if depth == 0:
        leaf = generator.choice((A, A.inv, B, M, Q, D, E, E.inv, A.power(2), A.root))
        ((letter,),) = leaf.terms
        return leaf, lambda model: model.letter(letter, {})
    left, left_value = random_tree(generator, depth - 1)
    right, right_value = random_tree(generator, generator.randrange(depth))
    kind = generator.choice(("product", "product", "sum", "transpose", "outer"))
    if kind == "product":
        return left @ right, lambda model: left_value(model) * right_value(model)
    if kind == "sum":
        return left - 3 * right, lambda model: left_value(model) - 3 * right_value(model)
    if kind == "transpose":
        return left.T @ right, lambda model: left_value(model).transpose() * right_value(model)

    def outer(model):
        column = model.letter(Letter(declared(x)), {})
        image = left_value(model) * column
        return image * image.transpose() * right_value(model)

    return (left @ x).outer(left @ x) @ right, outer


@pytest.mark.parametrize("seed", range(30))
def test_normal_forms_have_the_value_of_the_computation(seed):
    generator = random.Random(seed)
    expression, value = random_tree(generator, 3)
    trace = expression.trace()
    everything = A + B + M + Q + D + E + A.root + x.outer(x)
    model = Model([expression, trace, everything], [], random.Random(seed), 2)
    concrete = value(model)
    assert model.entries(expression) == list(concrete.entries())
    diagonal = [concrete[k, k] for k in range(concrete.nrows())]
    assert model.number(trace) == sum(diagonal[1:], diagonal[0])


def test_witnesses_do_not_depend_on_the_session():
    found = {str(witness.search([A @ B - B @ A], witness.nonzero)) for _ in range(3)}
    assert len(found) == 1


def test_what_is_printed_does_not_depend_on_earlier_declarations():
    first = algebra.vector("printed") @ algebra.vector("alike")
    again = algebra.vector("printed", nonzero=True) @ algebra.vector("alike")
    assert first != again
    assert str(first) == str(again) == "(alike' printed)"
