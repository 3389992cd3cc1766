"""Words in non-commuting letters: declarations, rewriting to normal form, scalar words.

A letter is a declared vector or matrix with a power and a transposition mark; a word is a product
of letters with the empty word for the identity. The rules that shorten words are the ones that
hold in every dimension: ``A^p A^q = A^(p+q)``, ``Q' = Q^-1`` for an orthogonal Q, ``U'U = I`` for
orthonormal columns, ``B u = value u`` for an eigenvector, diagonal matrices commute. A word of
shape 1 x 1 is a number: it equals its transpose, and it becomes a commuting SymPy symbol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import sympy

ONE = "1"  # the dimension of a number; every other dimension is a name, valid for all sizes


@dataclass(frozen=True)
class Atom:
    """A declared vector or matrix; `rows` and `cols` are names of dimensions or ``"1"``."""

    name: str
    rows: str
    cols: str
    symmetric: bool = False
    semidefinite: bool = False
    definite: bool = False
    invertible: bool = False
    orthogonal: bool = False
    orthonormal: bool = False
    diagonal: bool = False
    nonzero: bool = False
    eigen_of: Atom | None = None
    eigenvalue: sympy.Expr | None = None
    index: tuple[sympy.Expr, ...] = ()
    body: object = None  # a sums.Body for a sum over an index that has no closed form

    @property
    def square(self) -> bool:
        """Whether both dimensions carry the same name."""
        return self.rows == self.cols

    @property
    def label(self) -> str:
        """The name, with the index of a member of a family."""
        return self.name + (f"[{', '.join(map(str, self.index))}]" if self.index else "")


class Letter(NamedTuple):
    """A power of an atom, possibly transposed."""

    atom: Atom
    power: sympy.Expr = sympy.Integer(1)
    transposed: bool = False

    @property
    def rows(self) -> str:
        """Name of the dimension on the left."""
        return self.atom.cols if self.transposed else self.atom.rows

    @property
    def cols(self) -> str:
        """Name of the dimension on the right."""
        return self.atom.rows if self.transposed else self.atom.cols

    @property
    def flipped(self) -> Letter:
        """The transposed letter."""
        if self.atom.orthogonal:
            return Letter(self.atom, -self.power)
        if self.atom.symmetric:
            return self
        return Letter(self.atom, self.power, not self.transposed)

    @property
    def text(self) -> str:
        """Plain text, for instance ``A^-1`` or ``g'``."""
        if self.power == 1:
            return self.atom.label + ("'" if self.transposed else "")
        if self.atom.orthogonal and self.power == -1:
            return self.atom.label + "'"
        exponent = str(self.power)
        exponent = exponent if exponent.lstrip("-").isalnum() else f"({exponent})"
        return f"{self.atom.label}^{exponent}" + ("'" if self.transposed else "")

    @property
    def latex(self) -> str:
        """LaTeX of the letter."""
        body = self.atom.body
        name = (sympy.latex(sympy.Symbol(self.atom.name)) if body is None
                else f"({body.latex})")  # type: ignore[attr-defined]  # fmt: skip
        if self.atom.index:
            name += "_{" + ", ".join(map(sympy.latex, self.atom.index)) + "}"
        mark = r"\top" if self.transposed else ""
        if self.atom.orthogonal and self.power == -1:
            return name + r"^{\top}"
        exponent = "" if self.power == 1 else sympy.latex(self.power)
        return name + (f"^{{{exponent}{mark}}}" if exponent or mark else "")


Word = tuple[Letter, ...]
Terms = dict[Word, sympy.Expr]


def transpose(word: Word) -> Word:
    """The transposed word."""
    return tuple(letter.flipped for letter in reversed(word))


def order(word: Word) -> tuple[tuple[str, ...], ...]:
    """A sorting key that does not depend on the session."""
    return tuple((x.atom.label, str(x.power), str(x.transposed), repr(x.atom)) for x in word)


def normal_form(letters: Word) -> tuple[sympy.Expr, Word]:
    """Coefficient and word to which the product of `letters` reduces."""
    factor: sympy.Expr = sympy.Integer(1)
    done: list[Letter] = []
    waiting = list(reversed(letters))
    while waiting:
        letter = waiting.pop()
        if not done:
            done.append(letter)
            continue
        rewritten = _pair(done[-1], letter)
        if rewritten is None:
            done.append(letter)
            continue
        scale, shorter = rewritten
        factor *= scale
        done.pop()
        waiting.extend(reversed(shorter))
    return factor, tuple(done)


def _pair(left: Letter, right: Letter) -> tuple[sympy.Expr, Word] | None:
    """What two neighbours become, or None where no rule applies."""
    one = sympy.Integer(1)
    a, b = left.atom, right.atom
    if a == b and a.orthonormal and left.transposed and not right.transposed:
        return one, ()
    if a == b and a.square and left.transposed == right.transposed:
        power = sympy.expand(left.power + right.power)
        return one, () if power == 0 else (Letter(a, power, left.transposed),)
    if b.eigen_of == a and b.eigenvalue is not None and not right.transposed:
        return b.eigenvalue**left.power, (right,)
    if a.eigen_of == b and a.eigenvalue is not None and left.transposed:
        return a.eigenvalue**right.power, (left,)
    if a.diagonal and b.diagonal and a != b and order((right,)) < order((left,)):
        return one, (right, left)
    return None


def is_semidefinite(word: Word) -> bool:
    """Whether the word is visibly ``w' w`` or ``w' A w`` with A positive semidefinite."""
    half, odd = divmod(len(word), 2)
    if transpose(word[:half]) != word[half + odd :]:
        return False
    return not odd or _semidefinite_letter(word[half])


def is_positive(word: Word) -> bool:
    """Whether a scalar word ``x' ... x`` is visibly positive: x nonzero, nothing singular."""
    if not word or not is_semidefinite(word) or not word[-1].atom.nonzero:
        return False
    half, odd = divmod(len(word), 2)
    regular = all(letter.atom.invertible for letter in word[half + odd : -1])
    return regular and (not odd or word[half].atom.invertible)


def _semidefinite_letter(letter: Letter) -> bool:
    if letter.atom.semidefinite:
        return bool(letter.power.is_real)
    return letter.atom.symmetric and bool(letter.power.is_even)


class WordSymbol(sympy.Symbol):  # type: ignore[misc]
    """The commuting symbol that stands for a scalar word or a trace.

    It prints as its content does: its name may carry marks that tell it from a symbol of another
    declaration, and which of them is marked depends on what the process has seen before.
    """

    __slots__ = ()

    def _sympystr(self, printer: object) -> str:
        return str(self.name).rstrip(_MARK)

    def _latex(self, printer: object) -> str:
        kind, content = _MEANING_OF[self]
        if kind == "sum":
            return str(content.latex)  # type: ignore[attr-defined]
        shown = latex(content)  # type: ignore[arg-type]
        return rf"\operatorname{{tr}}({shown})" if kind == "trace" else rf"({shown})"


_MARK = "*"
_SYMBOL_OF: dict[tuple[str, object], WordSymbol] = {}
_MEANING_OF: dict[WordSymbol, tuple[str, object]] = {}


def meaning(symbol: sympy.Symbol) -> tuple[str, object] | None:
    """``("word", word)`` or ``("trace", word)`` of a WordSymbol; None for any other symbol."""
    return _MEANING_OF.get(symbol)


def symbol_for(kind: str, content: object, name: str, *, nonnegative: bool,
               positive: bool = False) -> WordSymbol:  # fmt: skip
    """The symbol of this content; equal content gives the same symbol, different never."""
    key = (kind, content)
    if key not in _SYMBOL_OF:
        assumptions = {"real": True} | ({"nonnegative": True} if nonnegative else {})
        assumptions |= {"positive": True} if positive else {}
        symbol = WordSymbol(name, **assumptions)
        while symbol in _MEANING_OF:  # another declaration prints the same
            name += _MARK
            symbol = WordSymbol(name, **assumptions)
        _SYMBOL_OF[key] = symbol
        _MEANING_OF[symbol] = key
    return _SYMBOL_OF[key]


def text(word: Word) -> str:
    """Plain text of a word."""
    return " ".join(letter.text for letter in word) if word else "I"


def latex(word: Word) -> str:
    """LaTeX of a word."""
    return " ".join(letter.latex for letter in word) if word else "I"


def scalar(word: Word) -> sympy.Expr:
    """The number that a 1 x 1 word in normal form is."""
    if not word:
        return sympy.Integer(1)
    canonical = min(word, transpose(word), key=order)
    position = _summed(canonical)
    if position is not None:
        return _inside_sum(canonical, position, scalar)
    return symbol_for("word", canonical, f"({text(canonical)})",
                      nonnegative=is_semidefinite(canonical),
                      positive=is_positive(canonical))  # fmt: skip


def _summed(word: Word) -> int | None:
    """Position of a sum over an index that a number can be drawn into."""
    found = (k for k, x in enumerate(word) if x.atom.body is not None and x.power.is_Integer
             and x.power > 0)  # fmt: skip
    return next(found, None)


def _inside_sum(word: Word, position: int, close: Callable[[Word], sympy.Expr]) -> sympy.Expr:
    from proofs_check.engine import sums  # sums are built from words

    letter = word[position]
    rest = () if letter.power == 1 else (letter._replace(power=letter.power - 1),)
    return sums.draw_in(word[:position], letter, (*rest, *word[position + 1 :]), close)


def split(word: Word) -> list[Word]:
    """The pieces between inner dimensions 1: numbers, one column and one row at most."""
    pieces: list[Word] = []
    start = 0
    for position in range(1, len(word)):
        if word[position].rows == ONE:
            pieces.append(word[start:position])
            start = position
    return [*pieces, word[start:]] if word else []


def assemble(letters: Word) -> tuple[sympy.Expr, Word]:
    """Normal form of a product with its scalar words taken out as commuting factors."""
    factor, word = normal_form(letters)
    kept: list[Letter] = []
    for piece in split(word):
        if piece[0].rows == ONE and piece[-1].cols == ONE:
            factor *= scalar(piece)
        else:
            kept.extend(piece)
    return factor, tuple(kept)


def dimension(name: str) -> sympy.Expr:
    """The positive integer that a dimension's name stands for."""
    return sympy.Integer(1) if name == ONE else sympy.Symbol(name, integer=True, positive=True)


def trace(word: Word, size: str) -> sympy.Expr:
    """The trace of a square word in normal form, up to rotation and transposition."""
    pieces = split(word)
    if len(pieces) > 1:
        factor, rest = assemble(pieces[-1] + pieces[0])
        return factor if not rest else factor * trace(rest, size)
    factor = sympy.Integer(1)
    while len(word) > 1 and _shortens(word):
        size = word[-1].rows
        scale, word = normal_form((word[-1], *word[:-1]))
        factor *= scale
    if not word:
        return factor * dimension(size)
    turns = [word[k:] + word[:k] for k in range(len(word))]
    turns += [transpose(turn) for turn in turns]
    canonical = min(turns, key=order)
    position = _summed(canonical)
    if position is not None:
        size = canonical[0].rows
        return factor * _inside_sum(canonical, position, lambda inner: trace(inner, size))
    psd = any(is_semidefinite(turn) for turn in turns)
    return factor * symbol_for("trace", canonical, f"tr({text(canonical)})", nonnegative=psd)


def _shortens(word: Word) -> bool:
    rewritten = _pair(word[-1], word[0])
    return rewritten is not None and len(rewritten[1]) < 2


def multiply(left: Terms, right: Terms) -> Terms:
    """The product of two sums of words."""
    product: Terms = {}
    for first, a in left.items():
        for second, b in right.items():
            factor, word = assemble(first + second)
            product[word] = product.get(word, sympy.Integer(0)) + sympy.expand(a * b * factor)
    return product
