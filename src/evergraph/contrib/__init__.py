"""``tf.contrib``: the parts that old programs use, as far as evergraph has them."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Any

from evergraph.errors import documented
from evergraph.nearest import did_you_mean


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    message = f"module 'tf.contrib' has no attribute '{name}' in evergraph."
    if not name.startswith("__"):
        message += did_you_mean(name, _modules())
    raise documented(AttributeError(message))


def __dir__() -> list[str]:
    return _modules()


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
