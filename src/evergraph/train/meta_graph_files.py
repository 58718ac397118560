"""The ``.meta`` beside a checkpoint, made once for as long as the graph stays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from evergraph.formats import protos
from evergraph.graph.graph import Graph
from evergraph.train import large_constants
from evergraph.train.debug_info import graph_debug_info


class MetaGraphFiles:
    """Makes the files of a saver's MetaGraph, and keeps what it has made last."""

    def __init__(self) -> None:
        self._made_for: Any = None
        self._meta = b""
        self._debug: bytes | None = None

    def files(
        self,
        graph: Graph,
        export: Callable[..., Any],
        filename: str,
        strip_default_attrs: bool,
        save_debug_info: bool,
    ) -> dict[str, bytes]:
        """The bytes by file: the MetaGraph as ``filename``; with ``save_debug_info`` a ``.debug`` beside it.

        ``export`` is the saver's ``export_meta_graph``, which a subclass may have made its own.
        """
        state = (id(graph), graph.fingerprint(), strip_default_attrs, save_debug_info)
        if state != self._made_for:
            with graph.as_default():
                message = export(strip_default_attrs=strip_default_attrs)
            self._meta = large_constants.serialized(message, "The .meta")
            self._debug = None
            if save_debug_info:
                nodes = [node.name for node in message.graph_def.node]
                operations = [(name, graph.get_operation_by_name(name)) for name in nodes]
                self._debug = protos.serialize(graph_debug_info(operations))
            self._made_for = state
        found = {filename: self._meta}
        if self._debug is not None:
            found[os.path.splitext(filename)[0] + ".debug"] = self._debug
        return found
