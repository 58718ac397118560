"""``tf.contrib``: the parts that old programs use, as far as evergraph has them."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Any

from evergraph.nearest import no_attribute


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    raise no_attribute("tf.contrib", name, _modules())


def __dir__() -> list[str]:
    return _modules()


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
