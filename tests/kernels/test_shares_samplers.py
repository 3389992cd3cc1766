"""The samplers' choice of a kernel: the same numbers on every backend, whole or in parts."""

import numpy as np
import pytest

from simulations.engine.backend import Backend, select_backend
from simulations.engine.streams import Stream
from simulations.kernels import shares, wigner_cpu

CALLS = {
    "wigner": lambda s, trials: shares.wigner_sums(s, trials, 11, sigma_off=2.0),
    "ols": lambda s, trials: shares.ols_sums(s, trials, 5, 9, mean=0.5),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_backends_draw_the_same_numbers(call):
    stream = Stream(select_backend("numpy"), 77, 3)
    here, again = call(stream, 4), call(stream, 4)
    elsewhere = call(Stream(select_backend("strict"), 77, 3), 4)
    for ours, theirs, others in zip(here, elsewhere, again, strict=True):
        # Sums of at most 55 numbers, and products of 6: a few dozen eps.
        np.testing.assert_allclose(np.from_dlpack(theirs), ours, rtol=1e-13)
        assert not np.any(others == ours)


def test_addresses_name_key_block_call_and_first_trial():
    def addresses(backend, key, block, part=None):
        stream = Stream(Backend(backend, select_backend("numpy").xp, "CPU"), key, block, part)
        return [stream.address() for _ in range(3)]

    here = addresses("numpy", 7, 0)
    assert here == addresses("cupy", 7, 0)
    assert [(key, 4) for key, _ in here] == addresses("cupy", 7, 0, (4, 9, 20))
    keys = {key for at in ((7, 0), (7, 1), (8, 0), (70, 0)) for key, _ in addresses("numpy", *at)}
    assert len(keys) == 12
    # A part continues the trials of the block.
    (key, first), *_ = addresses("cupy", 7, 0, (4, 9, 20))
    part = wigner_cpu.absolute_sums(5, 6, key=key, first=first)[1]
    np.testing.assert_array_equal(part, wigner_cpu.absolute_sums(20, 6, key=key)[1][4:9])
