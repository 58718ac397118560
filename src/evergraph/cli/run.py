"""``evergraph run``: a TensorFlow 1 program as it is, with evergraph in TensorFlow's place."""

from __future__ import annotations

import os
import sys
from types import ModuleType, TracebackType
from typing import Any

import click


# What follows the program's name is the program's, whatever it looks like.
@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("script")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1)
def run(script: str, arguments: tuple[str, ...]) -> None:
    """Run a TensorFlow 1 program: `import tensorflow` in it means evergraph.

    \b
      evergraph run train.py --steps 100

    SCRIPT is the program, a .py file, and ARGS its own arguments. Exits with the program's exit code.
    """
    from evergraph import errors
    from evergraph.tf1.import_hook import register_as_tensorflow

    if os.path.isdir(script):
        raise errors.IsFolderError(None, None, f"{script} is a folder; name the program in it.")
    if not os.path.exists(script):
        raise errors.FileMissingError(None, None, f"{script}: there is no such file.")
    register_as_tensorflow()
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    module = ModuleType("__main__")
    module.__file__ = script
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    with open(script, "rb") as file:
        source = file.read()
    try:
        exec(compile(source, script, "exec", dont_inherit=True), module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        _show(error, script)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _show(error: BaseException, script: str) -> None:
    """Prints an error as Python does, from the program's first frame on."""
    trace: TracebackType | Any = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    sys.stderr.flush()
