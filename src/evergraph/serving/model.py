"""load_model: a file somebody trained, as a function of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

import evergraph.ops  # noqa: F401  # declares the ops that graphs consist of
from evergraph import errors
from evergraph.formats import graph_file
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.kinds import FileKind
from evergraph.formats.sniff import sniff
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.graph.tensor import Tensor
from evergraph.nearest import nearest
from evergraph.runtime.prune import needed
from evergraph.runtime.session import Session
from evergraph.storage.filesystem import filesystem, path_text
from evergraph.train.restore_only import restore_only
from evergraph.train.saver import import_meta_graph
from evergraph.transforms.subgraph import candidate_outputs, node_names

_GRAPHS = (FileKind.GRAPH_DEF, FileKind.GRAPH_DEF_TEXT)
#: A model that takes longer than this for one call has most likely been made to.
DEFAULT_SECONDS = 600.0


class Model:
    """A loaded model: ``model(x=array)`` or ``model({"x": array})`` gives its outputs by name.

    Attributes:
      inputs: name -> (dtype, shape) of what it is fed.
      outputs: the names of what it gives.
    """

    def __init__(
        self, graph: Graph, session: Session, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
    ) -> None:
        self._graph = graph
        self._session = session
        self._inputs = {tensor.op.name: tensor for tensor in inputs}
        self._outputs = {_short(tensor): tensor for tensor in outputs}

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def session(self) -> Session:
        return self._session

    @property
    def inputs(self) -> dict[str, tuple[Any, Any]]:
        return {name: (tensor.dtype, tensor.shape) for name, tensor in self._inputs.items()}

    @property
    def outputs(self) -> list[str]:
        return list(self._outputs)

    def __call__(
        self,
        feeds: Mapping[str, Any] | None = None,
        /,
        *,
        outputs: Sequence[str] | None = None,
        **named: Any,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """The outputs for these inputs, by name.

        Args:
          feeds, named: values by the names of the inputs, or of any other tensor of the graph.
          outputs: other tensors to compute than ``model.outputs``.

        Raises:
          InvalidArgumentError: a name that is not there, an input that is missing or does not fit.
        """
        given = {**(feeds or {}), **named}
        feed_dict = {self._tensor(name): value for name, value in given.items()}
        wanted = (
            self._outputs if outputs is None else {name: self._tensor(name) for name in outputs}
        )
        result: dict[str, np.ndarray[Any, Any]] = self._session.run(wanted, feed_dict)
        return result

    def _tensor(self, name: str) -> Tensor:
        known = self._inputs.get(name)
        if known is None:
            known = self._outputs.get(name)
        if known is not None:
            return known
        try:
            tensor: Tensor = self._graph.get_tensor_by_name(name if ":" in name else name + ":0")
        except (KeyError, ValueError):
            near = nearest(name, self._graph._operations)
            hint = f"; near: {', '.join(near)}" if near else ""
            raise errors.InvalidValueError(
                None,
                None,
                f"the model has no tensor '{name}' (inputs: {', '.join(self._inputs)}{hint})",
            ) from None
        return tensor

    def close(self) -> None:
        """Gives back what the model holds."""
        self._session.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def __repr__(self) -> str:
        inputs = ", ".join(
            f"{name}: {tensor.dtype.name}{tensor.shape}" for name, tensor in self._inputs.items()
        )
        return f"<evergraph Model ({inputs}) -> {', '.join(self._outputs)}>"


def _short(tensor: Tensor) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def load_model(
    path: Any,
    outputs: str | Sequence[str] | None = None,
    *,
    allow: Collection[str] = (),
    seconds: float | None = DEFAULT_SECONDS,
) -> Model:
    """A trained model, ready to be called.

    Args:
      path: a frozen graph (``.pb``, ``.pbtxt``), or a checkpoint with its ``.meta`` (prefix, folder or
        any of its files).
      outputs: the names of the outputs; None for the likeliest ends of the graph.
      allow: what its graph may do beside computing: ``"files"`` to read and write them, ``"python"`` to call Python
        functions. A file from a stranger gets neither.
      seconds: how long one call may take; None for ever.

    Raises:
      NotFoundError: nothing is there, or no graph. DataLossError: it is damaged.
      InvalidArgumentError: it is something else, or no output can be worked out.
    """
    graph = Graph()
    text = path_text(path)
    with graph.as_default():
        if _is_graph_file(text):
            import_graph_def(graph_file.read_graph_def(text), name="")
            session = _bounded(graph, allow, seconds)
        else:
            session = _from_checkpoint(graph, text, allow, seconds)
    ends = node_names(outputs) if outputs else candidate_outputs(graph.as_graph_def().node)[:1]
    if not ends:
        raise errors.InvalidArgumentError(
            None, None, f"{text}: no node looks like an output; name them with outputs="
        )
    fetched = [tensor for name in ends for tensor in _output_tensors(graph, name)]
    return Model(graph, session, _placeholders(graph, fetched), fetched)


def _is_graph_file(path: str) -> bool:
    try:
        return sniff(path) in _GRAPHS
    except errors.NotFoundError:
        return False  # A prefix is no file.


def _bounded(graph: Graph, allow: Collection[str], seconds: float | None) -> Session:
    session = Session(graph=graph)
    session.limit(capabilities=frozenset(allow), seconds=seconds)
    return session


def _from_checkpoint(
    graph: Graph, path: str, allow: Collection[str], seconds: float | None
) -> Session:
    found = find_checkpoint(path)
    if not filesystem(found.prefix).exists(found.prefix + ".meta"):
        raise errors.FileMissingError(
            None,
            None,
            f"{found.prefix}.meta is not there: the checkpoint has values but no graph. Its values "
            "can be read with evergraph.open_checkpoint.",
        )
    saver = import_meta_graph(found.prefix + ".meta", clear_devices=True)
    session = Session(graph=graph)
    if saver is not None:
        # Restoring is what the caller asked for; the graph itself gets no more than ``allow``.
        session.limit(capabilities=frozenset({"files"}), seconds=seconds)
        restore_only(session, saver, found.prefix)
    session.limit(capabilities=frozenset(allow), seconds=seconds)
    return session


def _output_tensors(graph: Graph, name: str) -> list[Tensor]:
    try:
        return list(graph.get_operation_by_name(name).outputs[:1])
    except KeyError as error:
        raise errors.InvalidValueError(None, None, str(error.args[0])) from None


def _placeholders(graph: Graph, outputs: Sequence[Tensor]) -> list[Tensor]:
    """The placeholders that the outputs depend on, in the order of the graph."""
    ops = needed(outputs, [], set())
    return [
        op.outputs[0]
        for op in graph.get_operations()
        if op in ops and op.type.startswith("Placeholder")
    ]
