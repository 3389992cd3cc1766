"""Vectors of 64 bytes in Numba kernels: 8 float64 or 16 float32 at a time.

What the automatic vectoriser cannot be told: several rows at a pass, trials across lanes, and
the estimate of the reciprocal square root that AVX-512 has. A `Lanes` value supports ``+ - *`` and
``/`` with its like, and the functions below; on narrower machines LLVM splits it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.core.typing.templates import signature as typed
from numba.extending import intrinsic, lower_builtin, models, register_model

BYTES = 64
WIDTH = {"float64": 8, "float32": 16}
_I32 = ir.IntType(32)


class Lanes(types.Type):  # type: ignore[misc]
    """Numba type of a vector of `element`."""

    def __init__(self, element: Any) -> None:
        self.element, self.width = element, WIDTH[element.name]
        super().__init__(name=f"Lanes({element.name})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, _vector(kind))


def _vector(kind: Lanes) -> ir.VectorType:
    scalar = ir.DoubleType() if kind.element == types.float64 else ir.FloatType()
    return ir.VectorType(scalar, kind.width)


def _operator(symbol: Callable[..., Any], emit: Callable[..., Any]) -> None:
    @infer_global(symbol)
    class Typing(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            alike = len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]
            return typed(args[0], *args) if alike else None

    @lower_builtin(symbol, Lanes, Lanes)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, *args)


_operator(operator.add, lambda builder, a, b: builder.fadd(a, b))
_operator(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_operator(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_operator(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))


def _splat(builder: Any, kind: Lanes, value: Any) -> Any:
    vector = _vector(kind)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, _I32(0))
    zeros = ir.Constant(ir.VectorType(_I32, kind.width), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _constant(kind: Lanes, value: float) -> Any:
    vector = _vector(kind)
    return ir.Constant(vector, [ir.Constant(vector.element, value)] * kind.width)


def _call(builder: Any, name: str, kind: Lanes, *args: Any) -> Any:
    """Call an LLVM intrinsic that maps vectors to a vector; `name` without its suffix."""
    suffix = f".v{kind.width}f{64 if kind.width == 8 else 32}" if name.count(".") == 1 else ""
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_vector(kind), [a.type for a in args]), name + suffix
    )
    return builder.call(function, args)


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any, kind: Lanes) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _vector(kind).as_pointer())


def _sum(builder: Any, value: Any) -> Any:
    """Sum of all lanes, halves first."""
    width = value.type.count
    while width > 1:
        width //= 2
        undefined = ir.Constant(value.type, ir.Undefined)
        low, high = (
            builder.shuffle_vector(
                value, undefined,
                ir.Constant(ir.VectorType(_I32, width), [_I32(first + k) for k in range(width)]),
            )
            for first in (0, width)
        )  # fmt: skip
        value = builder.fadd(low, high)
    return builder.extract_element(value, _I32(0))


@intrinsic
def load(context: Any, array: Any, index: Any) -> Any:
    """Vector that starts at element `index` of a flat contiguous array; no bounds are checked."""
    kind = Lanes(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = _place(context, builder, array, args[0], args[1], kind)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return kind(array, types.intp), emit


@intrinsic
def store(context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector to the elements from `index` on."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = _place(context, builder, array, args[0], args[1], value)
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


@intrinsic
def splat(context: Any, like: Any, value: Any) -> Any:
    """Vector of the type of `like` with the same number in all lanes."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, like, args[1])

    return like(like, like.element), emit


@intrinsic
def total(context: Any, x: Any) -> Any:
    """Sum of all lanes."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _sum(builder, args[0])

    return x.element(x), emit


@intrinsic
def totals(context: Any, low: Any, high: Any) -> Any:
    """Vector of the sums of 8 vectors `low`, and of 8 more, `high`, where there are 16 lanes."""
    kind = low[0]

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        tuples = args if kind.width > low.count else args[:1]
        found = [builder.extract_value(x, k) for x in tuples for k in range(low.count)]
        apart = 1
        while apart < kind.width:
            found = [_fold(builder, found[k], found[k + 1], apart) for k in range(0, len(found), 2)]
            apart *= 2
        return found[0]

    return kind(low, high), emit


def _fold(builder: Any, a: Any, b: Any, apart: int) -> Any:
    """Sums of lanes l and l + apart: of a where l has not the bit `apart`, else of b."""
    width = a.type.count
    mine = [k if not k & apart else width + k - apart for k in range(width)]
    index = ir.VectorType(_I32, width)
    first, second = (
        builder.shuffle_vector(a, b, ir.Constant(index, [_I32(k + shift) for k in mine]))
        for shift in (0, apart)
    )
    return builder.fadd(first, second)


@intrinsic
def fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a b + c``, rounded once."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.fma", a, *args)

    return a(a, a, a), emit


@intrinsic
def fnma(context: Any, a: Any, b: Any, c: Any) -> Any:
    """``c - a b``, rounded once."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.fma", a, builder.fneg(args[0]), *args[1:])

    return a(a, a, a), emit


@intrinsic
def root(context: Any, x: Any) -> Any:
    """Square root, rounded correctly."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.sqrt", x, *args)

    return x(x), emit


@intrinsic
def larger(context: Any, a: Any, b: Any) -> Any:
    """The larger of each pair; b where one of them is NaN."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return a(a, a), emit


@intrinsic
def where_positive(context: Any, x: Any, value: Any) -> Any:
    """`value` where x > 0, else 0."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = _constant(x, 0.0)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[1], zero)

    return x(x, x), emit


@intrinsic
def sign(context: Any, x: Any) -> Any:
    """-1, 0 or 1; NaN for NaN."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (value,) = args
        zero = _constant(x, 0.0)
        up = builder.select(builder.fcmp_ordered(">", value, zero), _constant(x, 1.0), value)
        return builder.select(builder.fcmp_ordered("<", value, zero), _constant(x, -1.0), up)

    return x(x), emit


def has_estimates() -> bool:
    """Whether the processor that Numba compiles for estimates 1/sqrt to 14 bits (AVX-512).

    The host, unless NUMBA_CPU_NAME or NUMBA_CPU_FEATURES is set; then the features must say so.
    """
    import llvmlite.binding as llvm

    features = config.CPU_FEATURES
    if config.CPU_NAME is not None or features is not None:
        return "+avx512f" in (features or "").split(",")
    return bool(llvm.get_host_cpu_features().get("avx512f", False))


@intrinsic
def rsqrt14(context: Any, x: Any) -> Any:
    """Estimate of 1/sqrt(x), relative error below 2^-14, for normal x > 0; see `has_estimates`."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = "pd" if x.width == 8 else "ps"
        mask = ir.Constant(ir.IntType(x.width), -1)
        name = f"llvm.x86.avx512.rsqrt14.{kind}.512"
        return _call(builder, name, x, args[0], _constant(x, 0.0), mask)

    return x(x), emit
