"""Model: a trained graph as a function of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from evergraph import errors
from evergraph.graph.graph import Graph
from evergraph.graph.tensor import Tensor
from evergraph.nearest import nearest
from evergraph.ops.sparse_tensor import SparseTensor
from evergraph.runtime.limits import Limits
from evergraph.runtime.prune import needed
from evergraph.runtime.session import Session
from evergraph.transforms.subgraph import candidate_outputs, node_names

#: An input or output.
Element = Tensor | SparseTensor


class Model:
    """A loaded model: ``model(x=array)`` or ``model({"x": array})`` gives its outputs by name.

    Attributes:
      inputs: name -> (dtype, shape) of what it is fed.
      outputs: the names of what it gives.
      signatures: of a SavedModel, what else it can be called for: name -> a Model.
    """

    def __init__(
        self,
        graph: Graph,
        session: Session,
        inputs: Mapping[str, Element],
        outputs: Mapping[str, Element],
        *,
        defaults: Mapping[str, Any] | None = None,
        signatures: Mapping[str, Model] | None = None,
    ) -> None:
        self._graph = graph
        self._session = session
        self._inputs = dict(inputs)
        self._outputs = dict(outputs)
        self._defaults = dict(defaults or {})
        self.signatures: dict[str, Model] = dict(signatures or {})

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def session(self) -> Session:
        return self._session

    @property
    def inputs(self) -> dict[str, tuple[Any, Any]]:
        return {name: (element.dtype, element.shape) for name, element in self._inputs.items()}

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
    ) -> dict[str, Any]:
        """The outputs for these inputs, by name.

        Args:
          feeds, named: values by the names of the inputs, or of any other tensor of the graph. A sparse input takes
            (indices, values, shape), and a sparse output is a ``tf.SparseTensorValue``.
          outputs: other tensors to compute than ``model.outputs``.

        Raises:
          InvalidArgumentError: a name that is not there, an input that is missing or does not fit; no outputs are
            known (a SavedModel with several signatures).
        """
        given = {**self._defaults, **(feeds or {}), **named}
        if outputs is None:
            self._check_callable(given)
        feed_dict = {self._element(name): value for name, value in given.items()}
        wanted = (
            self._outputs if outputs is None else {name: self._element(name) for name in outputs}
        )
        result: dict[str, Any] = self._session.run(wanted, feed_dict)
        return result

    def with_outputs(self, outputs: str | Sequence[str] | None) -> Model:
        """The same model with other outputs, named as in a call; None for the same. InvalidArgumentError for a name
        that is not there.
        """
        wanted = (
            [part.strip() for part in outputs.split(",")] if isinstance(outputs, str) else outputs
        )
        found = self._outputs if not wanted else {name: self._element(name) for name in wanted}
        return Model(self._graph, self._session, self._inputs, found, defaults=self._defaults)

    def _check_callable(self, given: Mapping[str, Any]) -> None:
        if not self._outputs:
            raise errors.InvalidValueError(
                None,
                None,
                f"the model has no default signature: call one of its signatures ({', '.join(self.signatures)}), as in "
                f"model.signatures[{next(iter(self.signatures), '')!r}](...), or name outputs=",
            )
        missing = [
            name
            for name, element in self._inputs.items()
            if name not in given and _values(element).op.type == "Placeholder"
        ]
        # What is fed in the middle of the graph may make an input needless.
        if missing and given.keys() <= self._inputs.keys():
            listed = ", ".join(f"'{name}'" for name in missing)
            raise errors.InvalidValueError(None, None, f"no value is given for {listed}; {self}")

    def _element(self, name: str) -> Element:
        known = self._inputs.get(name)
        if known is None:
            known = self._outputs.get(name)
        if known is not None:
            return known
        try:
            tensor: Tensor = self._graph.get_tensor_by_name(name if ":" in name else name + ":0")
        except (KeyError, ValueError):
            near = nearest(name, self._inputs) or nearest(name, self._graph._operations)
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
            f"{name}: {dtype.name}{shape}" for name, (dtype, shape) in self.inputs.items()
        )
        return f"<evergraph Model ({inputs}) -> {', '.join(self._outputs)}>"


def _values(element: Element) -> Tensor:
    return element.values if isinstance(element, SparseTensor) else element


def graph_model(
    graph: Graph, session: Session, path: str, outputs: str | Sequence[str] | None
) -> Model:
    """The model of a graph without signatures: the named outputs, or the likeliest, and the placeholders behind them.

    Raises InvalidArgumentError where an output is not there, or none can be worked out.
    """
    ends = node_names(outputs) if outputs else candidate_outputs(graph.as_graph_def().node)[:1]
    if not ends:
        raise errors.InvalidArgumentError(
            None, None, f"{path}: no node looks like an output; name them with outputs="
        )
    fetched = [tensor for name in ends for tensor in _output_tensors(graph, name)]
    return Model(
        graph,
        session,
        {tensor.op.name: tensor for tensor in _placeholders(graph, fetched)},
        {tensor.op.name: tensor for tensor in fetched},
    )


@contextmanager
def damage_told(what: str, path: str) -> Iterator[None]:
    """Whatever a file that was made or damaged to confuse brings about is one error, with the name of the file; the
    cause stays behind it.
    """
    try:
        yield
    except errors.DataLossError as error:
        if path in error.message:
            raise
        raise _not_holding(what, error.message) from error
    except (errors.OpError, ValueError):
        raise
    except Exception as error:
        raise _not_holding(what, str(error)) from error


def _not_holding(what: str, why: str) -> errors.DataLossError:
    return errors.DataLossError(
        None, None, f"The graph of the {what} does not hold together: {why}"
    )


def bounded(graph: Graph, allow: Collection[str], limits: Limits) -> Session:
    """A session in which the graph may do what ``allow`` says, within ``limits`` in each run."""
    session = Session(graph=graph)
    session.limit(capabilities=frozenset(allow), **limits._asdict())
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
