"""``evergraph verify``: whether a checkpoint is whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evergraph.formats.verification import Progress, VerificationReport

Facts = dict[str, Any]
#: Less than this is verified before anybody has looked at a progress bar.
_LONG_WORK = 512 << 20


@click.command()
@click.argument("path")
@click.option(
    "--latest",
    is_flag=True,
    help="Of a folder: from the newest checkpoint back to the first that is whole.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(path: str, latest: bool, as_json: bool) -> None:
    """Verify every checksum of a checkpoint, or of all in a folder.

    \b
      evergraph verify runs/mnist --latest

    PATH is a checkpoint (prefix or any of its files), a folder of them, a SavedModel.

    Exit code 0: whole. 1: damaged; the list says which file, where, which tensor, and what is still readable.
    """
    from evergraph.formats.checkpoint_path import find_checkpoint
    from evergraph.formats.verification import unfinished_files, verify_checkpoint, verify_folder

    place = _folder_of_checkpoints(path)
    if latest and place is None:
        raise click.BadParameter(f"--latest: {path} is no folder of checkpoints.")
    reports: list[VerificationReport] = []
    with _progress() as progress:
        if place is None:
            reports.append(verify_checkpoint(path, progress))
        else:
            for report in verify_folder(*place, progress):
                reports.append(report)
                if latest and report.whole:
                    break
    if not reports:
        find_checkpoint(path)  # which says what is there instead
    whole = any(report.whole for report in reports) if latest else all(r.whole for r in reports)
    found = next((report.prefix for report in reports if report.whole), None)
    unfinished = {} if place is None else unfinished_files(place[0])
    if as_json:
        facts: Facts = {"path": path, "whole": whole, "checkpoints": list(map(_facts, reports))}
        if place is not None:
            facts["unfinished"] = unfinished
        if latest:
            facts["latest"] = found
        click.echo(json.dumps(facts, indent=2))
    else:
        for report in reports:
            click.echo(str(report))
        for name, size in unfinished.items():
            click.echo(
                f"{name} ({size:,} bytes) is being written, or was left by a save that died."
            )
        if latest:
            click.echo(f"The newest that is whole: {found}" if found else "None is whole.")
    if not whole:
        sys.exit(1)


def _folder_of_checkpoints(path: str) -> tuple[str, str] | None:
    """The folder and the name of its state file, where ``path`` means all checkpoints of one."""
    from evergraph.formats.kinds import FileKind
    from evergraph.formats.saved_model_folder import model_file
    from evergraph.formats.sniff import sniff
    from evergraph.storage import paths
    from evergraph.storage.filesystem import filesystem

    files = filesystem(path)
    if files.is_folder(path):
        return None if model_file(path) is not None else (path, "checkpoint")
    if files.exists(path) and sniff(path) is FileKind.CHECKPOINT_STATE:
        folder, name = paths.split(path)
        return folder or ".", name
    return None


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """What shows how far long work is, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = False

    def show(done: int, total: int) -> None:
        nonlocal shown
        if total > _LONG_WORK:
            shown = True
            percent = 100 * done // total
            bar = ("#" * (percent // 4)).ljust(25)
            amount = f"{done / 1e9:.1f} of {total / 1e9:.1f} GB"
            click.echo(f"\r[{bar}] {percent:3d} %  {amount} ", err=True, nl=False)

    yield show
    if shown:
        click.echo("", err=True)


def _facts(report: VerificationReport) -> Facts:
    return {
        "prefix": report.prefix,
        "format": f"V{report.format_version}" if report.format_version else None,
        "whole": report.whole,
        "tensors": len(report.readable),
        "bytes": report.nbytes,
        "graph": report.has_graph,
        "notice": report.notice,
        "damage": [
            {
                "file": damage.file,
                "offset": damage.offset,
                "tensor": damage.tensor or None,
                "message": damage.message,
            }
            for damage in report.damage
        ],
        "readable": list(report.readable),
        "lost": list(report.lost),
        "unknown": list(report.unknown),
    }
