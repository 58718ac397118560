"""Text files that tables are filled from, vocabularies among them: a line an entry.

Key and value stand in columns; either may also be the whole line, or its number. Lines end in ``\\n`` or ``\\r\\n``.
An empty line is an error, unless it stands after as many lines as the vocabulary is said to have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph import room
from evergraph.ops.string_values import number_parser
from evergraph.ops.table_state import invalid
from evergraph.storage.filesystem import filesystem

WHOLE_LINE = -2
LINE_NUMBER = -1
#: As many lines as there are.
ALL = -1
# What a line takes beside its text.
_LINE_BYTES = 42

_PARSED = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def lines(path: str, count: int = ALL) -> Iterator[bytes]:
    """The lines of a file without their ends: the first ``count``, or all.

    Raises, each when its line is come to: InvalidArgumentError for an empty line, and where there are fewer lines;
    OutOfRangeError where there is none or none is wanted. NotFoundError where there is no such file,
    FailedPreconditionError where it is a pipe or a device.
    """
    data = filesystem(path).read_file(path)
    # A line is an object, however short.
    room.reserve(len(data) + _LINE_BYTES * data.count(b"\n"))
    found = data.split(b"\n")
    if not found[-1]:
        found.pop()
    for number, line in enumerate(found if count == ALL else found[:count], 1):
        text = line.removesuffix(b"\r")
        if not text:
            raise invalid(f"Invalid content in {path}: empty line found, line {number}")
        yield text
    if len(found) < count:
        raise invalid(f"Invalid vocab_size in {path}: expected {count} but got {len(found)}")
    if not found:
        raise errors.OutOfRangeError(None, None, f"{path} is empty: it has no entries")
    if not count:
        raise errors.OutOfRangeError(None, None, f"No line of {path} is wanted (vocab_size is 0)")


class TextFile:
    """The lines of a file, by columns. ``offset`` is added to line numbers, and to values of type int32.

    Raises as `lines`, and InvalidArgumentError for a delimiter that is not one character.
    """

    def __init__(self, path: str, vocab_size: int, delimiter: str, offset: int) -> None:
        self._path = path
        self._delimiter = delimiter.encode()
        self._offset = offset
        if len(self._delimiter) != 1:
            raise invalid(f"delimiter should be only 1 char, got {delimiter!r}")
        self._lines = list(lines(path, vocab_size))

    def column(self, index: int, dtype: DType, what: str) -> Any:
        """An array of what stands in column ``index`` (or of whole lines, or their numbers)."""
        if index == LINE_NUMBER:
            if dtype != dtypes.int64:
                raise invalid(
                    f"{what} index for line number requires table {what.lower()} dtype of int64, got {dtype.name}"
                )
            return np.arange(self._offset, self._offset + len(self._lines), dtype=np.int64)
        if index == WHOLE_LINE and not dtype.is_integer and dtype != dtypes.string:
            raise invalid(
                f"{what} index for whole line requires table {what.lower()} dtype of integer or string, got "
                f"{dtype.name}"
            )
        fields = self._lines if index == WHOLE_LINE else self._fields(index)
        array = np.empty(len(fields), dtype.as_numpy_dtype)
        array[:] = fields if dtype == dtypes.string else self._numbers(fields, dtype)
        return array + array.dtype.type(self._offset) if dtype == dtypes.int32 else array

    def _fields(self, index: int) -> list[bytes]:
        rows = [line.split(self._delimiter, index + 1) for line in self._lines]
        for number, row in enumerate(rows):
            if len(row) <= index:
                line = self._lines[number].decode("utf-8", "replace")
                raise invalid(
                    f"Invalid number of columns in {self._path} line {number} ({line}) : expected at least {index + 1} "
                    f"got {len(row)} (columns are parted by {self._delimiter.decode()!r})"
                )
        return [row[index] for row in rows]

    def _numbers(self, fields: list[bytes], dtype: DType) -> list[Any]:
        if dtype not in _PARSED:
            raise invalid(f"Data type {dtype.name} not supported in a text file ({self._path})")
        parse = number_parser(np.dtype(dtype.as_numpy_dtype))
        numbers = []
        for number, field in enumerate(fields):
            try:
                numbers.append(parse(field))
            except ValueError:
                raise invalid(
                    f"Field {field.decode('utf-8', 'replace')} in line {number} is not a valid {dtype.name} "
                    f"({self._path})"
                ) from None
        return numbers
