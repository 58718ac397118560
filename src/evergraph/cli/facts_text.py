"""The facts of ``evergraph inspect`` as lines of text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Facts = dict[str, Any]
_SHOWN_OPS = 12
_SHOWN_SLICES = 8


def lines(facts: Facts) -> list[str]:
    """The facts as lines of text, whatever they are about."""
    kind = facts["kind"]
    if kind == "checkpoint":
        return _checkpoint_lines(facts)
    if kind == "folder":
        return _folder_lines(facts)
    if kind == "saved model":
        return _saved_model_lines(facts)
    if kind in ("events", "records"):
        return _record_lines(facts)
    what = (
        "a graph (GraphDef)"
        if kind == "graph"
        else "a MetaGraph: a graph, its collections and saver"
    )
    found = [f"{facts['path']}: {what}, {facts['bytes']:,} bytes", *_graph_lines(facts)]
    if facts.get("files"):
        found += ["", "Files of its checkpoint:", *_file_lines(facts["files"])]
    return found + _notice(facts)


def _checkpoint_lines(facts: Facts) -> list[str]:
    step = "" if facts["step"] is None else f", step {facts['step']}"
    objects = ", of TensorFlow 2 objects (tf.train.Checkpoint)" if facts["object_based"] else ""
    found = [
        f"{facts['prefix']}: a checkpoint of format {facts['format']}{step}{objects}",
        *_file_lines(facts["files"]),
    ]
    if not any(file["holds"] == "the graph" for file in facts["files"]):
        found.append("  (no .meta: values without their graph)")
    if len(facts["uses"]) > 1:
        rows = [
            (each["use"], _count(each["tensors"], "tensor"), f"{each['bytes']:,} bytes")
            for each in facts["uses"]
        ]
        found += ["", "What the bytes are for, by names and shapes:", *_columns(rows)]
    if len(facts["shards"]) > 1:
        rows = [
            (f"shard {each['shard']}", _count(each["pieces"], "piece"), f"{each['bytes']:,} bytes")
            for each in facts["shards"]
        ]
        found += ["", "In which data file:", *_columns(rows)]
    return [
        *found,
        "",
        *_tensor_lines(facts, "tensors"),
        *_slice_lines(facts),
        *_notice(facts),
    ]


def _slice_lines(facts: Facts) -> list[str]:
    """The slices of partitioned variables, as in the file: for each dimension start,length or - for all."""
    found = []
    many = len(facts["shards"]) > 1
    for tensor in facts["tensors"]:
        slices = tensor.get("slices", ())
        if slices:
            shown = [
                each["slice"] + (f" (shard {each['shard']})" if many else "")
                for each in slices[:_SHOWN_SLICES]
            ]
            if len(slices) > _SHOWN_SLICES:
                shown.append(f"and {len(slices) - _SHOWN_SLICES} more")
            found.append(f"  {tensor['name']}: {'  '.join(shown)}")
    return ["", "Partitioned, each slice as start,length by dimension:", *found] if found else []


def _saved_model_lines(facts: Facts) -> list[str]:
    found = [f"{facts['path']}: a SavedModel, {_count(len(facts['meta_graphs']), 'MetaGraph')}"]
    for meta in facts["meta_graphs"]:
        tags = ", ".join(meta["tags"]) or "none"
        found += ["", f"MetaGraph with tags {tags}", *_graph_lines(meta)]
    if facts["variables"] is not None:
        found += ["", "Variables:", *_checkpoint_lines(facts["variables"])]
    return found


def _record_lines(facts: Facts) -> list[str]:
    what = "an event file" if facts["kind"] == "events" else "a file of records (TFRecord)"
    packed = f", compressed with {facts['compression']}" if facts["compression"] else ""
    smallest, largest = facts["record_bytes"]
    found = [
        f"{facts['path']}: {what}, {facts['bytes']:,} bytes{packed}",
        f"  {_count(facts['records'], 'record')} of {smallest:,} to {largest:,} bytes",
    ]
    if facts["kind"] == "events":
        first, last = facts["steps"]
        kinds = ", ".join(f"{kind} {count}" for kind, count in facts["kinds"].items())
        found.append(f"  {kinds}; steps {first} to {last}, over {facts['seconds']:.1f} seconds")
        if facts["tags"]:
            tags = [(tag, _count(count, "value")) for tag, count in facts["tags"].items()]
            found += ["", "tags:", *_columns(tags)]
    elif facts["features"]:
        rows = [
            (name, feature["kind"], _count(feature["values"], "value"))
            for name, feature in facts["features"].items()
        ]
        found += ["", "The first is a tf.train.Example with the features:", *_columns(rows)]
    return found + _notice(facts)


def _folder_lines(facts: Facts) -> list[str]:
    checkpoints = facts["checkpoints"]
    found = [f"{facts['path']}: a folder with {_count(len(checkpoints), 'checkpoint')}"]
    rows = [
        (
            checkpoint["prefix"],
            "" if checkpoint["step"] is None else f"step {checkpoint['step']}",
            "with graph" if checkpoint["graph"] else "no graph",
            "latest" if checkpoint["latest"] else "",
        )
        for checkpoint in checkpoints
    ]
    found += _columns(rows)
    found += [f"  {prefix}: named by the state file, and not there" for prefix in facts["missing"]]
    if facts["latest"] is not None:
        found += ["", *_checkpoint_lines(facts["latest"])]
    return found + _notice(facts)


def _graph_lines(facts: Facts) -> list[str]:
    ops = list(facts["ops"].items())
    named = ", ".join(f"{op} {count}" for op, count in ops[:_SHOWN_OPS])
    more = f", and {len(ops) - _SHOWN_OPS} more" if len(ops) > _SHOWN_OPS else ""
    found = [f"  {facts['nodes']} nodes of {len(ops)} op types: {named}{more}"]
    found.append("  " + _versions(facts))
    if facts["functions"]:
        found.append(f"  {_count(facts['functions'], 'function')} in its library")
    if facts.get("object_nodes"):
        found.append(f"  {_count(facts['object_nodes'], 'object')} of TensorFlow 2")
    if facts.get("saver"):
        saver = facts["saver"]
        sharded = ", sharded" if saver["sharded"] else ""
        found.append(
            f"  saver: format {saver['format']}{sharded}, keeps {saver['max_to_keep'] or 'all'}; "
            f"{saver['restore']} restores from {saver['filename']}"
        )
    if facts.get("collections"):
        rows = [
            (key, f"{each['count']:,}", each["items"]) for key, each in facts["collections"].items()
        ]
        found += ["", "collections:", *_columns(rows)]
    for key, signature in facts.get("signatures", {}).items():
        method = f", method {signature['method']}" if signature["method"] else ""
        ends = [
            (way, name, end["dtype"], _shape(end["shape"]), end["tensor"])
            for way, side in (("in", "inputs"), ("out", "outputs"))
            for name, end in signature[side].items()
        ]
        found += ["", f"signature {key}{method}:", *_columns(ends)]
    if facts.get("assets"):
        assets = [(each["file"], each["tensor"]) for each in facts["assets"]]
        found += ["", "assets, and the tensors that their paths are fed to:", *_columns(assets)]
    if facts.get("object_functions"):
        found += ["", f"functions: {', '.join(facts['object_functions'])}"]
    for title in ("inputs", "variables", "objects"):
        if facts.get(title):
            found += ["", f"{title}:"]
            found += _columns(
                [(each["name"], each["dtype"], _shape(each["shape"])) for each in facts[title]]
            )
    if facts["likely_outputs"]:
        found += ["", "likely outputs, best first:"]
        found += [f"  {name}" for name in facts["likely_outputs"]]
    return [*found, "", *_tensor_lines(facts, "constants")]


def _versions(facts: Facts) -> str:
    writer = facts.get("tensorflow_version")
    by = f"written by TensorFlow {writer}, " if writer else ""
    return f"{by}GraphDef version {facts['producer']}, for readers from {facts['min_consumer']} on"


def _file_lines(files: Sequence[Facts]) -> list[str]:
    return _columns([(file["name"], f"{file['bytes']:,} bytes", file["holds"]) for file in files])


def _tensor_lines(facts: Facts, title: str) -> list[str]:
    totals = facts["totals"]
    rows = [
        (
            tensor.get("path", tensor["name"]),
            tensor["dtype"],
            _shape(tensor["shape"]),
            f"{tensor['bytes']:,}",
            _place(tensor),
        )
        for tensor in facts["tensors"]
    ]
    shown = "" if facts["shown"] == totals["tensors"] else f" ({facts['shown']} shown)"
    return [
        f"{totals['tensors']} {title}{shown}, {totals['elements']:,} elements, {totals['bytes']:,} bytes"
        + (":" if rows else ""),
        *_columns(rows),
    ]


def _place(tensor: Facts) -> str:
    if "slices" in tensor:
        return f"{len(tensor['slices'])} slices"
    return f"shard {tensor['shard']}" if "shard" in tensor else ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _notice(facts: Facts) -> list[str]:
    return ["", facts["notice"]] if facts.get("notice") else []


def _shape(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "any shape"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of text as aligned lines; a pipe gets them as wide as they are."""
    rows = list(rows)
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    line = "".join(f"  %-{width}s" for width in widths)
    return [(line % tuple(row)).rstrip() for row in rows]
