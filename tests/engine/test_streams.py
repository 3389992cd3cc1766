"""Streams: reproducible, independent of order, disjoint between blocks, and of the right law."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from simulations.engine.backend import Backend, select_backend
from simulations.engine.philox import PhiloxDraws, philox4x32
from simulations.engine.streams import Stream, canonical_json, numpy_generator, stream_key
from theory.core import ClaimError

SIZE = 20_000
# Chance that a correct sampler fails one law test.
LEVEL = 1e-6

LAWS = {
    "normal": (lambda s: s.normal(SIZE), stats.norm.cdf),
    "uniform": (lambda s: s.uniform(SIZE), stats.uniform.cdf),
    "exponential": (lambda s: s.exponential(SIZE), stats.expon.cdf),
    "laplace": (lambda s: s.laplace(SIZE), stats.laplace.cdf),
    "student_t 3": (lambda s: s.student_t(3.0, SIZE), stats.t(3.0).cdf),
    "student_t 1/2": (lambda s: s.student_t(0.5, SIZE), stats.t(0.5).cdf),
    "chisquare 1": (lambda s: s.chisquare(1, SIZE), stats.chi2(1).cdf),
    "chisquare 7": (lambda s: s.chisquare(7.0, SIZE), stats.chi2(7.0).cdf),
    # alpha = 1/2 is the Lévy law: E exp(-l S) = exp(-sqrt l) with scale 1/2.
    "positive_stable 1/2": (lambda s: s.positive_stable(0.5, SIZE), stats.levy(scale=0.5).cdf),
}


def stream(generator: str, *, seed: int = 1, block: int = 0) -> Stream:
    key = stream_key(seed, "paper/item", "check", {"d": 4})
    if generator == "numpy":
        return Stream(select_backend("numpy"), key, block)
    # The generator of a GPU, on arrays that accept nothing outside the standard.
    return Stream(Backend("cupy", select_backend("strict").xp, "CPU"), key, block)


def values(array: object) -> np.ndarray:
    return np.asarray(np.from_dlpack(array))


@pytest.mark.parametrize("generator", ["numpy", "counter"])
@pytest.mark.parametrize("law", LAWS)
def test_law(generator, law):
    draw, cdf = LAWS[law]
    sample = values(draw(stream(generator)))
    assert sample.dtype == np.float64
    assert stats.kstest(sample, cdf).pvalue > LEVEL


@pytest.mark.parametrize("generator", ["numpy", "counter"])
@pytest.mark.parametrize("alpha", [0.3, 0.8])
def test_positive_stable_has_its_laplace_transform(generator, alpha):
    sample = values(stream(generator).positive_stable(alpha, SIZE))
    for rate in (0.2, 1.0, 4.0):
        terms = np.exp(-rate * sample)
        deviation = terms.mean() - math.exp(-(rate**alpha))
        assert abs(deviation) < 5.0 * terms.std() / math.sqrt(SIZE)


@pytest.mark.parametrize("generator", ["numpy", "counter"])
def test_discrete_laws(generator):
    s = stream(generator)
    signs = values(s.rademacher((SIZE, 2)))
    assert signs.shape == (SIZE, 2)
    assert signs.dtype == np.float64
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert stats.binomtest(int((signs > 0).sum()), 2 * SIZE).pvalue > LEVEL
    whole = values(s.integers(-2, 5, SIZE))
    assert whole.dtype == np.int64
    counts = np.bincount(whole + 2)
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > LEVEL


@pytest.mark.parametrize("generator", ["numpy", "counter"])
def test_same_block_same_numbers_and_other_block_other_numbers(generator):
    first, again = (values(stream(generator).normal(50)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    others = [stream(generator, block=1), stream(generator, seed=2)]
    for other in others:
        assert not np.intersect1d(first, values(other.normal(50))).size


@pytest.mark.parametrize("generator", ["numpy", "counter"])
def test_successive_draws_do_not_repeat(generator):
    s = stream(generator)
    drawn = np.concatenate([values(s.uniform(shape)).ravel() for shape in (3, (5, 7), 2, (4,))])
    assert len(np.unique(drawn)) == 44


def test_blocks_cannot_overlap():
    # The block is the highest word of a 256-bit counter: 2^192 values lie in between.
    state = numpy_generator(5, 7).bit_generator.state["state"]
    np.testing.assert_array_equal(state["counter"], np.array([0, 0, 0, 7], dtype=np.uint64))
    for block in (-1, 2**64):
        with pytest.raises(ValueError, match="block is"):
            numpy_generator(5, block)
    with pytest.raises(ValueError, match="block is"):
        PhiloxDraws(np, 5, 2**32)


def test_key_depends_on_every_part_and_not_on_order():
    key = stream_key(1, "a/b", "f", {"d": 2, "n": 3})
    assert key == stream_key(1, "a/b", "f", {"n": 3, "d": 2})
    assert key == stream_key(1, "a/b", "f", {"n": np.int64(3), "d": 2})
    others = {
        stream_key(2, "a/b", "f", {"d": 2, "n": 3}), stream_key(1, "a/c", "f", {"d": 2, "n": 3}),
        stream_key(1, "a/b", "g", {"d": 2, "n": 3}), stream_key(1, "a/b", "f", {"d": 3, "n": 2}),
        stream_key(1, "a/b", "f", {"d": 2}),
    }  # fmt: skip
    assert len(others | {key}) == 6
    assert 0 <= key < 2**128


@pytest.mark.parametrize("bad", [math.nan, math.inf, object()])
def test_point_without_json_form_is_refused(bad):
    with pytest.raises(ClaimError, match="no JSON form"):
        canonical_json({"d": bad})


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    # Known-answer vectors published with the Random123 library of Salmon et al. (2011).
    words = tuple(np.asarray([word], dtype=np.uint64) for word in counter)
    assert tuple(int(word[0]) for word in philox4x32(words, key)) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.positive_stable(1.0, 3),
        lambda s: s.student_t(0.0, 3),
        lambda s: s.chisquare(-1.0, 3),
        lambda s: s.integers(2, 2, 3),
    ],
)
def test_parameters_out_of_range_are_named(call):
    with pytest.raises(ValueError, match="it must be"):
        call(stream("numpy"))


DRAWS = {
    "uniform": lambda s, shape: s.uniform(shape),
    "normal": lambda s, shape: s.normal(shape),
    "exponential": lambda s, shape: s.exponential(shape),
    "integers": lambda s, shape: s.integers(-2, 5, shape),
    "chi-square below two degrees": lambda s, shape: s.chisquare(0.7, shape),
    "t": lambda s, shape: s.student_t(3.0, shape),
    "stable": lambda s, shape: s.positive_stable(0.4, shape),
}


@pytest.mark.parametrize("law", DRAWS)
@pytest.mark.parametrize("rest", [(), (3,), (2, 5)])
def test_parts_of_a_block_have_the_numbers_of_the_whole(law, rest):
    def drawn(part):
        total = 13 if part is None else part[1] - part[0]
        backend = Backend("cupy", select_backend("strict").xp, "CPU")
        s = Stream(backend, stream_key(3, "a/b", "f", {}), 1, part)
        # Twice, and a normal draw after it: the position must not depend on the part either.
        found = [DRAWS[law](s, (total, *rest)) for _ in range(2)] + [s.normal((total, *rest))]
        return [values(one) for one in found]

    whole = drawn(None)
    cuts = (0, 1, 6, 7, 13)
    parts = [drawn((low, high, 13)) for low, high in pairwise(cuts)]
    for k, expected in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[k] for part in parts]), expected)


def test_only_a_gpu_draws_a_part():
    with pytest.raises(ValueError, match="only a GPU draws a part"):
        Stream(select_backend("numpy"), 1, 0, (0, 1, 2))


@pytest.mark.parametrize("generator", ["numpy", "counter"])
def test_children_do_not_depend_on_what_was_drawn(generator):
    fresh, used = stream(generator), stream(generator)
    used.normal(1000)
    used.child("other").normal(10)
    first = values(fresh.child("starts").normal(SIZE))
    assert (values(used.child("starts").normal(SIZE)) == first).all()
    assert fresh.child("starts").identity == used.child("starts").identity != fresh.identity
    others = [
        fresh.child("gradients"),
        fresh.child("starts").child("starts"),
        stream(generator),
        stream(generator, block=1).child("starts"),
        stream(generator, seed=2).child("starts"),
    ]
    for other in others:
        assert other.identity != fresh.child("starts").identity
        correlation = np.corrcoef(first, values(other.normal(SIZE)))[0, 1]
        # A correlation of independent samples has standard deviation SIZE^-1/2.
        assert abs(correlation) < 5.0 / math.sqrt(SIZE)
