"""Moving averages of variables and tensors: ``average -= (average - value) * (1 - decay)``, step by
step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, device, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.arithmetic import minimum, pow
from evergraph.ops.casts import cast
from evergraph.ops.division import div, truediv
from evergraph.ops.grouping import group
from evergraph.ops.state import assign, assign_sub
from evergraph.variables import slots
from evergraph.variables.collections import (
    global_variables,
    moving_average_variables,
    trainable_variables,
)
from evergraph.variables.initializers import zeros_initializer
from evergraph.variables.scope import get_variable, get_variable_scope, variable_scope
from evergraph.variables.variable import Variable, lifted

_TYPES = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)
_VARIABLE_OPS = ("Variable", "VariableV2", "VarHandleOp")


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """Moves ``variable``, an average, towards ``value``; the result is the variable after that.

    With ``zero_debias`` the average does not lean towards the zero that it begins with (Kingma and
    Ba 2015, section 3): ``variable/biased`` and ``variable/local_step`` keep what that takes.
    """
    with name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        rate = convert_to_tensor(1.0 - decay, name="decay")
        kind = variable.dtype.base_dtype
        if rate.dtype != kind:
            rate = cast(rate, kind)
        if zero_debias:
            return _assign_without_bias(variable, value, rate)
        return assign_sub(variable, (variable - value) * rate, name=scope)


def _assign_without_bias(average: Any, value: Any, rate: Any) -> Any:
    with (
        variable_scope(average.name[: -len(":0")], values=[average, value, rate]),
        colocate_with(average),
    ):
        biased = get_variable(
            _unused("biased"),
            initializer=zeros_initializer(),
            shape=average.get_shape(),
            dtype=average.dtype,
            trainable=False,
        )
        local_step = get_variable(
            _unused("local_step"),
            shape=[],
            dtype=average.dtype,
            initializer=zeros_initializer(),
            trainable=False,
        )
    updated = assign_sub(biased, (biased - value) * rate)
    step = local_step.assign_add(1)
    kept: Any = pow(1.0 - rate, step)
    factor = 1 - kept
    scope = f"{get_default_graph().get_name_scope()}/"
    return assign(average, updated / factor, name=scope)


def _unused(name: str) -> str:
    """``name``, with ``_n`` where the current scope has a variable of that name and does not
    reuse.
    """
    scope = get_variable_scope()
    if scope.reuse:
        return name
    taken = {variable.op.name for variable in scope.global_variables()}
    found, number = name, 0
    while f"{scope.name}/{found}" in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def weighted_moving_average(
    value: Any,
    decay: Any,
    weight: Any,
    truediv: bool = True,
    collections: Any = None,
    name: str | None = None,
) -> Tensor:
    """The moving average of ``value``, each with its ``weight``: that of the products by that of
    the weights.
    """
    collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    with variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
        sums = [
            get_variable(
                own_name,
                shape=like.get_shape(),
                dtype=like.dtype,
                initializer=zeros_initializer(),
                trainable=False,
                collections=collections,
            )
            for own_name, like in (("value_x_weight", value), ("weight", weight))
        ]
        numerator = assign_moving_average(sums[0], value * weight, decay, zero_debias=False)
        denominator = assign_moving_average(sums[1], weight, decay, zero_debias=False)
        return _quotient(truediv, numerator, denominator, scope.name)


def _quotient(true_division: bool, x: Any, y: Any, name: str) -> Tensor:
    return truediv(x, y, name=name) if true_division else div(x, y, name=name)


class ExponentialMovingAverage:
    """Moving averages of variables, kept in variables of their own
    (``w/ExponentialMovingAverage``).

    Args:
        decay: the share of the old average that stays at each step, as 0.999.
        num_updates: a count of steps; the decay is then at most ``(1 + n) / (10 + n)``.
        zero_debias: averages of tensors do not lean towards the zero that they begin with.
        name: what the averages are called, below their variables.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Sequence[Any] | None = None) -> Operation:
        """An operation that brings the averages of ``var_list`` (default: trainable variables) up
        to date.

        Raises TypeError for what is not of a floating type.
        """
        if var_list is None:
            var_list = trainable_variables()
        without_bias: set[Any] = set()
        for variable in var_list:
            if variable.dtype.base_dtype not in _TYPES:
                raise TypeError(f"The variables must be half, float, or double: {variable.name}")
            if variable not in self._averages:
                with lifted():
                    self._averages[variable] = self._make_average(variable)
                if self._zero_debias and not isinstance(variable, Variable):
                    without_bias.add(variable)
        with name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, dtype=dtypes.float32, name="decay")
            if self._num_updates is not None:
                steps: Any = cast(self._num_updates, dtypes.float32, name="num_updates")
                decay = minimum(decay, (1.0 + steps) / (10.0 + steps))
            updates = [
                assign_moving_average(
                    self._averages[variable], variable, decay, variable in without_bias
                )
                for variable in var_list
            ]
            return group(*updates, name=scope)

    def _make_average(self, variable: Any) -> Any:
        if not isinstance(variable, Variable):
            beside = variable.op.type in _VARIABLE_OPS
            return slots.create_zeros_slot(variable, self._name, colocate_with_primary=beside)
        with device(variable.device):
            value = variable.initialized_value()
        average = slots.create_slot(variable, value, self._name)
        get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, variable)
        return average

    def average(self, var: Any) -> Any:
        """The variable that keeps the average of ``var``; None where there is none."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name under which the average of ``var`` is saved, whether there is one yet or not."""
        if var in self._averages:
            return _without_output(self._averages[var].name)
        name = f"{_without_output(var.name)}/{self._name}"
        return get_default_graph().unique_name(name, mark_as_used=False)

    def variables_to_restore(
        self, moving_avg_variables: Iterable[Any] | None = None
    ) -> dict[str, Any]:
        """Names and variables for a Saver that restores the averages into the variables.

        Variables without an average are restored by their own names.
        """
        if moving_avg_variables is None:
            moving_avg_variables = [*trainable_variables(), *moving_average_variables()]
        averaged = list(dict.fromkeys(moving_avg_variables))
        found = {self.average_name(variable): variable for variable in averaged}
        names = {variable.name for variable in averaged}
        for variable in dict.fromkeys(global_variables()):
            if variable.name not in names and variable.op.name not in found:
                found[variable.op.name] = variable
        return found


def _without_output(name: str) -> str:
    return name[: -len(":0")]
