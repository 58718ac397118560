"""``tf.io.gfile``: the functions of `gfile` under the names and argument names that TensorFlow gave them in 1.13."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evergraph import errors
from evergraph.storage import gfile
from evergraph.storage.filesystem import FileStatistics, Path, path_text

__all__ = [
    "copy",
    "exists",
    "get_registered_schemes",
    "glob",
    "isdir",
    "join",
    "listdir",
    "makedirs",
    "mkdir",
    "remove",
    "rename",
    "rmtree",
    "stat",
    "walk",
]


def copy(src: Path, dst: Path, overwrite: bool = False) -> None:
    """As `gfile.Copy`."""
    gfile.Copy(src, dst, overwrite)


def exists(path: Path) -> bool:
    """As `gfile.Exists`."""
    return gfile.Exists(path)


def get_registered_schemes() -> list[str]:
    """What may stand before ``://``, with the empty text for local paths; some need another package."""
    try:
        from fsspec import available_protocols
    except ImportError:
        return ["", "file"]
    return ["", *sorted({"file", "ram", *available_protocols()})]


def glob(pattern: Path | Iterable[Path]) -> list[str]:
    """As `gfile.Glob`."""
    return gfile.Glob(pattern)


def isdir(path: Path) -> bool:
    """As `gfile.IsDirectory`."""
    return gfile.IsDirectory(path)


def join(path: Any, *paths: Any) -> Any:
    """Joins parts of a path, which may begin with a scheme. A part that is absolute replaces those before it."""
    return os.path.join(path, *paths)


def listdir(path: Path) -> list[str]:
    """As `gfile.ListDirectory`."""
    return gfile.ListDirectory(path)


def makedirs(path: Path) -> None:
    """As `gfile.MakeDirs`."""
    gfile.MakeDirs(path)


def mkdir(path: Path) -> None:
    """As `gfile.MkDir`."""
    gfile.MkDir(path)


def remove(path: Path) -> None:
    """As `gfile.Remove`."""
    gfile.Remove(path)


def rename(src: Path, dst: Path, overwrite: bool = False) -> None:
    """As `gfile.Rename`."""
    gfile.Rename(src, dst, overwrite)


def rmtree(path: Path) -> None:
    """As `gfile.DeleteRecursively`."""
    gfile.DeleteRecursively(path)


def stat(path: Path) -> FileStatistics:
    """As `gfile.Stat`."""
    return gfile.Stat(path)


def walk(
    top: Path, topdown: bool = True, onerror: Callable[[errors.OpError], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `gfile.Walk`; ``onerror`` is called with the error of a folder that is not there."""
    if onerror is not None:
        try:
            gfile.ListDirectory(top)
        except errors.NotFoundError as error:
            onerror(error)
            return
    yield from gfile.Walk(path_text(top), topdown)
