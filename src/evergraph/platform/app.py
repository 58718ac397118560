"""``tf.app``: how a TensorFlow program starts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from evergraph.platform.flags import FLAGS


def run(
    main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None
) -> NoReturn:
    """Reads the flags, calls ``main`` with the arguments that are none, and exits with what it returns.

    Args:
      main: the program's function; None for the one called ``main`` in the program itself.
      argv: the command line; None for ``sys.argv``.
    """
    function = main or sys.modules["__main__"].main
    left = FLAGS.parse_or_exit(sys.argv if argv is None else argv)
    # A program may declare its flags with absl, where that is installed, and start with tf.app.run.
    others: Any = sys.modules.get("absl.flags")
    if others is not None:
        left = others.FLAGS(left, known_only=True)
    sys.exit(function(left))
