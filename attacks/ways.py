"""How a victim opens a file with evergraph. Each takes the folder of the attack and raises what it raises."""

from __future__ import annotations

import os
import sys
from typing import Any

import evergraph


def checkpoint(folder: str) -> None:
    """Opens the checkpoint ``m``, lists it and reads every tensor."""
    with evergraph.open_checkpoint(os.path.join(folder, "m")) as opened:
        for name in list(opened):
            opened[name]


def latest(folder: str) -> None:
    """Opens the newest checkpoint of the folder, as its state file says, and reads it."""
    with evergraph.open_checkpoint(folder) as opened:
        for name in list(opened):
            opened[name]


def inspect(folder: str) -> None:
    """``evergraph inspect``."""
    from evergraph.cli.facts import facts_of

    facts_of(os.path.join(folder, "m"))


def model(folder: str) -> None:
    """Loads the frozen graph ``model.pb`` and calls it for ``out``."""
    evergraph.load_model(os.path.join(folder, "model.pb"), "out", **LIMITS)()


def restored(folder: str) -> None:
    """Loads the graph ``m.meta`` with its checkpoint and calls it for ``out``."""
    evergraph.load_model(os.path.join(folder, "m"), "out", **LIMITS)()


def saved_model(folder: str) -> None:
    """Loads the SavedModel."""
    evergraph.load_model(folder, **LIMITS)


def events(folder: str) -> None:
    """Reads an event file."""
    from evergraph.formats.events import summary_iterator

    for _ in summary_iterator(os.path.join(folder, "events")):
        pass


def text(folder: str) -> None:
    """Loads the graph in text form ``model.pbtxt``."""
    evergraph.load_model(os.path.join(folder, "model.pbtxt"), **LIMITS)


#: A victim with little: the defaults are 4 GiB, ten million steps and ten minutes.
LIMITS: dict[str, Any] = {"bytes": 256 << 20, "steps": 100_000, "seconds": 20.0}


def main() -> None:
    """`python -m attacks.ways WAY FOLDER`: says which error came, by its classes."""
    try:
        globals()[sys.argv[1]](sys.argv[2])
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        print(f"ERROR {' < '.join(kinds[: kinds.index('Exception')])}: {error}")


if __name__ == "__main__":
    main()
