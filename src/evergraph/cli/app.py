"""The commands, put together. A command is imported when somebody asks for it."""

from __future__ import annotations

import importlib

import click

from evergraph import __version__
from evergraph.nearest import did_you_mean

# Each is a function in a file, both of its name.
_COMMANDS = ("run", "inspect", "freeze", "verify", "rename", "explain", "quickstart")
_LONGEST_LINE = 100
_LONGEST_SUMMARY = 200


def _command(name: str) -> click.Command:
    command: click.Command = getattr(importlib.import_module(f"evergraph.cli.{name}"), name)
    return command


class _Commands(click.Group):
    """The group of them all, which imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in _COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click suggests from the commands that are imported, and only newer versions do.
        if args[0] not in _COMMANDS:
            ctx.fail(f"No such command {args[0]!r}.{did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click cuts a summary at the end of its line; here it goes on in the next.
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _command(name).get_short_help_str(_LONGEST_SUMMARY)) for name in _COMMANDS]
            )


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    epilog="Exit codes: 0 done, 1 it could not be done, 2 the command was not understood.",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": _LONGEST_LINE,
    },
)
@click.version_option(
    __version__, prog_name="evergraph", message="%(prog)s %(version)s", help="Print the version."
)
@click.pass_context
def app(context: click.Context) -> None:
    """TensorFlow 1 programs and model files, without TensorFlow.

    \b
      evergraph run train.py
      evergraph inspect runs/mnist
      evergraph verify runs/mnist --latest
      evergraph explain missing-variables
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(2)
