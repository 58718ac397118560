"""What variables keep their values in: who sees a write, and who may keep what he read."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.ops.cells import CellLock, Handover, RefCell, ResourceCell, writing


def test_a_reference_is_written_in_place_while_its_shape_stays() -> None:
    cell = RefCell("v", dtypes.float32, (2,))
    cell.assign(np.array([1, 2], np.float32))
    buffer = cell.read()
    cell.assign(np.array([3, 4], np.float32))
    assert cell.read() is buffer
    assert buffer.tolist() == [3, 4]
    cell.assign(np.zeros((3, 1), np.float32), validate_shape=False)
    assert cell.read().shape == (3, 1)
    assert buffer.tolist() == [3, 4]


def test_the_first_value_is_a_copy_in_row_order() -> None:
    value = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    cell = RefCell("v", dtypes.float64, (2, 3))
    cell.assign(value)
    value[0, 0] = 100
    assert cell.read()[0, 0] == 0
    assert np.shares_memory(cell.read().reshape(-1), cell.read())


def test_a_value_that_is_given_away_is_kept() -> None:
    value = np.arange(3.0).view(Handover)
    reference = RefCell("v", dtypes.float64, (3,))
    reference.assign(value)
    assert type(reference.read()) is np.ndarray
    assert np.shares_memory(reference.read(), value)
    other = np.arange(3.0).view(Handover)
    resource = ResourceCell("v", dtypes.float64, (3,))
    resource.assign(other)
    assert np.shares_memory(resource.read(), other)


def test_another_shape_is_refused_by_name() -> None:
    cell = RefCell("layer/w", dtypes.float32, (2,))
    for _ in range(2):
        with pytest.raises(
            errors.InvalidArgumentError,
            match=r"lhs shape= \[2\] rhs shape= \[3\].*'layer/w' has shape \[2\]",
        ):
            cell.assign(np.zeros(3, np.float32))
        cell.assign(np.zeros(2, np.float32))


def test_what_was_read_from_a_resource_never_changes() -> None:
    cell = ResourceCell("v", dtypes.float32, (2,))
    cell.assign(np.array([1, 2], np.float32))
    seen = cell.read()
    with writing([cell]):
        cell.writable()[0] = 9
    assert seen.tolist() == [1, 2]
    assert cell.read().tolist() == [9, 2]


def test_a_resource_that_nobody_has_read_is_written_in_place() -> None:
    cell = ResourceCell("v", dtypes.float32, (2,))
    cell.assign(np.array([1, 2], np.float32))
    place = cell.value.ctypes.data
    with writing([cell]):
        cell.writable()[0] = 9
    assert cell.value.ctypes.data == place
    part = cell.read()[1:]
    with writing([cell]):
        cell.writable()[1] = 8
    assert part.tolist() == [2]


def test_updates_of_several_variables_do_not_lock_each_other_out() -> None:
    cells = [RefCell(name, dtypes.int64, ()) for name in "ab"]
    for cell in cells:
        cell.assign(np.array(0))

    def count(order: list[RefCell]) -> None:
        for _ in range(2000):
            with writing(order):
                for cell in order:
                    cell.writable()[...] += 1

    threads = [threading.Thread(target=count, args=(order,)) for order in (cells, cells[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [int(cell.read()) for cell in cells] == [4000, 4000]


@pytest.mark.parametrize(
    ("name", "other"),
    [("w_1", "w"), ("w", "w_1"), ("a_1/w", "a/w"), ("a/b/w", "a/b_1/w")],
)
def test_a_twin_that_is_initialized_is_named(name: str, other: str) -> None:
    twin = RefCell(other, dtypes.float32, ())
    twin.assign(np.zeros((), np.float32))
    cell = RefCell(name, dtypes.float32, ())
    cell.look_around({other: twin}.get)
    with pytest.raises(
        errors.FailedPreconditionError,
        match=f"Attempting to use uninitialized value {name}. '{other}' is initialized",
    ):
        cell.read()
    lonely = RefCell(name, dtypes.float32, ())
    lonely.look_around({}.get)
    with pytest.raises(errors.FailedPreconditionError, match=f"value {name}") as raised:
        lonely.read()
    assert raised.value.message.endswith(f"value {name}")


def test_who_asks_to_be_first_is_not_kept_waiting_by_those_who_come_again_and_again() -> None:
    cell = RefCell("v", dtypes.float32, ())
    done = threading.Event()

    def come_again() -> None:
        while not done.is_set():
            with writing([cell]), cell.lock:
                sum(range(2000))

    threads = [threading.Thread(target=come_again) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            with cell.lock.first():
                pass
    finally:
        done.set()
        for thread in threads:
            thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)


def test_an_interrupt_while_waiting_leaves_no_lock_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = sorted((RefCell("a"), RefCell("b")), key=id)

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(second.lock), "acquire", _acquire_unless(second.lock, interrupted))
    with pytest.raises(KeyboardInterrupt), writing([second, first]):
        pass
    got: list[bool] = []
    other = threading.Thread(target=lambda: got.append(first.lock._lock.acquire(blocking=False)))
    other.start()
    other.join()
    assert got == [True]


def _acquire_unless(refused: CellLock, instead: Callable[[], None]) -> Callable[[CellLock], None]:
    real = CellLock.acquire

    def acquire(lock: CellLock) -> None:
        (instead if lock is refused else lambda: real(lock))()

    return acquire
