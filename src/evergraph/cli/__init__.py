"""The command line: ``evergraph COMMAND``, one file a command.

Exit codes: 0 done; 1 it could not be done (one sentence says why); 2 the command was not
understood. ``evergraph run`` exits with what its program exits with.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

# What these do is over sooner than what Python and NumPy do for a long process.
_SHORT = ("inspect", "verify", "rename", "explain")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command line (None: the process's own) and exits."""
    if arguments is None and sys.argv[1:2] and sys.argv[1] in _SHORT:
        _be_short()
    from evergraph.cli.app import app
    from evergraph.errors import WHERE_TO_LOOK, OpError

    try:
        app(None if arguments is None else list(arguments), prog_name="evergraph")
    except OpError as error:
        print(
            f"evergraph: {error.message}",
            *(error.__notes__ or [WHERE_TO_LOOK]),
            sep="\n",
            file=sys.stderr,
        )
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read the output has stopped; that is no failure of ours.
        sys.stderr.close()
        sys.exit(1)


def _be_short() -> None:
    """Spares this process what would take a quarter of its time."""
    import atexit
    import gc
    import os

    # Threads for linear algebra, which NumPy would start and stop; nothing is multiplied here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Looking for cyclic garbage among all that is imported: now and then while that goes on, and at the end.
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
