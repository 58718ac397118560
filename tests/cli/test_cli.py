"""The command line as a whole."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evergraph import __version__

COMMANDS = ("run", "inspect", "freeze", "verify", "rename", "explain", "quickstart")


def evergraph(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evergraph", *arguments], capture_output=True, text=True, check=False
    )


def test_version() -> None:
    done = evergraph("--version")
    assert (done.returncode, done.stdout) == (0, f"evergraph {__version__}\n")


def test_help_names_the_commands_and_loads_nothing() -> None:
    source = (
        "import sys\nfrom evergraph.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'numpy', 'google.protobuf', 'evergraph.graph'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for said in (*COMMANDS, "Exit codes"):
        assert said in done.stdout
    # A summary that is longer than its line goes on in the next.
    assert "..." not in done.stdout.replace("[ARGS]...", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_an_example(command: str, cli: Callable[..., Any]) -> None:
    full, short = cli(command, "--help"), cli(command, "-h")
    assert full == short
    assert (full.code, full.err) == (0, "")
    assert full.out.startswith(f"Usage: evergraph {command} [OPTIONS]")
    assert f"\n    evergraph {command} " in full.out


def test_no_command_shows_the_help(cli: Callable[..., Any]) -> None:
    nothing = cli()
    assert (nothing.code, nothing.err) == (2, "")
    assert nothing.out == cli("--help").out


def test_nearest_command_and_option_are_named(cli: Callable[..., Any]) -> None:
    assert "'inspect'" in cli("inspekt", "x").err
    assert "--latest" in cli("verify", "--lates", "x").err
    assert "Nearest" not in cli("qqq").err


def test_a_command_loads_no_other(model: Path) -> None:
    source = (
        "import sys\nfrom evergraph.cli import main\n"
        f"try:\n    main(['inspect', {str(model)!r}])\nexcept SystemExit: pass\n"
        "print('loaded:', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.partition("loaded:")[2].split())
    assert "evergraph.cli.inspect" in loaded
    others = {f"evergraph.cli.{command}" for command in COMMANDS if command != "inspect"}
    assert not loaded & {
        *others,
        "google.protobuf",
        "evergraph.graph",
        "json",
        "importlib.metadata",
    }


def test_only_a_process_of_its_own_is_made_short(cli: Callable[..., Any], model: Path) -> None:
    before = gc.get_threshold(), os.environ.get("OPENBLAS_NUM_THREADS")
    assert cli("inspect", model).code == 0
    assert (gc.get_threshold(), os.environ.get("OPENBLAS_NUM_THREADS")) == before
    source = (
        "import gc, os, sys\nfrom evergraph.cli import main\n"
        f"sys.argv[1:] = ['inspect', {str(model)!r}]\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "print('short:', gc.get_threshold()[0] > 100_000, os.environ['OPENBLAS_NUM_THREADS'])\n"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, env=environment
    )
    # What the user has set stays.
    assert done.stdout.endswith("short: True 3\n")


def test_what_is_not_understood_is_code_2() -> None:
    assert evergraph("inspekt").returncode == 2
    assert evergraph("inspect").returncode == 2
    assert evergraph("inspect", "x", "--sort", "colour").returncode == 2
    assert evergraph("inspect", "x", "--match", "(").returncode == 2
    assert evergraph("freeze", "x").returncode == 2


def test_what_cannot_be_done_is_code_1_and_one_sentence() -> None:
    done = evergraph("inspect", "/nowhere/model.ckpt")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("evergraph: There is no checkpoint '/nowhere/model.ckpt'")
    assert "Traceback" not in done.stderr
    pointer = "Cause and cure: evergraph explain no-such-checkpoint (docs/errors.md#restoring)"
    assert done.stderr.splitlines()[-1] == pointer
    assert done.stderr.count("evergraph explain") == 1
