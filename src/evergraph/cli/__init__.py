"""The command line: ``evergraph COMMAND``, one file a command.

Exit codes: 0 done; 1 it could not be done (one sentence says why); 2 the command was not
understood. ``evergraph run`` exits with what its program exits with.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command line (None: the process's own) and exits."""
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
