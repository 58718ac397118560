"""What all layers share: names, variables, reuse, losses and updates, as tf.layers has them.

A layer's variables live in a variable scope of its own, opened on first use: the name that was given, or one made
from the class (``conv2d``, ``conv2d_1``). Calling the layer again uses the same variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.nn.layers.arguments import InputSpec
from evergraph.ops import array
from evergraph.ops.casts import cast
from evergraph.variables.collections import global_variables, trainable_variables
from evergraph.variables.initializers import GlorotUniform, Zeros
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.scope import VariableScope, get_variable, variable_scope

_COUNTS = "evergraph.layers.counts"


class Layer:
    """A function with variables. Subclasses make these in ``build(input_shape)`` and compute in ``call(inputs)``."""

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        *,
        activity_regularizer: Callable[[Any], Any] | None = None,
        _scope: Any = None,
        _reuse: Any = None,
    ) -> None:
        """``name``: of the variable scope, and that of the layer; ``dtype``: of its variables (the first input's).

        ``activity_regularizer``: a function of the output whose result is added to REGULARIZATION_LOSSES.
        """
        self.trainable = trainable
        self.built = False
        self.input_spec: InputSpec | None = None
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype)
        self._reuse = _reuse
        self._activity_regularizer = activity_regularizer
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._updates: list[Operation] = []
        self._losses: list[Tensor] = []
        self._base_name: str = self._default_name()
        if name and not isinstance(name, VariableScope):
            self._name = self._base_name = name
        else:
            self._name = _unique(self._base_name)
            self._base_name = name.name if isinstance(name, VariableScope) else self._base_name
        self._scope: VariableScope | None = None
        self._current_scope: VariableScope | None = None
        self._again: variable_scope | None = None
        if _scope:
            with variable_scope(_scope) as captured:
                self._scope = captured

    def _default_name(self) -> str:
        words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", type(self).__name__)
        snake = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
        return f"private{snake}" if snake.startswith("_") else snake

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> DType | None:
        """The type of the layer's variables, once that is known."""
        return self._dtype

    @property
    def scope_name(self) -> str:
        """The name of the variable scope. Raises ValueError before the first call has settled it."""
        if self._scope is None:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" has not been '
                "used yet: call the layer first"
            )
        return self._scope.name

    @property
    def trainable_weights(self) -> list[Any]:
        return self._trainable_weights if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        if self.trainable:
            return self._non_trainable_weights
        return self._trainable_weights + self._non_trainable_weights

    @property
    def weights(self) -> list[Any]:
        return self.trainable_weights + self.non_trainable_weights

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights
    variables = weights

    @property
    def updates(self) -> list[Operation]:
        """Operations that keep the layer's statistics."""
        return list(self._updates) if self.trainable else []

    @property
    def losses(self) -> list[Tensor]:
        """What the regularizers have given."""
        return list(self._losses)

    # -------------------------------------------------------------------- what subclasses define

    def build(self, input_shape: Any) -> None:
        """Makes the variables, for inputs of that TensorShape."""
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        """The layer's output."""
        return inputs

    # ----------------------------------------------------------------------- what they are given

    def add_weight(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        partitioner: Any = None,
        **kwargs: Any,
    ) -> Any:
        """The layer's variable of that name: a new one, or one of an earlier layer where the layer reuses."""
        existing = set(map(id, global_variables()))
        kind = dtypes.as_dtype(dtype or self._dtype or dtypes.float32)
        trainable = trainable is not False and self.trainable
        self._set_scope(None)
        assert self._scope is not None
        reuse = self.built or self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with name_scope(scope.original_name_scope or None):
                variable = get_variable(
                    name,
                    shape=shape,
                    dtype=kind,
                    initializer=_initializer(initializer, scope, kind),
                    trainable=trainable,
                    constraint=constraint,
                    use_resource=use_resource or scope.use_resource,
                    partitioner=partitioner,
                    **kwargs,
                )
                parts = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
                if regularizer is not None and existing.isdisjoint(map(id, parts)):
                    for part in parts:
                        with name_scope(f"{name}/Regularizer"):
                            loss = regularizer(part)
                        self.add_loss(loss)
        trained = set(map(id, trainable_variables())) if trainable else set()
        for part in parts:
            is_trained = id(part) in trained
            (self._trainable_weights if is_trained else self._non_trainable_weights).append(part)
        return variable

    add_variable = add_weight

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds to the layer's losses, and to REGULARIZATION_LOSSES. A loss may be a tensor, a function, or None."""
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            value = loss() if callable(loss) else loss
            if value is not None:
                tensor = convert_to_tensor(value)
                self._losses.append(tensor)
                _collect(GraphKeys.REGULARIZATION_LOSSES, [tensor])

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds operations (or tensors, or functions that make them) that the call adds to UPDATE_OPS."""
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            made = update() if callable(update) else update
            self._updates.append(made if isinstance(made, Operation) else made.op)

    # ---------------------------------------------------------------------------------- the call

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """``call(inputs)`` in the layer's scope; makes the variables first where they are not there yet.

        Raises ValueError for inputs of a shape that the layer does not take.
        """
        self._set_scope(kwargs.pop("scope", None))
        assert self._scope is not None
        if not self.built:
            entered = variable_scope(self._scope, reuse=self._reuse, auxiliary_name_scope=False)
        else:
            if self._again is None:
                self._again = variable_scope(self._scope, reuse=True, auxiliary_name_scope=False)
            entered = self._again
        with entered as scope:
            self._current_scope = scope
            if isinstance(inputs, (np.ndarray, float, int)):
                inputs = convert_to_tensor(inputs)
            first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
            if self.input_spec is not None:
                self.input_spec.check(first, self._name)
            with name_scope(scope.original_name_scope or None):
                if not self.built:
                    if self._dtype is None:
                        self._dtype = first.dtype.base_dtype
                    self.build(first.shape)
                    self.built = True
                outputs = self.call(inputs, *args, **kwargs)
                if self._activity_regularizer is not None:
                    self._add_activity_loss(outputs)
        _collect(GraphKeys.UPDATE_OPS, self.updates)
        return outputs

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    def _add_activity_loss(self, outputs: Any) -> None:
        assert self._activity_regularizer is not None
        with name_scope("ActivityRegularizer"):
            for output in outputs if isinstance(outputs, (list, tuple)) else [outputs]:
                loss = self._activity_regularizer(output)
                # Of one example: how large the batch is shall not matter.
                self.add_loss(loss / cast(array.shape(output)[0], loss.dtype.base_dtype))

    def _set_scope(self, scope: Any) -> None:
        if self._scope is not None:
            return
        if self._reuse:
            entered = variable_scope(scope if scope is not None else self._base_name)
        else:
            entered = variable_scope(scope, default_name=self._base_name)
        with entered as captured:
            self._scope = captured


def _initializer(given: Any, scope: VariableScope, kind: DType) -> Any:
    initializer = given if given is not None else scope.initializer
    if initializer is not None:
        return initializer
    if kind.is_floating:
        return GlorotUniform()
    return Zeros() if kind.is_integer or kind.is_bool else None


def _unique(base: str) -> str:
    """``base``, or ``base_n`` where the graph has had a layer of that name."""
    counts: dict[str, int] = get_default_graph().attachments.setdefault(_COUNTS, {})
    counts[base] = counts.get(base, 0) + 1
    return base if counts[base] == 1 else f"{base}_{counts[base] - 1}"


def _collect(name: str, elements: Sequence[Any]) -> None:
    """Adds to a collection what is not in it yet; the collection is there afterwards, even if empty."""
    collection = get_default_graph().get_collection_ref(name)
    seen = set(map(id, collection))
    collection.extend(element for element in elements if id(element) not in seen)
