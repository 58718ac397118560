"""evergraph: TensorFlow 1's graph, session, saver and file formats, without TensorFlow.

The front door; each name is loaded when it is first used:

    open_checkpoint(path)             a checkpoint as a mapping of names to arrays
    save_checkpoint(prefix, tensors)  the reverse
    load_model(path)                  a frozen graph, a checkpoint with its graph, a SavedModel: as a function
    freeze(path, outputs)             a checkpoint with its graph as one GraphDef that predicts
    restore(path, session=sess)       a checkpoint into a session, as much as fits, with a report
    errors                            every class of error that evergraph raises
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

# Where each name lives: `import evergraph` loads nothing, reading a checkpoint no graph.
_HOMES = {
    "errors": "evergraph.errors",
    "freeze": "evergraph.transforms.freeze_checkpoint",
    "load_model": "evergraph.serving.load",
    "open_checkpoint": "evergraph.formats.checkpoint",
    "restore": "evergraph.train.partial_restore",
    "save_checkpoint": "evergraph.formats.checkpoint_saving",
}

__all__ = [
    "__version__",
    "errors",
    "freeze",
    "load_model",
    "open_checkpoint",
    "restore",
    "save_checkpoint",
]

if TYPE_CHECKING:
    from evergraph import errors
    from evergraph.formats.checkpoint import open_checkpoint
    from evergraph.formats.checkpoint_saving import save_checkpoint
    from evergraph.serving.load import load_model
    from evergraph.train.partial_restore import restore
    from evergraph.transforms.freeze_checkpoint import freeze


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'evergraph' has no attribute {name!r}")
    module = importlib.import_module(home)
    found = module if home == f"evergraph.{name}" else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
