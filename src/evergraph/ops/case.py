"""tf.case: the first of several branches whose predicate holds."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.assertions import assert_
from evergraph.ops.cond import cond, smart_cond
from evergraph.ops.constant import constant

Branch = Callable[[], Any]


def case(
    pred_fn_pairs: Any,
    default: Branch | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the first function gives whose predicate is true in a run, else what ``default`` gives.

    Args:
      pred_fn_pairs: a list of (boolean scalar tensor, function), or a dict.
      default: the function where none is true; without it, it is an error in a run that none is.
      exclusive: it is an error in a run that more than one is true.
      strict: keep lists of one element.
      name: of the name scope.

    Raises:
      TypeError: where the arguments are not of this form.
    """
    return _case(
        lambda pred, true_fn, false_fn: cond(pred, true_fn, false_fn, strict=strict),
        pred_fn_pairs,
        default,
        exclusive,
        name,
        python_preds=False,
    )


def smart_case(
    pred_fn_pairs: Any,
    default: Branch | None = None,
    exclusive: bool = False,
    name: str = "smart_case",
) -> Any:
    """``case``, where branches whose predicate is known already are built or left out."""
    return _case(smart_cond, pred_fn_pairs, default, exclusive, name, python_preds=True)


def _case(
    choose: Callable[[Any, Branch, Branch], Any],
    pairs: Any,
    default: Branch | None,
    exclusive: bool,
    name: str,
    python_preds: bool,
) -> Any:
    predicates, functions = _checked(pairs, exclusive, name, python_preds)
    with name_scope(name, "case", predicates):
        if default is None:
            default, predicates, functions = _last_as_default(predicates, functions)
        chosen = default
        for predicate, function in reversed(list(zip(predicates, functions, strict=True))):
            chosen = _nested(choose, predicate, function, chosen)
        if not exclusive:
            return chosen()
        with control_dependencies([_at_most_true(predicates, 1, "Input error: exclusive=True")]):
            return chosen()


def _nested(choose: Any, predicate: Any, function: Branch, otherwise: Branch) -> Branch:
    return lambda: choose(predicate, function, otherwise)


def _checked(
    pairs: Any, exclusive: bool, name: str, python_preds: bool
) -> tuple[list[Any], list[Branch]]:
    if not isinstance(pairs, (list, tuple, dict)):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pairs)}")
    if isinstance(pairs, OrderedDict):
        pairs = list(pairs.items())
    elif isinstance(pairs, Mapping):
        pairs = sorted(pairs.items(), key=lambda pair: pair[0].name)
        if not exclusive:
            warnings.warn(
                f"{name}: An unordered dictionary of predicate/fn pairs was provided, but exclusive=False. "
                "The order of conditional tests is deterministic but not guaranteed.",
                stacklevel=4,
            )
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair}.")
        predicate, function = pair
        if isinstance(predicate, Tensor):
            if predicate.dtype != dtypes.bool:
                raise TypeError(f"pred must be Tensor of type bool: {predicate.name}")
        elif not python_preds:
            raise TypeError(f"pred must be a Tensor, got: {predicate}")
        elif not isinstance(predicate, bool):
            raise TypeError(f"pred must be a Tensor or bool, got: {predicate}")
        if not callable(function):
            raise TypeError(
                f"fn for pred {getattr(predicate, 'name', predicate)} must be callable."
            )
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _at_most_true(predicates: Sequence[Any], most: int, message: str) -> Operation:
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import less_equal
    from evergraph.ops.reductions import reduce_sum
    from evergraph.ops.stacking import stack

    stacked = stack(predicates, name="preds_c")
    count = reduce_sum(cast(stacked, dtypes.int32), name="num_true_conds")
    condition = less_equal(count, constant(most, name="n_true_conds"))
    names = ", ".join(getattr(predicate, "name", "?") for predicate in predicates)
    text = f"{message}: more than {most} conditions ({names}) evaluated as True:"
    return assert_(condition, [text, stacked], summarize=len(predicates))


def _last_as_default(
    predicates: Sequence[Any], functions: Sequence[Branch]
) -> tuple[Branch, list[Any], list[Branch]]:
    """The last pair as the default, with a check that its predicate is true where it is taken."""
    from evergraph.ops.stacking import stack

    last = len(predicates) - 1

    def default() -> Any:
        others = (
            f"Implementation error: selected default action #{last} was called, "
            "but some of other predicates are True: "
        )
        none = (
            "Input error: None of conditions evaluated as True:",
            stack(predicates, name="preds_c"),
        )
        checks = [_at_most_true(predicates[:last], 0, others), assert_(predicates[last], none)]
        with control_dependencies(checks):
            return functions[last]()

    return default, list(predicates[:last]), list(functions[:last])
