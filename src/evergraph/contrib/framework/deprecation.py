"""Decorators for a program's own functions that are to go: calling them, or an argument of theirs, logs a warning."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

_LOG = logging.getLogger("evergraph")

#: Programs switch the warnings off by setting this.
_PRINT_DEPRECATION_WARNINGS = True

#: Equal to no value of an argument.
_NOTHING = object()

Function = TypeVar("Function", bound=Callable[..., Any])


def _when(date: str | None) -> str:
    return "in a future version" if date is None else f"after {date}"


def _warner(warn_once: bool) -> Callable[..., None]:
    """A function that logs a warning, each text once, or each time."""
    said: set[str] = set()

    def warn(text: str) -> None:
        if _PRINT_DEPRECATION_WARNINGS and not (warn_once and text in said):
            said.add(text)
            _LOG.warning("%s", text)

    return warn


def deprecated(
    date: str | None, instructions: str, warn_once: bool = True
) -> Callable[[Function], Function]:
    """A decorator: the function will be removed (``date``: YYYY-MM-DD, or None); ``instructions`` say what to use."""
    warn = _warner(warn_once)

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            warn(
                f"{_name(function)} is deprecated and will be removed {_when(date)}.\n"
                f"Instructions for updating:\n{instructions}"
            )
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def deprecated_args(
    date: str | None,
    instructions: str,
    *deprecated_arg_names_or_tuples: Any,
    warn_once: bool = True,
) -> Callable[[Function], Function]:
    """A decorator: arguments will be removed.

    Each is a name, or a pair of a name and a value that is as good as leaving it out. The decorator raises ValueError
    where the function has no such argument.
    """
    fine: dict[str, Any] = {}
    for item in deprecated_arg_names_or_tuples:
        name, value = item if isinstance(item, (tuple, list)) else (item, _NOTHING)
        fine[name] = value

    def is_deprecated(name: str, value: Any) -> bool:
        return name in fine and not (fine[name] is not _NOTHING and value == fine[name])

    return _watching(date, instructions, list(fine), is_deprecated, "", _warner(warn_once))


def deprecated_arg_values(
    date: str | None, instructions: str, warn_once: bool = True, **deprecated_kwargs: Any
) -> Callable[[Function], Function]:
    """A decorator: values of arguments will be removed. It raises ValueError where there is no such argument."""

    def is_deprecated(name: str, value: Any) -> bool:
        return name in deprecated_kwargs and bool(value == deprecated_kwargs[name])

    names = list(deprecated_kwargs)
    return _watching(date, instructions, names, is_deprecated, "={value}", _warner(warn_once))


def _watching(
    date: str | None,
    instructions: str,
    names: list[str],
    is_deprecated: Callable[[str, Any], bool],
    shown: str,
    warn: Callable[[str], None],
) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        missing = [name for name in names if name not in signature.parameters]
        if missing:
            raise ValueError(
                f"The following deprecated arguments are not present in the function signature: {missing}. Found "
                f"{list(signature.parameters)} in {_name(function)}"
            )

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs).arguments
            for name in names:
                if name in given and is_deprecated(name, given[name]):
                    warn(
                        f"calling {_name(function)} with {name}{shown.format(value=given[name])} is deprecated and "
                        f"will be removed {_when(date)}.\nInstructions for updating:\n{instructions}"
                    )
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__qualname__} (from {function.__module__})"
