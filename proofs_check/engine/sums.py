"""Sums of words over an index with symbolic limits.

A sum is brought to normal form by taking out what does not depend on the index, by moving integer
offsets out of its limits (``S_(t+1) = S_t + term(t+1)``, empty and reversed sums by Karr's
convention) and by closed forms for polynomial and geometric coefficients. What remains is one new
symbol, equal for equal sums. A number that contains a sum is drawn into it: ``x'Sx = sum x' . x``.

Powers are split as ``b^(t-i) = b^t b^(-i)``: identities hold wherever both sides are defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy

from proofs_check.engine import words
from proofs_check.engine.words import Atom, Letter, Terms, Word

_MOST = 200  # explicit terms of one sum


class BoundIndex(sympy.Symbol):  # type: ignore[misc]
    """The index of a sum in normal form; it is no symbol that a user can have."""

    __slots__ = ()


@dataclass(frozen=True)
class Body:
    """``sum over bound = low..high of kernel * core``; an empty core makes it a number."""

    kernel: sympy.Expr
    core: Word
    bound: BoundIndex
    low: sympy.Expr
    high: sympy.Expr

    @property
    def text(self) -> str:
        """Plain text."""
        factors = [str(self.kernel)] * (self.kernel != 1) + [words.text(self.core)] * bool(
            self.core
        )
        return f"sum[{self.bound}={self.low}..{self.high}] {' '.join(factors)}"

    @property
    def latex(self) -> str:
        """LaTeX."""
        kernel = sympy.latex(self.kernel) if self.kernel != 1 else ""
        core = words.latex(self.core) if self.core else ""
        index, low, high = (sympy.latex(part) for part in (self.bound, self.low, self.high))
        return rf"\sum_{{{index}={low}}}^{{{high}}} {kernel} {core}"


def total(terms: Terms, index: sympy.Symbol, low: sympy.Expr, high: sympy.Expr) -> Terms:
    """Normal form of the sum of `terms` over ``index = low..high``.

    Raises
    ------
    ValueError
        If the index is not declared an integer, or occurs in the limits.
    """
    if not index.is_integer or index in (low.free_symbols | high.free_symbols):
        raise ValueError(f"index {index}: it must be an integer symbol that is not in the limits")
    bound = BoundIndex("ijklmn"[_depth(terms)], integer=True,
                       **({"nonnegative": True} if low.is_nonnegative else {}))  # fmt: skip
    result: Terms = {}
    for word, coefficient in substitute(terms, {index: bound}).items():
        left, core, right = _isolate(word, bound)
        for part in sympy.Add.make_args(sympy.expand(coefficient)):
            free, kernel = _separate(part, bound)
            summed = _sum(Body(kernel, core, bound, low, high))
            scaled = {piece: free * c for piece, c in summed.items()}
            _accumulate(result, words.multiply(words.multiply({left: sympy.Integer(1)}, scaled),
                                               {right: sympy.Integer(1)}))  # fmt: skip
    return result


def substitute(terms: Terms, mapping: Mapping[sympy.Symbol, sympy.Expr]) -> Terms:
    """The terms with numbers put for symbols, in coefficients, indices, powers and limits."""
    result: Terms = {}
    for word, coefficient in terms.items():
        product: Terms = {(): substitute_number(coefficient, mapping)}
        for letter in word:
            product = words.multiply(product, _substitute_letter(letter, mapping))
        _accumulate(result, product)
    return result


def substitute_number(number: sympy.Expr, mapping: Mapping[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    """A coefficient with numbers put for symbols, also inside its scalar words."""
    replaced = dict(mapping)
    for symbol in number.free_symbols:
        known = words.meaning(symbol)
        if known is not None:
            replaced[symbol] = _substitute_symbol(symbol, *known, mapping)
    return number.subs(replaced, simultaneous=True)


def draw_in(left: Word, letter: Letter, right: Word,
            close: Callable[[Word], sympy.Expr]) -> sympy.Expr:  # fmt: skip
    """The number ``left (sum) right`` as the sum of numbers."""
    body = letter.atom.body
    assert isinstance(body, Body)
    core = words.transpose(body.core) if letter.transposed else body.core
    index = sympy.Dummy("i", integer=True, nonnegative=body.bound.is_nonnegative)
    inside = substitute({left + core + right: sympy.Integer(1)}, {body.bound: index})
    kernel = substitute_number(body.kernel, {body.bound: index})
    term = sum((c * close(word) for word, c in inside.items()), sympy.Integer(0))
    summed = total({(): kernel * term}, index, body.low, body.high)
    return sum(summed.values(), sympy.Integer(0))


# ---- normal form of one sum


def _sum(body: Body) -> Terms:
    if body.low.is_Integer and body.high.is_Integer and abs(body.high - body.low) <= _MOST:
        return _explicit(body, body.low, body.high)
    closed = None if body.core else _closed_form(body)
    if closed is not None:
        return {(): closed}
    result: Terms = {}
    base, offset = _base_and_offset(body.high)
    if offset:
        first, last = (base + 1, body.high) if offset > 0 else (body.high + 1, base)
        edge = _explicit(body, first, last)
        if _finite(edge):
            body = Body(body.kernel, body.core, body.bound, body.low, base)
            _accumulate(result, edge, 1 if offset > 0 else -1)
    base, offset = _base_and_offset(body.low)
    if offset:
        first, last = (base, body.low - 1) if offset > 0 else (body.low, base - 1)
        edge = _explicit(body, first, last)
        if _finite(edge):
            body = Body(body.kernel, body.core, body.bound, base, body.high)
            _accumulate(result, edge, -1 if offset > 0 else 1)
    _accumulate(result, _symbol(body))
    return result


def _base_and_offset(limit: sympy.Expr) -> tuple[sympy.Expr, int]:
    offset, base = limit.as_coeff_Add()
    small = offset.is_Integer and abs(offset) <= _MOST
    return (base, int(offset)) if small else (limit, 0)


def _explicit(body: Body, first: sympy.Expr, last: sympy.Expr) -> Terms:
    count = int(sympy.expand(last - first)) + 1
    sign = 1 if count >= 0 else -1
    start = first if count >= 0 else last + 1
    result: Terms = {}
    for k in range(abs(count)):
        term = substitute({body.core: body.kernel}, {body.bound: sympy.expand(start + k)})
        _accumulate(result, term, sign)
    return result


def _finite(terms: Terms) -> bool:
    return not any(c.has(sympy.zoo, sympy.nan, sympy.oo) for c in terms.values())


def _closed_form(body: Body) -> sympy.Expr | None:
    kernel, bound = body.kernel, body.bound
    if any(words.meaning(symbol) for symbol in kernel.free_symbols):
        return None
    if kernel.is_polynomial(bound):
        return sympy.expand(sympy.Sum(kernel, (bound, body.low, body.high)).doit())
    if not kernel.is_Pow or kernel.base.has(bound):
        return None
    slope = sympy.diff(kernel.exp, bound)
    if slope.has(bound) or sympy.expand(kernel.exp - slope * bound) != 0:
        return None
    first, beyond = (kernel.subs(bound, end) for end in (body.low, body.high + 1))
    return (first - beyond) / (1 - kernel.base**slope)


def _symbol(body: Body) -> Terms:
    nonnegative = bool(body.kernel.is_nonnegative and body.low.is_nonnegative)
    if not body.core:
        known = nonnegative and _in_order(body)
        symbol = words.symbol_for("sum", body, f"({body.text})", nonnegative=known)
        return {(): symbol}
    flipped = words.transpose(body.core)
    if words.order(flipped) < words.order(body.core):
        ((word, coefficient),) = _symbol(Body(body.kernel, flipped, *_range(body))).items()
        return {words.transpose(word): coefficient}
    semidefinite = nonnegative and _in_order(body) and words.is_semidefinite(body.core)
    atom = Atom(f"({body.text})", body.core[0].rows, body.core[-1].cols,
                symmetric=flipped == body.core, semidefinite=semidefinite, body=body)  # fmt: skip
    return {(Letter(atom),): sympy.Integer(1)}


def _range(body: Body) -> tuple[BoundIndex, sympy.Expr, sympy.Expr]:
    return body.bound, body.low, body.high


def _in_order(body: Body) -> bool:
    """Whether the sum is not reversed; a reversed one carries the opposite sign."""
    return (body.high - body.low + 1).is_nonnegative is True


# ---- parts that depend on an index


def _depends(item: object, bound: sympy.Symbol) -> bool:
    if isinstance(item, sympy.Basic):
        meanings = (words.meaning(symbol) for symbol in item.free_symbols)
        return bound in item.free_symbols or any(
            known is not None and _depends(known[1], bound) for known in meanings)  # fmt: skip
    if isinstance(item, Letter):
        atom = item.atom
        parts = (item.power, *atom.index, atom.eigenvalue, atom.eigen_of, atom.body)
        return any(_depends(part, bound) for part in parts if part is not None)
    if isinstance(item, Atom):
        return _depends(Letter(item), bound)
    if isinstance(item, Body):
        return any(_depends(part, bound) for part in (item.kernel, item.core, item.low, item.high))
    return isinstance(item, tuple) and any(_depends(letter, bound) for letter in item)


def _isolate(word: Word, bound: sympy.Symbol) -> tuple[Word, Word, Word]:
    touched = [k for k, letter in enumerate(word) if _depends(letter, bound)]
    if not touched:
        return word, (), ()
    first, last = touched[0], touched[-1] + 1
    return word[:first], word[first:last], word[last:]


def _separate(part: sympy.Expr, bound: sympy.Symbol) -> tuple[sympy.Expr, sympy.Expr]:
    free, kernel = sympy.Integer(1), sympy.Integer(1)
    for factor in sympy.Mul.make_args(part):
        if not _depends(factor, bound):
            free *= factor
        elif factor.is_Pow and not _depends(factor.base, bound):
            for exponent in sympy.Add.make_args(sympy.expand(factor.exp)):
                if _depends(exponent, bound):
                    kernel *= factor.base**exponent
                else:
                    free *= factor.base**exponent
        else:
            kernel *= factor
    return free, kernel


def _depth(terms: Terms) -> int:
    return max((_depth_of(item) for pair in terms.items() for item in pair), default=0)


def _depth_of(item: object) -> int:
    if isinstance(item, Body):
        return 1 + max(_depth_of(item.kernel), _depth_of(item.core))
    if isinstance(item, Letter):
        return _depth_of(item.atom.body)
    if isinstance(item, sympy.Basic):
        meanings = (words.meaning(symbol) for symbol in item.free_symbols)
        return max((_depth_of(known[1]) for known in meanings if known), default=0)
    return max(map(_depth_of, item), default=0) if isinstance(item, tuple) else 0


# ---- substitution


def _substitute_letter(letter: Letter, mapping: Mapping[sympy.Symbol, sympy.Expr]) -> Terms:
    atom = letter.atom
    if not any(_depends(letter, symbol) for symbol in mapping):
        return {(letter,): sympy.Integer(1)}
    if isinstance(atom.body, Body):
        terms = _substitute_body(atom.body, mapping)
        if letter.power != 1 and len(terms) != 1:
            raise ValueError(f"{letter.text}: a power of a sum cannot be substituted into")
        if letter.power == 1:
            flip = words.transpose if letter.transposed else (lambda word: word)
            return {flip(word): c for word, c in terms.items()}
        ((word, c),) = terms.items()
        return {tuple(x._replace(power=letter.power) for x in word): c**letter.power}
    changed = Atom(**{**atom.__dict__,
                      "index": tuple(sympy.expand(p.subs(mapping)) for p in atom.index),
                      "eigenvalue": atom.eigenvalue and atom.eigenvalue.subs(mapping)})  # fmt: skip
    power = sympy.expand(letter.power.subs(mapping))
    return {(): sympy.Integer(1)} if power == 0 else {
        (Letter(changed, power, letter.transposed),): sympy.Integer(1)}  # fmt: skip


def _substitute_body(body: Body, mapping: Mapping[sympy.Symbol, sympy.Expr]) -> Terms:
    index = sympy.Dummy("i", integer=True, nonnegative=body.bound.is_nonnegative)
    inside = substitute({body.core: body.kernel}, {**mapping, body.bound: index})
    low, high = (sympy.expand(limit.subs(mapping)) for limit in (body.low, body.high))
    return total(inside, index, low, high)


def _substitute_symbol(symbol: sympy.Symbol, kind: str, content: object,
                       mapping: Mapping[sympy.Symbol, sympy.Expr]) -> sympy.Expr:  # fmt: skip
    if not any(_depends(content, key) for key in mapping):
        return symbol
    if isinstance(content, Body):
        return sum(_substitute_body(content, mapping).values(), sympy.Integer(0))
    assert isinstance(content, tuple)
    terms = substitute({content: sympy.Integer(1)}, mapping)
    if kind == "trace":
        size = content[0].rows
        return sum((c * words.trace(word, size) for word, c in terms.items()), sympy.Integer(0))
    return sum(terms.values(), sympy.Integer(0))


def _accumulate(into: Terms, terms: Terms, sign: int = 1) -> None:
    for word, coefficient in terms.items():
        into[word] = sympy.expand(into.get(word, sympy.Integer(0)) + sign * coefficient)
