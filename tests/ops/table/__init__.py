"""The op table: one file a family of ops, each a list of ``row(...)`` calls (``tests.ops.rows``).

Importing this package reads all of them.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
