"""Files as ops: what is in one, writing one, and the names that match a pattern.

Running one asks for the capability ``files``. What is read may change between runs, so nothing is read ahead of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.operation import Operation
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem
from evergraph.storage.gfile import Glob


def _scalar(value: Any, what: str) -> bytes:
    if np.ndim(value) != 0:
        raise errors.InvalidArgumentError(
            None, None, f"{what} must be scalar but had shape: {shapes.text(np.shape(value))}"
        )
    return bytes(np.asarray(value, object).item())


@op("ReadFile", "filename: string -> contents: string", reads=True, host=True)
class ReadFile:
    def shape(c):
        return shapes.with_rank(c.shape(0), 0)

    def compute(ctx, filename):
        ctx.require("files")
        path = to_text(_scalar(filename, "Input filename tensor"))
        with filesystem(path).open_random_access(path) as file:
            return np.array(bytes(file.read(0, file.size)), object)


@op("WriteFile", "filename: string, contents: string ->", stateful=True, host=True)
class WriteFile:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        shapes.with_rank(c.shape(1), 0)
        return []

    def compute(ctx, filename, contents):
        ctx.require("files")
        path = to_text(_scalar(filename, "Input filename tensor"))
        data = _scalar(contents, "Contents tensor")
        files = filesystem(path)
        folder, _ = paths.split(path)
        if folder:
            files.make_folder(folder, parents=True)
        with files.open(path, "wb") as file:
            file.write(data)


@op("MatchingFiles", "pattern: string -> filenames: string", reads=True, host=True)
class MatchingFiles:
    def shape(c):
        rank = c.shape(0)
        if rank is not None and len(rank) > 1:
            shapes.with_rank(rank, 1)
        return (None,)

    def compute(ctx, pattern):
        ctx.require("files")
        patterns = np.asarray(pattern, object)
        if patterns.ndim > 1:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Input patterns tensor must be scalar or vector, but had shape: {shapes.text(patterns.shape)}",
            )
        found = sorted(Glob([to_text(each) for each in patterns.reshape(-1)]))
        return np.array([name.encode("utf-8", "surrogateescape") for name in found], object)


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The contents of the file ``filename`` (a scalar), as bytes, when it runs.

    Raises (when it runs): NotFoundError, FailedPreconditionError for a folder, PermissionDeniedError where the graph
    was not given the capability ``files``.
    """
    return ReadFile(filename, name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> Operation:
    """An operation that writes the bytes ``contents`` (a scalar) to a file, making the folders that it lies in.

    Raises (when it runs): as ``read_file``.
    """
    return WriteFile(filename, contents, name=name)


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The names of the files and folders that match ``pattern`` (a scalar, or several in a vector), sorted.

    What patterns mean: ``evergraph.storage.gfile.Glob``.
    """
    return MatchingFiles(pattern, name=name)
