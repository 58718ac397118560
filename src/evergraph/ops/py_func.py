"""Python functions as operations: tf.py_func, tf.numpy_function, tf.py_function.

The node holds only a token; the function is kept by the graph that it was made for, so a graph that has been read
from a file cannot call one. Running one asks for the capability ``python``.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.registry import op
from evergraph.ops import shape_rules
from evergraph.ops.control_flow import variable_value

_functions: weakref.WeakValueDictionary[str, _Function] = weakref.WeakValueDictionary()
_tokens = itertools.count()


class _Function:
    """A function behind a token; alive as long as a graph that uses it."""

    __slots__ = ("__weakref__", "call")

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call


def _register(call: Callable[..., Any]) -> str:
    """A token for ``call``, which the default graph keeps alive."""
    token = f"pyfunc_{next(_tokens)}"
    function = _functions[token] = _Function(call)
    get_default_graph().attachments.setdefault(__name__, []).append(function)
    return token


def _run(ctx: Any, inputs: Sequence[Any], token: str, kinds: Sequence[DType], eager: bool) -> Any:
    ctx.require("python")
    function = _functions.get(token)
    if function is None:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Could not find callback with key={token} in the registry: the Python function of a graph is not written "
            "into its file; build the graph with the code that made it, or feed what it returns",
        )
    arguments = [_eager_argument(x) if eager else _argument(x) for x in inputs]
    try:
        result = function.call(*arguments)
    except errors.OpError:
        raise
    except Exception as error:
        kind: Any = next(made for raised, made in _ERRORS if isinstance(error, raised))
        raise kind(None, None, f"{type(error).__name__}: {error}") from error
    return _results(result, kinds, token, eager)


#: What TensorFlow makes of an exception of the function.
_ERRORS: list[tuple[type[Exception], type[errors.OpError]]] = [
    (ValueError, errors.InvalidArgumentError),
    (TypeError, errors.InvalidArgumentError),
    (StopIteration, errors.OutOfRangeError),
    (MemoryError, errors.ResourceExhaustedError),
    (NotImplementedError, errors.UnimplementedError),
    (Exception, errors.UnknownError),
]


def _argument(value: Any) -> Any:
    """A value as a function of NumPy arrays gets it: an array of its own, or a NumPy scalar, or bytes."""
    array = np.array(value, copy=True)
    return array if array.ndim else array[()]


class _EagerValue(np.ndarray[Any, Any]):
    """An array that also answers to what functions call on the values that they get in TensorFlow 2."""

    def numpy(self) -> Any:
        """The value as a plain array, or a NumPy scalar."""
        plain = self.view(np.ndarray)
        return plain if plain.ndim else plain[()]


def _eager_argument(value: Any) -> Any:
    return np.array(value, copy=True).view(_EagerValue)


def _results(result: Any, kinds: Sequence[DType], token: str, eager: bool) -> tuple[Any, ...]:
    if not kinds:
        return ()
    values = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(values) != len(kinds):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{token} returns {len(values)} values, but expects to see {len(kinds)} values.",
        )
    return tuple(
        _result(value, kind, i, token, eager)
        for i, (value, kind) in enumerate(zip(values, kinds, strict=True))
    )


def _result(value: Any, kind: DType, i: int, token: str, eager: bool) -> Any:
    array = _strings(np.asarray(value))
    found = dtypes.string if array.dtype.kind == "O" else dtypes.as_dtype(array.dtype)
    if found != kind:
        if eager and dtypes.string not in (found, kind):
            return array.astype(kind.as_numpy_dtype)
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{i}-th value returned by {token} is {dtypes.op_type_name(found)}, "
            f"but expects {dtypes.op_type_name(kind)}",
        )
    # The function may go on writing to what it has returned.
    return np.array(array.view(np.ndarray), copy=True)


def _strings(array: Any) -> Any:
    """Text as an array of bytes objects; other arrays as they are."""
    if array.dtype.kind not in "SUO":
        return array
    flat = [item.encode() if isinstance(item, str) else item for item in array.ravel().tolist()]
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(array.shape)


@op("PyFunc", "input: Tin -> output: Tout", token="string", Tin="list(type) >= 0",
    Tout="list(type) >= 0", stateful=True)  # fmt: skip
class PyFunc:
    shape = shape_rules.unknown

    def compute(ctx, input, *, token, Tout):
        return _run(ctx, input, token, Tout, eager=False)

    gradient = None


@op("PyFuncStateless", "input: Tin -> output: Tout", token="string", Tin="list(type) >= 0",
    Tout="list(type) >= 0", calls=True)  # fmt: skip
class PyFuncStateless:
    shape = shape_rules.unknown

    def compute(ctx, input, *, token, Tout):
        return _run(ctx, input, token, Tout, eager=False)

    gradient = None


@op("EagerPyFunc", "input: Tin -> output: Tout", token="string", is_async=False,
    Tin="list(type) >= 0", Tout="list(type) >= 0", stateful=True)  # fmt: skip
class EagerPyFunc:
    shape = shape_rules.unknown

    def compute(ctx, input, *, token, Tout):
        return _run(ctx, input, token, Tout, eager=True)


def py_func(
    func: Callable[..., Any],
    inp: Sequence[Any],
    Tout: Any,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """What the Python function ``func`` of the values of ``inp`` returns, in a run.

    Args:
      func: of NumPy arrays (scalars as NumPy scalars, strings as bytes); returns arrays or lists of them.
      inp: the tensors.
      Tout: the type of the result, or a list of types where ``func`` returns a list.
      stateful: whether it may do something else or give another result for the same values.

    Returns:
      A tensor, or a list of them where ``Tout`` is one; nothing is known of their shapes.

    Raises:
      ValueError: ``func`` is not callable.
    """
    kind = PyFunc if stateful else PyFuncStateless
    return _build(kind, func, inp, Tout, name)


def _build(
    kind: Any, func: Callable[..., Any], inp: Sequence[Any], Tout: Any, name: str | None
) -> Any:
    if not callable(func):
        raise ValueError(
            f"Expected func to be callable. Received func={func} of type {type(func)}."
        )
    several = isinstance(Tout, (list, tuple))
    kinds = [dtypes.as_dtype(one) for one in (Tout if several else [Tout])]
    result = kind(variable_value(list(inp)), token=_register(func), Tout=kinds, name=name)
    return result if several else result[0]


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Sequence[Any] | None = None,
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """``py_func``; without ``func``, a decorator. Raises TypeError where arguments are missing."""

    def build(function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
        return py_func(function, inputs, Tout, stateful, name)

    return _or_decorator("tf.numpy_function", build, func, inp, Tout)


def py_function(
    func: Callable[..., Any] | None = None,
    inp: Sequence[Any] | None = None,
    Tout: Any = None,
    name: str | None = None,
) -> Any:
    """What ``func`` of the values of ``inp`` returns, in a run; without ``func``, a decorator.

    ``func`` gets arrays (with a method ``numpy``); its results have no gradient here. Raises TypeError where
    arguments are missing.
    """

    def build(function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
        return _build(EagerPyFunc, function, inputs, Tout, name)

    return _or_decorator("tf.py_function", build, func, inp, Tout)


def _or_decorator(
    what: str,
    build: Callable[[Callable[..., Any], Sequence[Any]], Any],
    func: Callable[..., Any] | None,
    inp: Sequence[Any] | None,
    Tout: Any,
) -> Any:
    if Tout is None:
        raise TypeError(f"Missing required argument: 'Tout' ({what})")
    if func is None:
        if inp is not None:
            raise TypeError(
                f"Don't set the `inp` argument when using {what} as a decorator (`func=None`)."
            )
        return lambda function: lambda *inputs: build(function, inputs)
    if inp is None:
        raise TypeError(
            f"Missing argument `inp`: the list of arguments of the function, unless {what} is used as a decorator "
            "(`func=None`)."
        )
    return build(func, inp)
