"""The import hook: ``import tensorflow`` gives evergraph.

``register_as_tensorflow()`` puts a finder in front of Python's own. Public names are modules of ``evergraph.tf1`` and
``evergraph.contrib``; TensorFlow's inner paths, which old scripts import from, are InnerModules.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from evergraph.tf1 import inner
from evergraph.tf1.lazy import InnerModule

_ROOT = "tensorflow"
_PACKAGE = __name__.rpartition(".")[0]
_CONTRIB = "evergraph.contrib"
_SAME = ("tensorflow.compat.v1", "tensorflow._api.v1", "tensorflow._api.v2.compat.v1")


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _ROOT and not fullname.startswith(_ROOT + "."):
            return None
        name = _target(fullname)
        if name is None:
            return None
        return ModuleSpec(fullname, _Loader(name), is_package=True)


class _Loader(Loader):
    def __init__(self, target: str) -> None:
        self._target = target
        self._own_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if self._target == spec.name:
            path = spec.name[len(_ROOT) + 1 :]
            inner.load_public_names()
            return InnerModule(spec.name, inner.table(path), inner.is_package(path))
        module = importlib.import_module(self._target)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The module of evergraph has run already; an inner one has nothing to run. What importing
        # under another name has written into it is taken back.
        if self._own_spec is not None:
            module.__spec__ = self._own_spec


def _target(fullname: str) -> str | None:
    """The module that answers to ``fullname``: one of evergraph's; the name itself for an inner one;
    or None."""
    for same in _SAME:
        if fullname == same or fullname.startswith(same + "."):
            fullname = _ROOT + fullname[len(same) :]
    if fullname == _ROOT:
        return _PACKAGE
    rest = fullname[len(_ROOT) + 1 :]
    if rest.partition(".")[0] in ("python", "core"):
        return inner.same_module(rest) or (fullname if inner.is_known(rest) else None)
    for package, path in ((_CONTRIB, rest.removeprefix("contrib")), (_PACKAGE, "." + rest)):
        if package == _CONTRIB and not (rest == "contrib" or rest.startswith("contrib.")):
            continue
        try:
            found = importlib.util.find_spec(package + path)
        except ModuleNotFoundError:
            found = None
        if found is not None:
            return package + path
    return inner.same_module(rest) or (fullname if inner.is_known(rest) else None)


_finder = _Finder()


def register_as_tensorflow() -> None:
    """Makes ``import tensorflow`` (and ``tensorflow.compat.v1``, and the inner paths) mean evergraph in this process.

    Raises RuntimeError where the real TensorFlow has been imported already.
    """
    loaded = sys.modules.get(_ROOT)
    if loaded is not None and not loaded.__name__.startswith("evergraph"):
        raise RuntimeError(
            "TensorFlow itself has been imported in this process already; call "
            "register_as_tensorflow() before anything imports it"
        )
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def unregister() -> None:
    """Takes back ``register_as_tensorflow``: a later ``import tensorflow`` finds what is installed."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if name == _ROOT or name.startswith(_ROOT + ".")]:
        del sys.modules[name]
