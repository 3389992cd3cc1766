"""Absolute sums of random matrices for samplers: the kernel of the stream's backend.

Fused loops on the CPU, CUDA kernels on a GPU, and the references elsewhere; the numbers are the
same on all of them, to rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulations.kernels import ols_reference, wigner_reference

if TYPE_CHECKING:
    from simulations.engine.streams import Stream


def wigner_sums(stream: Stream, trials: int, d: int, **options: Any) -> tuple[Any, Any]:
    """``sum_i |M_ii|`` and ``sum_{i<j} |M_ij|`` of Gaussian Wigner matrices, (trials,) each.

    Options (``sigma_diagonal``, ``sigma_off``, ``precision``) and errors as in
    `wigner_reference.absolute_sums`.
    """
    key, first = stream.address()
    options |= {"key": key, "first": first}
    if stream.backend == "numpy":
        from simulations.kernels import wigner_cpu

        return wigner_cpu.absolute_sums(trials, d, **options)
    if stream.backend == "cupy":
        from simulations.kernels import wigner_gpu

        return wigner_gpu.absolute_sums(trials, d, **options)
    return wigner_reference.absolute_sums(stream.xp, trials, d, **options)


def ols_sums(stream: Stream, trials: int, d: int, n: int, **options: Any) -> tuple[Any, Any]:
    """``sum_i H_ii`` and ``sum_{i<j} |H_ij|`` of ``H = X X'``, Gaussian X, (trials,) each.

    Options (``mean``, ``precision``) and errors as in `ols_reference.bartlett_sums`.
    """
    key, first = stream.address()
    options |= {"key": key, "first": first}
    if stream.backend == "numpy":
        from simulations.kernels import ols_cpu

        return ols_cpu.bartlett_sums(trials, d, n, **options)
    if stream.backend == "cupy":
        from simulations.kernels import ols_gpu

        return ols_gpu.bartlett_sums(trials, d, n, **options)
    on, off = ols_reference.bartlett_sums(trials, d, n, **options)
    return stream.xp.asarray(on), stream.xp.asarray(off)
