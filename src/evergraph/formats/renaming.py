"""Other names for the tensors of a checkpoint, by rules.

Rules are applied in order, each to what those before it made of a name, as ``re.sub`` does: a
regular expression is looked for anywhere in the name (``^`` and ``$`` tie it to the ends), and every
occurrence is replaced; ``\\1`` and ``\\g<name>`` in the replacement stand for groups, and a function is
called with the match. None as replacement drops a name in which the expression is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from evergraph import errors
from evergraph.formats.bundle import encode_name
from evergraph.formats.tensor_info import Place, TensorInfo
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.nearest import did_you_mean

Array = np.ndarray[Any, Any]
Replacement = str | Callable[[re.Match[str]], str] | None
#: By expression, in order; or pairs; or a function from name to name, None for what is dropped.
Rules = Mapping[str, Replacement] | Iterable[tuple[str, Replacement]] | Callable[[str], str | None]


class TensorReader(Protocol):
    """What reads the tensors of a checkpoint, of whatever format."""

    prefix: str
    num_shards: int

    def names(self) -> list[str]: ...
    def __contains__(self, name: object) -> bool: ...
    def __len__(self) -> int: ...
    def info(self, name: str) -> TensorInfo: ...
    def infos(self) -> list[TensorInfo]: ...
    def read(self, name: str) -> Array: ...
    def places(self, name: str) -> list[Place]: ...
    def read_slice(self, name: str, box: TensorSlice, verify: bool = False) -> Array: ...
    def close(self) -> None: ...


def new_names(names: Iterable[str], rules: Rules) -> dict[str, str]:
    """The new name of each of ``names``, by the old one; those that are dropped are not in it.

    Raises:
        InvalidArgumentError: an expression or a replacement is none; two names become one, or one
            becomes empty.
    """
    rename = rules if callable(rules) else _function(rules)
    found: dict[str, str] = {}
    owner: dict[str, str] = {}
    for old in names:
        try:
            new = rename(old)
        except (re.error, IndexError) as error:
            raise errors.InvalidValueError(
                None, None, f"{old!r} cannot be renamed by these rules: {error}."
            ) from error
        if new is None:
            continue
        if not isinstance(new, str) or not new:
            raise errors.InvalidValueError(
                None, None, f"{old!r} would be called {new!r}: a name is a text that is not empty."
            )
        if new in owner:
            raise errors.InvalidValueError(
                None,
                None,
                f"Two tensors would be called {new!r}: {owner[new]!r} and {old!r}. A rule with "
                "None drops one of them.",
            )
        found[old] = new
        owner[new] = old
    return found


def _function(
    rules: Mapping[str, Replacement] | Iterable[tuple[str, Replacement]],
) -> Callable[[str], str | None]:
    pairs = rules.items() if isinstance(rules, Mapping) else rules
    compiled = []
    for pattern, replacement in pairs:
        try:
            compiled.append((re.compile(pattern), replacement))
        except re.error as error:
            raise errors.InvalidValueError(
                None, None, f"{pattern!r} is no regular expression: {error}."
            ) from error

    def rename(name: str) -> str | None:
        for pattern, replacement in compiled:
            if replacement is None:
                if pattern.search(name):
                    return None
            else:
                name = pattern.sub(replacement, name)
        return name

    return rename


class RenamedReader:
    """A checkpoint's tensors under other names; nothing is read before it is asked for.

    Args:
        reader: what reads them by their own names.
        names: the new name of each by its own; of those left out nothing is seen.
    """

    def __init__(self, reader: TensorReader, names: Mapping[str, str]) -> None:
        self.prefix = reader.prefix
        self.num_shards = reader.num_shards
        self.reader = reader
        #: The tensors' own names by the new ones.
        self.own_names = {new: old for old, new in names.items()}

    def names(self) -> list[str]:
        """The new names, sorted."""
        return sorted(self.own_names, key=encode_name)

    def __contains__(self, name: object) -> bool:
        return name in self.own_names

    def __len__(self) -> int:
        return len(self.own_names)

    def info(self, name: str) -> TensorInfo:
        """Type, shape and size of a tensor. Raises KeyNotFoundError, DataLossError."""
        return self.reader.info(self._own(name))._replace(name=name)

    def infos(self) -> list[TensorInfo]:
        """`info` of every tensor, in the order of `names`. DataLossError."""
        return [self.info(name) for name in self.names()]

    def read(self, name: str) -> Array:
        """The value of a tensor. Raises KeyNotFoundError, DataLossError."""
        return self.reader.read(self._own(name))

    def read_slice(self, name: str, box: TensorSlice, verify: bool = False) -> Array:
        """A part of a tensor. Raises KeyNotFoundError, DataLossError, InvalidArgumentError."""
        return self.reader.read_slice(self._own(name), box, verify)

    def places(self, name: str) -> list[Place]:
        """Where the pieces of a tensor are stored. Raises KeyNotFoundError, DataLossError."""
        return self.reader.places(self._own(name))

    def close(self) -> None:
        """Gives the files back."""
        self.reader.close()

    def _own(self, name: str) -> str:
        old = self.own_names.get(name)
        if old is None:
            raise errors.KeyNotFoundError(
                None,
                None,
                f"Key {name} not found in checkpoint {self.prefix} as it is renamed, which has "
                f"{len(self)} tensors." + did_you_mean(name, self.own_names),
            )
        return old
