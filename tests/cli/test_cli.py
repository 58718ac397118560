"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys

from evergraph import __version__


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
    for command in ("run", "inspect", "freeze", "explain", "quickstart", "Exit codes"):
        assert command in done.stdout


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
