"""Namespaces of names that are defined elsewhere, each loaded when it is first used.

A namespace is a table ``{"module": "name name old_name=name module_name=. ..."}``. What is asked for and
not there is an AttributeError that says so, with the nearest names.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from evergraph.errors import documented
from evergraph.nearest import nearest

#: Every name of every namespace: name -> (module, attribute). Inner paths of TensorFlow fall back on it.
_all_names: dict[str, tuple[str, str]] = {}


def parse(table: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Reads a table: name -> (module, attribute there); the attribute is "" for the module itself."""
    found: dict[str, tuple[str, str]] = {}
    for module, names in table.items():
        for entry in names.split():
            name, equals, attribute = entry.partition("=")
            found[name] = (module, "" if attribute == "." else attribute if equals else name)
    return found


def namespace(
    module_name: str, shown_as: str, table: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` for the module ``module_name``, which users know as ``shown_as``."""
    names = parse(table)
    for name, target in names.items():
        _all_names.setdefault(name, target)

    def getattr_(name: str) -> Any:
        if name == "__all__":
            return sorted(public for public in names if public[0] != "_")
        target = names.get(name)
        if target is None:
            raise _not_there(shown_as, name, names)
        value = resolve(target)
        setattr(sys.modules[module_name], name, value)
        return value

    def dir_() -> list[str]:
        return sorted(names)

    return getattr_, dir_


def resolve(target: tuple[str, str]) -> Any:
    """What a table entry stands for."""
    module = importlib.import_module(target[0])
    value: Any = module
    for part in target[1].split(".") if target[1] else ():
        value = getattr(value, part)
    return value


def _not_there(shown_as: str, name: str, names: Mapping[str, Any]) -> AttributeError:
    message = f"module '{shown_as}' has no attribute '{name}' in evergraph"
    if name.startswith("__"):
        return AttributeError(message)
    near = nearest(name, names)
    if near:
        message += f"; near: {', '.join(f'{shown_as}.{candidate}' for candidate in near)}"
    return documented(AttributeError(message))


class InnerModule(ModuleType):
    """A module at one of TensorFlow's inner paths (``tensorflow.python.ops.math_ops``).

    A name is looked for in the module's own table, then among all public names: most inner functions
    have the name that they are public under. A package holds modules only.
    """

    def __init__(self, name: str, table: Mapping[str, str], is_package: bool) -> None:
        super().__init__(name, f"{name}, as far as evergraph has it.")
        self.__path__: list[str] = []
        self._names = parse(table)
        self._public = {} if is_package else _all_names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        target = self._names.get(name) or self._public.get(name)
        if target is None:
            raise _not_there(self.__name__, name, {**self._public, **self._names})
        value = resolve(target)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Python binds a submodule to its name in the package when it is first imported. In TensorFlow the package has
        # taken that name for something else by then: `contrib.framework.python.ops.arg_scope` is the function.
        if isinstance(value, ModuleType) and name in self.__dict__.get("_names", ()):
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(self._names)
