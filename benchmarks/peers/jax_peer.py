"""JAX with optax: one compiled scan over the steps, vectorised or mapped over the trials."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

# Both are read when JAX starts: one thread, and the CPU even where there is a GPU.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.workload import BETA, BETA1, BETA2, EPS, ETA, Array, Workload

jax.config.update("jax_enable_x64", True)


class Jax:
    """optax under ``jit(scan)``; state is donated, so that it is updated in place.

    Parameters
    ----------
    mapped : bool
        ``lax.map`` over the trials, which keeps a trial in the cache, instead of ``vmap``.
    """

    def __init__(self, work: Workload, *, mapped: bool) -> None:
        self._work, self._target = work, jnp.asarray(work.target)
        self.least = 32 if mapped else 1
        self.name = "JAX + optax, scan, " + ("lax.map" if mapped else "vmap")
        rule = optax.adam(ETA, BETA1, BETA2, EPS) if work.adam else optax.sgd(ETA, BETA)
        self._init = jax.jit(jax.vmap(rule.init))

        def one(steps: int, carry: Any) -> Any:
            def step(carry: Any, _: None) -> Any:
                parameters, state = carry
                gradient = jax.grad(self._loss)(parameters)
                updates, state = rule.update(gradient, state, parameters)
                return (optax.apply_updates(parameters, updates), state), None

            return jax.lax.scan(step, carry, None, length=steps)[0]

        def every(carry: Any, steps: int) -> Any:
            advance = partial(one, steps)
            return jax.lax.map(advance, carry) if mapped else jax.vmap(advance)(carry)

        self._run = jax.jit(every, static_argnums=1, donate_argnums=0)

    def _loss(self, parameters: Any) -> Any:
        error = parameters[0] @ parameters[1] - self._target
        return 0.5 * jnp.sum(error * error)

    def reset(self) -> None:
        """See `Contestant`."""
        parameters = tuple(jnp.asarray(x) for x in self._work.weights)
        self._carry = jax.block_until_ready((parameters, self._init(parameters)))

    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        self._carry = jax.block_until_ready(self._run(self._carry, steps))

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        w, W = (np.asarray(x) for x in self._carry[0])
        return w, W


def contestants(work: Workload) -> list[Jax]:
    """The JAX peers."""
    return [Jax(work, mapped=False), Jax(work, mapped=True)]
