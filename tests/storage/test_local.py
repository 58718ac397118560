"""Reading by position, and what an OSError becomes."""

from __future__ import annotations

import errno
import os
import pathlib
import threading

import pytest

from evergraph import errors
from evergraph.storage.filesystem import filesystem
from evergraph.storage.local import LOCAL, LocalFile
from evergraph.storage.os_errors import storage_errors


def test_read_by_position(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(range(100)))
    with filesystem(path).open_random_access(str(path)) as file:
        assert file.size == 100
        assert file.read(10, 3) == bytes([10, 11, 12])
        assert file.read(100, 0) == b""
        buffer = bytearray(4)
        file.read_into(96, memoryview(buffer))
        assert buffer == bytes([96, 97, 98, 99])


@pytest.mark.parametrize(("offset", "length"), [(0, 101), (100, 1), (-1, 1), (5, -1), (1 << 70, 1)])
def test_reading_outside_allocates_nothing(
    tmp_path: pathlib.Path, offset: int, length: int
) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(100))
    with LocalFile(str(path)) as file, pytest.raises(errors.OutOfRangeError, match="has 100"):
        file.read(offset, length)


def test_file_cut_short_while_open(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(100))
    with LocalFile(str(path)) as file:
        os.truncate(path, 10)
        with pytest.raises(errors.OutOfRangeError, match="ends at 10"):
            file.read(0, 100)


def test_open_file_survives_its_removal(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"here")
    with LocalFile(str(path)) as file:
        path.unlink()
        assert file.read(0, 4) == b"here"


def test_closed_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"here")
    file = LocalFile(str(path))
    file.close()
    file.close()
    with pytest.raises(errors.FailedPreconditionError, match="has been closed"):
        file.read(0, 1)


def test_what_is_not_a_file(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.FailedPreconditionError, match="not a file"):
        LocalFile(str(tmp_path / "pipe"))
    with pytest.raises(IsADirectoryError):
        LocalFile(str(tmp_path))
    with pytest.raises(errors.FailedPreconditionError, match="not a file"):
        LocalFile("/dev/zero")


def test_no_descriptor_is_left_open(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"here")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    for _ in range(50):
        LocalFile(str(path)).read(0, 1)
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_threads_share_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"".join(bytes([i]) * 1000 for i in range(100)))
    wrong = []
    with LocalFile(str(path)) as file:

        def check(first: int) -> None:
            for i in range(first, 100, 4):
                if file.read(i * 1000, 1000) != bytes([i]) * 1000:
                    wrong.append(i)

        threads = [threading.Thread(target=check, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("number", "cls"),
    [
        (errno.ENOENT, errors.FileMissingError),
        (errno.EEXIST, errors.FileAlreadyExistsError),
        (errno.EACCES, errors.PermissionDeniedError),
        (errno.EROFS, errors.PermissionDeniedError),
        (errno.EISDIR, errors.IsFolderError),
        (errno.ENOTDIR, errors.NotFolderError),
        (errno.ENOTEMPTY, errors.FailedPreconditionError),
        (errno.ENOSPC, errors.StorageFullError),
        (errno.EMFILE, errors.ResourceExhaustedError),
        (errno.ENAMETOOLONG, errors.InvalidArgumentError),
        (errno.EFBIG, errors.OutOfRangeError),
        (errno.EXDEV, errors.UnimplementedError),
        (errno.ETIMEDOUT, errors.DeadlineExceededError),
        (errno.ESTALE, errors.AbortedError),
        (errno.EIO, errors.UnknownError),
    ],
)
def test_errno_to_class(number: int, cls: type[errors.OpError]) -> None:
    with pytest.raises(errors.OpError) as caught, storage_errors("some/path"):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is cls
    assert str(caught.value).startswith(f"some/path; {os.strerror(number)}")
    if isinstance(caught.value, OSError):
        assert caught.value.filename == "some/path"


def test_missing_file_names_what_is_there(tmp_path: pathlib.Path) -> None:
    (tmp_path / "model.ckpt-500.index").touch()
    with pytest.raises(FileNotFoundError, match=r"Nearest names there: 'model.ckpt-500.index'"):
        LocalFile(str(tmp_path / "model.ckpt-50.index"))
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*/runs'"):
        LocalFile(str(tmp_path / "runs/7/model"))


def test_errors_of_our_own_pass_through() -> None:
    with pytest.raises(errors.DataLossError), storage_errors("x"):
        raise errors.DataLossError(None, None, "m")


def test_list_folder_is_sorted(tmp_path: pathlib.Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    assert LOCAL.list_folder(str(tmp_path)) == ["a", "b", "c"]
