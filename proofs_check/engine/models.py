"""Concrete rational instances of declared symbols: the points at which witnesses are sought."""

from __future__ import annotations

import functools
import math
import operator
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import flint
import sympy

from proofs_check.engine import balls, words
from proofs_check.engine.expressions import Expression
from proofs_check.engine.sums import Body, BoundIndex
from proofs_check.engine.words import ONE, Atom, Letter, Word

_NUMERATORS = (0, 1, -1, 2, -2, 3, -3, 5, -5, 7, 12)
_DENOMINATORS = (1, 1, 2, 3, 5)
Point = dict[sympy.Symbol, balls.Value]


def _session_free(symbol: sympy.Symbol) -> tuple[str, str]:
    """A sorting key that tells symbols that print alike apart in the same way in every process."""
    return str(symbol), repr(words.meaning(symbol))


class NoModelError(ValueError):
    """The declared symbols have no instance of the kind that is tried."""


def sample_symbol(symbol: sympy.Symbol, generator: random.Random) -> flint.fmpq:
    """A small rational that has every assumed property of `symbol`; raises NoModelError."""
    wanted = {k: v for k, v in symbol.assumptions0.items() if v is not None}
    for _ in range(60):
        candidate = sympy.Rational(generator.choice(_NUMERATORS), generator.choice(_DENOMINATORS))
        if all(getattr(candidate, f"is_{name}") is value for name, value in wanted.items()):
            return flint.fmpq(int(candidate.p), int(candidate.q))
    raise NoModelError(f"no small rational has the assumptions of {symbol}")


class Model:
    """Sizes, numbers and rational matrices for everything that occurs in some expressions.

    Raises
    ------
    NoModelError
        If a symbol's assumptions admit no small rational, or a power is not rational.
    """

    def __init__(self, expressions: Iterable[sympy.Expr | Expression], conditions: Iterable[Any],
                 generator: random.Random, size: int) -> None:  # fmt: skip
        self._generator = generator
        self._scale = generator.choice((flint.fmpq(1), flint.fmpq(1), flint.fmpq(1, 4)))
        self.words: set[Word] = set()
        self.symbols: set[sympy.Symbol] = set()
        self.names: set[str] = set()
        for expression in [*expressions, *conditions]:
            self._collect(expression)
        self.sizes = self._choose_sizes(size)
        self.numbers = {words.dimension(name): flint.fmpq(n) for name, n in self.sizes.items()}
        for symbol in sorted(self.symbols, key=str):
            if symbol not in self.numbers:
                self.numbers[symbol] = sample_symbol(symbol, generator)
        self._bases: dict[tuple[Atom, tuple[str, ...]], flint.fmpq_mat] = {}
        self._degrees = self._root_degrees()
        self._build_eigenpairs()

    # ---- what occurs

    def _collect(self, expression: Any) -> None:
        if isinstance(expression, Expression):
            for word, coefficient in expression.terms.items():
                self._collect_word(word)
                self._collect(coefficient)
            self.names |= set(expression.shape) - {ONE}
            return
        for symbol in getattr(expression, "free_symbols", ()):
            known = words.meaning(symbol)
            if known is None and not isinstance(symbol, BoundIndex):
                self.symbols.add(symbol)
            elif known is not None:
                self._collect_content(known[1])

    def _collect_content(self, content: object) -> None:
        if isinstance(content, Body):
            for part in (content.low, content.high, content.kernel):
                self._collect(part)
            self._collect_word(content.core)
        else:
            self._collect_word(content)  # type: ignore[arg-type]

    def _collect_word(self, word: Word) -> None:
        if word in self.words:
            return
        self.words.add(word)
        for letter in word:
            self._collect(letter.power)
            atom = letter.atom
            for part in atom.index:
                self._collect(part)
            if atom.body is not None:
                self._collect_content(atom.body)
            if atom.eigen_of is not None:
                self._collect_word((Letter(atom.eigen_of),))
                self._collect(atom.eigenvalue)

    def _atoms(self) -> list[Atom]:
        return sorted({letter.atom for word in self.words for letter in word}, key=repr)

    # ---- choices

    def _choose_sizes(self, size: int) -> dict[str, int]:
        names = {name for atom in self._atoms() for name in (atom.rows, atom.cols)} - {ONE}
        names |= self.names
        sizes = {name: self._generator.choice((size, size, size + 1, 1)) for name in sorted(names)}
        for atom in self._atoms():
            if atom.orthonormal and atom.cols != ONE and sizes[atom.rows] < sizes[atom.cols]:
                sizes[atom.rows] = sizes[atom.cols]
        return sizes

    def _root_degrees(self) -> dict[Atom, int]:
        degrees: dict[Atom, int] = {}
        for word in self.words:
            for letter in word:
                p = self.rational(letter.power)
                degrees[letter.atom] = math.lcm(degrees.get(letter.atom, 1), int(p.q))
        return degrees

    def rational(self, expression: sympy.Expr, point: Point | None = None) -> flint.fmpq:
        """The rational value of an expression in the sampled numbers; raises NoModelError."""
        value = balls.evaluate(expression, {**self.numbers, **(point or {})})
        if not isinstance(value, flint.fmpq):
            raise NoModelError(f"{expression} is not rational at this point")
        return value

    # ---- matrices

    def _build_eigenpairs(self) -> None:
        atoms = self._atoms()
        for matrix in atoms:
            vectors = [atom for atom in atoms if atom.eigen_of == matrix]
            if vectors:
                self._build_eigen(matrix, vectors)

    def _base(self, atom: Atom, point: Point) -> flint.fmpq_mat:
        if isinstance(atom.body, Body):
            if self._degrees.get(atom, 1) != 1:
                raise NoModelError(f"the root of {atom.label} is not rational")
            summed: flint.fmpq_mat = self._sum(atom.body, point)
            return summed
        # members of a family with equal index values are the same vector
        values = tuple(str(self.rational(part, point)) for part in atom.index)
        key = (replace(atom, index=()), values)
        if key not in self._bases:
            self._bases[key] = self._random_matrix(atom)
        return self._bases[key]

    def _sum(self, body: Body, point: Point) -> Any:
        """The value of a sum: a rational matrix, or a number for an empty core."""
        low, high = (self.rational(limit, point) for limit in (body.low, body.high))
        if low.q != 1 or high.q != 1 or not 0 <= high - low + 1 <= 30:
            raise NoModelError(f"the limits of {body.text} are not a short range here")
        parts = []
        for k in range(int(low.p), int(high.p) + 1):
            inner = {**point, body.bound: flint.fmpq(k)}
            kernel = self.number(body.kernel, inner)
            if body.core and not isinstance(kernel, flint.fmpq):
                raise NoModelError(f"{body.kernel} is not rational at this point")
            parts.append(kernel * self.word(body.core, inner) if body.core else kernel)
        if not parts:
            rows, cols = ((self._size(body.core[0].rows), self._size(body.core[-1].cols))
                          if body.core else (0, 0))  # fmt: skip
            return flint.fmpq_mat(rows, cols) if body.core else flint.fmpq(0)
        return functools.reduce(balls.add, parts) if not body.core else sum(parts[1:], parts[0])

    def _entry(self) -> flint.fmpq:
        numerator = self._generator.randint(-4, 4)
        return self._scale * flint.fmpq(numerator, self._generator.choice((1, 1, 2, 3)))

    def _random(self, rows: int, cols: int) -> flint.fmpq_mat:
        return flint.fmpq_mat(rows, cols, [self._entry() for _ in range(rows * cols)])

    def _size(self, name: str) -> int:
        return 1 if name == ONE else self.sizes[name]

    def _random_matrix(self, atom: Atom) -> flint.fmpq_mat:
        rows, cols = self._size(atom.rows), self._size(atom.cols)
        for _ in range(40):
            candidate = self._candidate(atom, rows, cols)
            if atom.invertible and candidate.det() == 0:
                continue
            if atom.nonzero and all(x == 0 for x in candidate.entries()):
                continue
            return candidate
        raise NoModelError(f"no instance of {atom.label} found")

    def _candidate(self, atom: Atom, rows: int, cols: int) -> flint.fmpq_mat:
        if atom.orthogonal:
            return self._rotation(rows)
        if atom.orthonormal and cols > rows:
            raise NoModelError(f"{atom.label} has more orthonormal columns than rows here")
        if atom.orthonormal:
            q = self._rotation(rows)
            return flint.fmpq_mat(rows, cols, [q[i, j] for i in range(rows) for j in range(cols)])
        m = self._random(rows, cols)
        if atom.diagonal:
            entries = [self._entry() for _ in range(rows)]
            entries = [abs(x) for x in entries] if atom.semidefinite else entries
            return _diagonal(entries)
        if atom.definite:
            return m * m.transpose() + _diagonal([flint.fmpq(1, 2)] * rows)
        if atom.semidefinite:
            return m * m.transpose()
        return m + m.transpose() if atom.symmetric else m

    def _rotation(self, size: int) -> flint.fmpq_mat:
        m = self._random(size, size)
        skew, one = m - m.transpose(), _diagonal([flint.fmpq(1)] * size)
        signs = _diagonal([flint.fmpq(self._generator.choice((1, -1))) for _ in range(size)])
        return (one - skew) * (one + skew).inv() * signs

    def _build_eigen(self, matrix: Atom, vectors: Sequence[Atom]) -> None:
        size = self._size(matrix.rows)
        if len(vectors) > size or self._degrees.get(matrix, 1) != 1:
            raise NoModelError(f"{matrix.label} with its eigenvectors has no rational instance")
        values = [self.rational(v.eigenvalue) for v in vectors]
        rest = [self._entry() for _ in range(size - len(vectors))]
        values += [abs(x) + 1 if matrix.semidefinite else x for x in rest]
        if (matrix.semidefinite and min(values) < 0) or (matrix.invertible and 0 in values):
            raise NoModelError(f"an eigenvalue contradicts the declaration of {matrix.label}")
        q = self._rotation(size)
        self._bases[matrix, ()] = q * _diagonal(values) * q.transpose()
        for k, v in enumerate(vectors):
            scale = flint.fmpq(1) if v.orthonormal else abs(self._entry()) + 1
            column = [scale * q[i, k] for i in range(size)]
            self._bases[v, ()] = flint.fmpq_mat(size, 1, column)

    def letter(self, letter: Letter, point: Point) -> flint.fmpq_mat:
        """The rational matrix of a letter."""
        base = self._base(letter.atom, point)
        exponent = self.rational(letter.power, point) * self._degrees.get(letter.atom, 1)
        if exponent.q != 1 or abs(exponent.p) > 60:
            raise NoModelError(f"{letter.text} has no short rational instance here")
        result = _matrix_power(base, int(exponent.p))
        return result.transpose() if letter.transposed else result

    def word(self, word: Word, point: Point, size: str = ONE) -> flint.fmpq_mat:
        """The rational matrix of a word; the identity of `size` for the empty word."""
        if not word:
            return _diagonal([flint.fmpq(1)] * self._size(size))
        return functools.reduce(operator.mul, (self.letter(letter, point) for letter in word))

    # ---- evaluation

    def number(self, expression: sympy.Expr, point: Point | None = None) -> balls.Value:
        """The value of a SymPy expression, scalar words included."""
        return balls.evaluate(expression, self._complete(expression, point or {}))

    def _complete(self, expression: sympy.Basic, point: Point) -> Point:
        """All numbers that an expression needs: sampled, bound, and those of scalar words."""
        values = {**self.numbers, **point}
        for symbol in sorted(expression.free_symbols, key=_session_free):
            known = words.meaning(symbol)
            if known is not None:
                values[symbol] = self._value(*known, point)
        return values

    def _value(self, kind: str, content: Any, point: Point) -> balls.Value:
        if kind == "sum":
            return self._sum(content, point)
        m = self.word(content, point)
        return m[0, 0] if kind == "word" else sum((m[i, i] for i in range(1, m.nrows())), m[0, 0])

    def satisfies(self, condition: Any) -> bool:
        """Whether a SymPy relation (or And, Or, Not of them) certainly holds here."""
        if condition in (True, False):
            return bool(condition)
        return balls.decide(condition, self._complete(condition, {})) is True

    def entries(self, expression: sympy.Expr | Expression) -> list[balls.Value]:
        """The entries of an expression, row by row."""
        if not isinstance(expression, Expression):
            return [self.number(expression)]
        rows, cols = self._size(expression.rows), self._size(expression.cols)
        total: list[balls.Value] = [flint.fmpq(0)] * (rows * cols)
        for word, coefficient in expression.terms.items():
            c = self.number(coefficient)
            for k, entry in enumerate(self.word(word, {}, expression.rows).entries()):
                total[k] = balls.add(total[k], balls.multiply(c, entry))
        return total

    def describe(self) -> str:
        """The point in one line: sizes, numbers, matrices."""
        numbers = sorted(self.numbers.items(), key=lambda item: str(item[0]))
        parts = [f"{symbol} = {value}" for symbol, value in numbers]
        for (atom, index), base in sorted(self._bases.items(), key=lambda item: repr(item[0])):
            name = atom.name + (f"[{', '.join(index)}]" if index else "")
            degree = self._degrees.get(atom, 1)
            shown = [[str(x) for x in row] for row in _matrix_power(base, degree).tolist()]
            rows = "; ".join(", ".join(row) for row in shown)
            parts.append(f"{name} = [{rows}]")
        return ", ".join(parts)


def _diagonal(entries: Sequence[flint.fmpq]) -> flint.fmpq_mat:
    n = len(entries)
    flat = [entries[i] if i == j else flint.fmpq(0) for i in range(n) for j in range(n)]
    return flint.fmpq_mat(n, n, flat)


def _matrix_power(base: flint.fmpq_mat, n: int) -> flint.fmpq_mat:
    if n == 1:
        return base
    if base.nrows() != base.ncols():
        raise NoModelError("a power of a matrix that is not square")
    if n < 0:
        base, n = base.inv(), -n
    result = _diagonal([flint.fmpq(1)] * base.nrows())
    for _ in range(n):
        result = result * base
    return result
