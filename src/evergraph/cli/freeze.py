"""``evergraph freeze``: a checkpoint and its graph into one file that predicts."""

from __future__ import annotations

import json

import click

_SHOWN = 5


@click.command()
@click.argument("checkpoint")
@click.option(
    "-o",
    "--output",
    metavar="OUT.pb",
    required=True,
    help="The file to write (.pbtxt: as text).",
)
@click.option(
    "--outputs", metavar="NAMES", help="Output nodes, separated by commas; else the likeliest."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def freeze(checkpoint: str, output: str, outputs: str | None, as_json: bool) -> None:
    """Freeze a checkpoint: the graph behind its outputs, variables as constants, in one file.

    \b
      evergraph freeze runs/mnist -o mnist.pb

    CHECKPOINT is a prefix, a folder (its latest checkpoint), or any file of a checkpoint.
    """
    from evergraph.formats import protos
    from evergraph.formats.bundle import prefix_of
    from evergraph.formats.message_text import to_text
    from evergraph.storage.publish import publish_bytes
    from evergraph.transforms.freeze_checkpoint import freeze as freeze_checkpoint

    if prefix_of(output) is not None:
        raise click.BadParameter(f"--output: {output} is how a file of a checkpoint is called.")
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
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{output}: {nodes} nodes, {len(data):,} bytes, from {frozen.prefix}")
    click.echo(f"  inputs:  {', '.join(frozen.inputs) or 'none'}")
    click.echo(f"  outputs: {', '.join(frozen.outputs)}")
    if outputs is None:
        click.echo(
            "  The output was worked out: it ends the graph, outside training, saving and summaries; what is "
            "called like an output, and has more of the graph behind it, comes first."
        )
        others = frozen.candidates[1 : _SHOWN + 1]
        if others:
            click.echo(f"  Others that end it: {', '.join(others)}. Choose with --outputs.")
