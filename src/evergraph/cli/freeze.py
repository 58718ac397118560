"""``evergraph freeze``: a checkpoint and its graph into one file that predicts."""

from __future__ import annotations

import json
from typing import Annotated

import typer

_SHOWN = 5


def freeze(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="A prefix, a folder (its latest checkpoint), or any file of a checkpoint.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="OUT.pb", help="The file to write (.pbtxt: as text)."
        ),
    ],
    outputs: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Output nodes, separated by commas; else the likeliest."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Freeze a checkpoint: the graph behind its outputs, variables as constants, in one file."""
    from evergraph.formats import protos
    from evergraph.formats.message_text import to_text
    from evergraph.storage.publish import publish_bytes
    from evergraph.transforms.freeze_checkpoint import freeze as freeze_checkpoint

    frozen = freeze_checkpoint(checkpoint, outputs)
    if output.endswith((".pbtxt", ".txt")):
        data = to_text(frozen.graph_def).encode()
    else:
        data = protos.serialize(frozen.graph_def)
    publish_bytes(output, data)
    nodes = len(frozen.graph_def.node)
    if as_json:
        facts = {
            "file": output,
            "checkpoint": frozen.prefix,
            "bytes": len(data),
            "nodes": nodes,
            "inputs": frozen.inputs,
            "outputs": frozen.outputs,
            "outputs_named": outputs is not None,
            "candidates": frozen.candidates,
        }
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(f"{output}: {nodes} nodes, {len(data):,} bytes, from {frozen.prefix}")
    typer.echo(f"  inputs:  {', '.join(frozen.inputs) or 'none'}")
    typer.echo(f"  outputs: {', '.join(frozen.outputs)}")
    if outputs is None:
        typer.echo(
            "  The output was worked out: it ends the graph, outside training, saving and summaries; what is "
            "called like an output, and has more of the graph behind it, comes first."
        )
        others = frozen.candidates[1 : _SHOWN + 1]
        if others:
            typer.echo(f"  Others that end it: {', '.join(others)}. Choose with --outputs.")
