"""Names of operations and scopes: what is a legal name, and how a name that is taken is made unique.

TensorFlow's rule (1.13 and later): names are compared without regard to case; the n-th taker of ``conv`` is ``conv_n``.
"""

from __future__ import annotations

import re

_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


def check_op_name(name: str) -> None:
    """Raises ValueError unless ``name`` is legal for an operation."""
    if not _OP_NAME.match(name):
        raise ValueError(
            f"'{name}' is not a valid node name. Accepted names conform to Regex {_OP_NAME.pattern}"
        )


def check_scope_name(name: str, is_root: bool) -> None:
    """Raises ValueError unless ``name`` is legal for a name scope (the outermost starts like an operation)."""
    pattern = _OP_NAME if is_root else _SCOPE_NAME
    if not pattern.match(name):
        raise ValueError(f"'{name}' is not a valid {'root ' if is_root else ''}scope name")


class NameTable:
    """The names in use in one graph, and the current name scope."""

    __slots__ = ("_in_use", "scope")

    def __init__(self) -> None:
        self._in_use: dict[str, int] = {}
        #: The current scope, without the slash at its end.
        self.scope = ""

    def unique(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` within the current scope, with ``_n`` where that is taken."""
        if self.scope:
            name = f"{self.scope}/{name}"
        in_use = self._in_use
        key = name.lower()
        count = in_use.get(key, 0)
        if mark_as_used:
            in_use[key] = count + 1
        if count > 0:
            base = key
            while key in in_use:
                key = f"{base}_{count}"
                count += 1
            if mark_as_used:
                in_use[key] = 1
            name = f"{name}_{count - 1}"
        return name

    def mark(self, name: str) -> None:
        """Records a full name that was given (by an import), not made by ``unique``."""
        self._in_use.setdefault(name.lower(), 1)
