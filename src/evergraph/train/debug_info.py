"""Where a program made the nodes of its graph, as a ``GraphDebugInfo`` message: the ``.debug`` file beside a ``.meta``.

Each distinct line of the program is one frame, each distinct stack of them one trace: most nodes share theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evergraph.formats.protos import GraphDebugInfo
from evergraph.graph.operation import Operation


def graph_debug_info(operations: Iterable[tuple[str, Operation]]) -> Any:
    """The GraphDebugInfo of operations, each with the name that it is written under."""
    message = GraphDebugInfo()
    files: dict[str, int] = {}
    frames: dict[tuple[str, int, str], int] = {}
    traces: dict[tuple[int, ...], int] = {}
    for name, op in operations:
        ids = []
        for frame in op.traceback:
            place = (frame.filename, frame.lineno, frame.name)
            if place not in frames:
                frames[place] = len(frames)
                stored = message.frames_by_id[frames[place]]
                stored.file_index = files.setdefault(frame.filename, len(files))
                stored.line, stored.func = frame.lineno, frame.name
            ids.append(frames[place])
        trace = tuple(ids)
        if trace not in traces:
            traces[trace] = len(traces)
            message.traces_by_id[traces[trace]].frame_id.extend(trace)
        message.name_to_trace_id[f"{name}@"] = traces[trace]
    message.files.extend(files)
    return message
