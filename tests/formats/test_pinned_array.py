"""Pinned arrays: the elements stay, whoever writes to the memory, and nobody waits longer than for one piece."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats.crc32c import crc32c
from evergraph.formats.pinned_array import PinnedArray, SpareArrays
from evergraph.formats.tensor_bytes import hand_over

LARGE = np.arange(3 << 20, dtype=np.uint8)


def test_elements_move_between_two_pieces() -> None:
    memory = LARGE.copy()
    pinned = PinnedArray(memory)
    pieces: list[bytes] = []
    owner: list[threading.Thread] = []

    def overwrite() -> None:
        pinned.move()
        memory[:] = 0

    def write(piece: Any) -> None:
        if not pieces:
            owner.append(threading.Thread(target=overwrite))
            owner[0].start()
            owner[0].join(0.05)
            assert owner[0].is_alive()  # the piece that is being written is waited for
            assert memory[1] == 1
        elif len(pieces) == 1:
            owner[0].join(30)
            assert not owner[0].is_alive()  # the others are not
            assert not memory.any()
        pieces.append(bytes(piece))

    crc = hand_over(pinned, write)
    assert len(pieces) == 3
    assert b"".join(pieces) == LARGE.tobytes()
    assert crc == crc32c(LARGE.tobytes())
    assert pinned.copied_bytes == LARGE.nbytes


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10, dtype=np.float32),
        np.arange(100_000, dtype=np.int64),
        np.array([b"a", b"bc"], object),
        np.zeros((0, 3), np.int8),
        np.float64(3.5).reshape(()),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_the_same_bytes_as_those_of_the_array(array: Any) -> None:
    plain: list[bytes] = []
    pinned: list[bytes] = []
    crc = hand_over(array, lambda piece: plain.append(bytes(piece)))
    assert hand_over(PinnedArray(array), lambda piece: pinned.append(bytes(piece))) == crc
    assert pinned == plain


def test_a_failed_write_keeps_nobody_waiting() -> None:
    pinned = PinnedArray(LARGE)

    def fail(piece: Any) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space") as caught:
        hand_over(pinned, fail)
    # The traceback, and with it the frames of the failed write, is still there.
    assert caught.tb
    pinned.move()
    assert pinned.copied_bytes == LARGE.nbytes


def test_what_has_been_released_is_nobodys_concern() -> None:
    pinned = PinnedArray(LARGE, uses=2)
    pinned.release()
    assert pinned.is_needed
    pinned.release()
    assert not pinned.is_needed
    pinned.move()
    assert pinned.copied_bytes == 0
    with pytest.raises(errors.FailedPreconditionError, match="released"), pinned.steady():
        pass


def test_the_memory_of_a_copy_serves_the_next_one() -> None:
    spares = SpareArrays()
    memory = LARGE.copy()
    addresses = set()
    for value in range(3):
        memory[:] = value
        pinned = PinnedArray(memory, spares=spares)
        pinned.move()
        memory[:] = 99
        with pinned.steady() as array:
            assert array[0] == array[-1] == value
            addresses.add(array.ctypes.data)
        pinned.release()
    assert len(addresses) == 1
    other = PinnedArray(np.arange(1 << 20, dtype=np.int8), spares=spares)
    other.move()  # of another shape
    with other.steady() as array:
        assert array.shape == (1 << 20,)


def test_a_move_that_was_interrupted_is_done_again() -> None:
    class Interrupted(threading.Condition):
        """A condition whose first wait is interrupted, as by Ctrl+C."""

        waits: ClassVar[list[bool]] = []

        def wait_for(self, predicate: Any, timeout: float | None = None) -> Any:
            self.waits.append(not predicate())
            if len(self.waits) == 1:
                raise KeyboardInterrupt
            return True

    memory = LARGE.copy()
    pinned = PinnedArray(memory, moved=Interrupted())
    with pinned.steady() as array:
        with pytest.raises(KeyboardInterrupt):
            pinned.move()
        pinned.move()  # does not take the copy for what the block looks at
        assert array is memory
        assert Interrupted.waits == [True, True]
    with pinned.steady() as array:
        assert array is not memory
        np.testing.assert_array_equal(array, LARGE)
