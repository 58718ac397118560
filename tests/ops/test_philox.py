"""Random draws against TensorFlow's (tools/record_philox.py), and what streams promise."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import numpy as np
import pytest

from evergraph.errors import InternalError, InvalidArgumentError
from evergraph.ops.philox import PhiloxStream, key_counter, stateless_stream, stream_at
from evergraph.ops.philox_bits import CHUNK_BLOCKS, Philox
from tests.ops import philox_rows
from tests.ops.philox_rows import Row

GOLDEN = Path(__file__).parent / "goldens" / "philox" / "draws.npz"


def golden_rows() -> list[Row]:
    """The rows of the recording."""
    rng = random.Random(20151109)
    return [
        *philox_rows.fixed_rows(rng, philox_rows.SIZES),
        *philox_rows.fixed_rows(rng, [philox_rows.BIG], runs=1),
        *philox_rows.shaped_rows(rng),
        *philox_rows.multinomial_rows(rng),
        *philox_rows.rejection_rows(rng, 100),
        *philox_rows.parameterized_rows(rng),
        *philox_rows.stateless_rows(rng, 257),
    ]


def test_golden_draws() -> None:
    rows = golden_rows()
    with np.load(GOLDEN) as golden:
        assert golden["rows"].tolist() == [philox_rows.row_hash(row) for row in rows], (
            "the rows are not those that were recorded: run tools/record_philox.py"
        )
        expected = iter(golden["outputs"].tolist())
        recorded = golden["samples"]
    problems: list[str | None] = []
    for row in rows:
        for output in (output for run in philox_rows.drawn(row) for output in run):
            found = f"{output.dtype.name}{list(output.shape)} {philox_rows.value_hash(row, output)}"
            wanted = next(expected)
            if found != wanted:
                problems.append(f"{row}: {found}, TensorFlow {wanted}")
            ours = philox_rows.sample(output)
            theirs, recorded = recorded[: ours.nbytes], recorded[ours.nbytes :]
            problems.append(philox_rows.problem(row, ours, theirs.copy().view(ours.dtype)))
    assert not [problem for problem in problems if problem]
    assert not recorded.size


def test_published_vectors() -> None:
    """Known answers of Philox4x32-10 from the authors' library Random123 (kat_vectors)."""
    zeros = Philox(0, 0).words(1)
    ones = Philox(2**64 - 1, 2**128 - 1).words(1)
    counter = 0x03707344_13198A2E_85A308D3_243F6A88
    digits = Philox(0x299F31D0_A4093822, counter).words(1)
    assert [hex(word) for word in zeros[0]] == [
        "0x6627e8d5",
        "0xe169c58d",
        "0xbc57ac4c",
        "0x9b00dbd8",
    ]
    assert [hex(word) for word in ones[0]] == [
        "0x408f276d",
        "0x41c83b0e",
        "0xa20bc7c6",
        "0x6d5451fd",
    ]
    assert [hex(word) for word in digits[0]] == [
        "0xd16cfe09",
        "0x94fdcceb",
        "0x5001e420",
        "0x24126ea1",
    ]


@pytest.mark.parametrize("counter", [0, 2**32 - 3, 2**64 - 3, 2**96 - 3, 2**128 - 3])
def test_blocks_are_counted_in_128_bits(counter: int) -> None:
    start = Philox(5, counter)
    singles = [start.skip(i).words(1)[0] for i in range(6)]
    np.testing.assert_array_equal(start.words(6), singles)
    np.testing.assert_array_equal(
        start.words_at(np.array([4, 1], np.uint64)), [singles[4], singles[1]]
    )


@pytest.mark.parametrize("dtype", philox_rows.REALS)
@pytest.mark.parametrize("draw", ["uniform", "standard_normal", "truncated_normal"])
def test_a_draw_begins_like_a_longer_one(draw: str, dtype: str) -> None:
    """How the work is cut into pieces does not show."""
    kind = philox_rows.dtype_of(dtype)
    sizes = (1, 3, 4 * CHUNK_BLOCKS - 1, 4 * CHUNK_BLOCKS + 1, 5 * CHUNK_BLOCKS)
    longest = getattr(PhiloxStream(1, 2), draw)((sizes[-1],), kind)
    for size in sizes:
        drawn = getattr(PhiloxStream(1, 2), draw)((size,), kind)
        np.testing.assert_array_equal(drawn, longest[:size])


def test_unseeded_streams_differ() -> None:
    first, second = (PhiloxStream(0, 0).uniform((8,), np.float64) for _ in range(2))
    assert not np.array_equal(first, second)


def test_threads_share_a_stream() -> None:
    """Each draw gets a part of the stream of its own: together they are the draws of one thread."""
    alone, shared = PhiloxStream(3, 4), PhiloxStream(3, 4)
    expected = {alone.uniform((5,), np.float32).tobytes() for _ in range(80)}
    found: list[bytes] = []

    def work() -> None:
        found.extend(shared.uniform((5,), np.float32).tobytes() for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(expected) == 80
    assert set(found) == expected


def test_key_and_counter_are_the_stateless_stream() -> None:
    key, counter = key_counter((12, -34))
    drawn = stream_at(key, counter).standard_normal((9,), np.float32)
    np.testing.assert_array_equal(
        drawn, stateless_stream((12, -34)).standard_normal((9,), np.float32)
    )


def test_ranges() -> None:
    stream = PhiloxStream(1, 1)
    for dtype in philox_rows.REALS:
        kind = philox_rows.dtype_of(dtype)
        drawn = stream.uniform((20_000,), kind).astype(np.float64)
        assert drawn.min() >= 0.0
        assert drawn.max() < 1.0
        cut = stream.truncated_normal((20_000,), kind).astype(np.float64)
        assert 1.99 < np.abs(cut).max() <= 2.0
        assert abs(cut.mean()) < 0.02
    integers = stream.uniform_int((1000,), -3, 4, np.int64)
    assert set(integers.tolist()) == set(range(-3, 4))


def test_shuffle_leaves_its_argument_alone() -> None:
    value = np.arange(10)
    shuffled = PhiloxStream(1, 1).shuffle(value)
    assert value.tolist() == list(range(10))
    assert sorted(shuffled.tolist()) == value.tolist()
    assert shuffled.tolist() != value.tolist()
    single = np.zeros((1, 3))
    assert not np.shares_memory(PhiloxStream(1, 1).shuffle(single), single)


BAD_DRAWS = {
    "empty range": (lambda s: s.uniform_int((1,), 3, 3, np.int32), "minval < maxval, got 3 >= 3"),
    "dtype": (lambda s: s.uniform((1,), np.int32), "uniform draw is half, bfloat16.*int32"),
    "integer dtype": (lambda s: s.uniform_int((1,), 0, 3, np.int8), "32 or 64 bits.*int8"),
    "negative size": (lambda s: s.uniform((2, -1), np.float32), r"-1 must be >= 0.*\[2, -1\]"),
    "logits": (lambda s: s.multinomial(np.zeros(3), 1, np.int64), r"a matrix, got shape \[3\]"),
    "classes": (lambda s: s.multinomial(np.zeros((2, 0)), 1, np.int64), "num_classes.*positive"),
    "samples": (lambda s: s.multinomial(np.zeros((2, 2)), -1, np.int64), "nonnegative, got -1"),
    "rate": (lambda s: s.poisson((1,), np.array([np.nan]), np.float32), "rate is NaN"),
    "large rate": (lambda s: s.poisson((1,), np.array([1e30]), np.int32), "4096 attempts"),
    "no shape": (
        lambda s: s.parameterized_truncated_normal((), 0, 1, -1, 1, np.float32),
        "must not be empty",
    ),
    "parameter": (
        lambda s: s.parameterized_truncated_normal((3,), [0, 0], 1, -1, 1, np.float32),
        r"means should be.*shape\[0\] \(3\).*\[2\]",
    ),
    "bounds": (
        lambda s: s.parameterized_truncated_normal((3,), 0, 1, 1, -1, np.float32),
        "minval < maxval",
    ),
}


@pytest.mark.parametrize("name", BAD_DRAWS)
def test_bad_draws(name: str) -> None:
    draw, message = BAD_DRAWS[name]
    with pytest.raises(InvalidArgumentError, match=message):
        draw(PhiloxStream(1, 2))


def test_hopeless_bounds() -> None:
    with pytest.raises(InternalError, match="refused 1000 candidates"):
        PhiloxStream(1, 2).parameterized_truncated_normal((2,), np.nan, 1, 2, 3, np.float32)


def test_an_empty_range_draws_nothing() -> None:
    assert PhiloxStream(1, 2).uniform_int((0, 2), 3, 3, np.int32).shape == (0, 2)
