"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from evergraph import __version__
from evergraph.cli.explain import explain
from evergraph.cli.freeze import freeze
from evergraph.cli.inspect import inspect
from evergraph.cli.quickstart import quickstart
from evergraph.cli.rename import rename
from evergraph.cli.run import run
from evergraph.cli.verify import verify

app = typer.Typer(
    help="TensorFlow 1 programs and model files, without TensorFlow.",
    epilog="Exit codes: 0 done, 1 it could not be done, 2 the command was not understood.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"evergraph {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


# What follows the program's name is the program's, whatever it looks like.
app.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
    }
)(run)
app.command()(inspect)
app.command()(freeze)
app.command()(verify)
app.command()(rename)
app.command()(explain)
app.command()(quickstart)
