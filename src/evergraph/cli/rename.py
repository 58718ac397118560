"""``evergraph rename``: a checkpoint under other names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import click

Facts = dict[str, Any]
_SHOWN = 20

Rule = Callable[[str], str | None]


@click.command()
@click.argument("checkpoint")
@click.argument("output", metavar="[OUT]", required=False)
@click.option(
    "--map",
    "rules",
    metavar="RULE",
    multiple=True,
    help="s/REGEX/NEW/ replaces the first occurrence (g behind it: every one, i: in any case), /REGEX/d drops "
    "a tensor. May be given several times, for rules in that order.",
)
@click.option(
    "--full-names",
    is_flag=True,
    help="Of an object-based checkpoint: by the variables' names, first.",
)
@click.option("--copy", is_flag=True, help="Copy the data files, where they could be linked.")
@click.option("--force", is_flag=True, help="Replace a checkpoint that OUT is now.")
@click.option("--dry-run", is_flag=True, help="Show the new names and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def rename(
    checkpoint: str,
    output: str | None,
    rules: tuple[str, ...],
    full_names: bool,
    copy: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Rename the tensors of a checkpoint.

    \b
      evergraph rename old.ckpt new.ckpt --map 's|^model/||'

    CHECKPOINT is a prefix, a folder (its latest checkpoint), or any file of a checkpoint. OUT is the prefix of the new
    checkpoint.

    Rules are sed's, with Python's regular expressions: NEW may have \\1 for a group, and the character behind the s
    separates. Only a new index is written, and the data files are linked, or copied where that cannot be; they are
    written anew where tensors are dropped.
    """
    from evergraph.formats.bundle_rename import save_renamed
    from evergraph.formats.checkpoint import open_checkpoint

    if output is None and not dry_run:
        raise click.BadParameter("OUT is missing: the prefix of the new checkpoint (or --dry-run).")
    chain = [_rule(text) for text in rules]
    if not chain and not full_names:
        raise click.BadParameter("there is no --map, so nothing would change.")
    with open_checkpoint(checkpoint) as source:
        if full_names:
            if source.object_graph is None:
                raise click.BadParameter(
                    f"--full-names: {source.prefix} is no object-based checkpoint."
                )
            chain.insert(0, source.object_graph.full_name)
        renamed = source.rename(lambda name: _apply(chain, name))
        names = {old: new for new, old in renamed.original_names.items()}
        facts: Facts = {
            "checkpoint": source.prefix,
            "output": output,
            "renamed": {old: names[old] for old in source if names.get(old, old) != old},
            "unchanged": [old for old in source if names.get(old) == old],
            "dropped": [old for old in source if old not in names],
            "written": not dry_run,
            "data_linked": None,
        }
        if output is not None and not dry_run:
            facts["data_linked"] = save_renamed(output, renamed, link=not copy, overwrite=force)
    click.echo(json.dumps(facts, indent=2) if as_json else "\n".join(_lines(facts)))


def _lines(facts: Facts) -> list[str]:
    renamed, dropped, unchanged = facts["renamed"], facts["dropped"], facts["unchanged"]
    # What is not written is all there is to see.
    shown = _SHOWN if facts["written"] else len(renamed) + len(dropped)
    lines = [
        f"{facts['checkpoint']}: {len(renamed)} tensors renamed, {len(dropped)} dropped, {len(unchanged)} as they were"
    ]
    lines += [f"  {old} -> {new}" for old, new in list(renamed.items())[:shown]]
    if len(renamed) > shown:
        lines.append(f"  ... and {len(renamed) - shown} more")
    lines += [f"  {old} dropped" for old in dropped[:shown]]
    if len(dropped) > shown:
        lines.append(f"  ... and {len(dropped) - shown} more dropped")
    if not facts["written"]:
        return [*lines, "Nothing was written."]
    how = "shares the data of the old one" if facts["data_linked"] else "with data of its own"
    return [
        *lines,
        f"{facts['output']}: written, {how}. It has no .meta: the graph in the old one asks for the old names.",
    ]


def _apply(chain: list[Rule], name: str) -> str | None:
    new: str | None = name
    for rule in chain:
        if new is not None:
            new = rule(new)
    return new


def _rule(text: str) -> Rule:
    """The function of a rule. Raises BadParameter for what is none."""
    drop = re.fullmatch(r"/((?:\\.|[^\\/])*)/d", text, re.DOTALL)
    if drop:
        pattern = _compiled(drop[1].replace(r"\/", "/"), text, 0)
        return lambda name: None if pattern.search(name) else name
    mark = re.escape(text[1:2]) if text[:1] == "s" else ""
    field = rf"((?:\\.|(?!{mark})[^\\])*)"
    parts = re.fullmatch(rf"s{mark}{field}{mark}{field}{mark}([gi]*)", text, re.DOTALL)
    if not mark or text[1].isalnum() or text[1] in "\\ " or parts is None:
        raise click.BadParameter(
            f"{text!r} is no rule: s/REGEX/NEW/ (with g: every occurrence, i: in any case) replaces, /REGEX/d drops."
        )
    separator = text[1]
    old, new = (part.replace(f"\\{separator}", separator) for part in parts.group(1, 2))
    pattern = _compiled(old, text, re.IGNORECASE if "i" in parts[3] else 0)
    count = 0 if "g" in parts[3] else 1
    return lambda name: pattern.sub(new, name, count=count)


def _compiled(pattern: str, text: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise click.BadParameter(f"{text!r}: {error}.") from None
