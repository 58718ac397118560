"""Turning what programs pass for a tensor (numbers, lists, arrays, variables) into a Tensor.

A socket: upper floors register how their types convert, lower priority numbers first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.tensor import Tensor

#: ``function(value, dtype, name, as_ref)`` -> Tensor or NotImplemented
Conversion = Callable[..., Any]

_by_priority: dict[int, list[tuple[tuple[type, ...], Conversion]]] = {}
_resolved: dict[type, list[Conversion]] = {}


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...], conversion_func: Conversion, priority: int = 100
) -> None:
    """Registers how objects of ``base_type`` convert: ``conversion_func(value, dtype=, name=, as_ref=)``."""
    kinds = base_type if isinstance(base_type, tuple) else (base_type,)
    _by_priority.setdefault(priority, []).append((kinds, conversion_func))
    _resolved.clear()


def _conversions(kind: type) -> list[Conversion]:
    found = _resolved.get(kind)
    if found is None:
        found = [
            function
            for priority in sorted(_by_priority)
            for kinds, function in _by_priority[priority]
            if issubclass(kind, kinds)
        ]
        _resolved[kind] = found
    return found


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
    *,
    as_ref: bool = False,
) -> Tensor:
    """``value`` as a Tensor of ``dtype`` in the default graph.

    ``preferred_dtype`` (``dtype_hint``) is tried first where ``dtype`` is not given. Raises ValueError for a Tensor of
    another type, TypeError for what does not convert.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, Tensor):
        if wanted is not None and not wanted.is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {value.dtype.name}: {value!r}"
            )
        if value.graph is not get_default_graph():
            raise ValueError(f"Tensor {value!r} must be from the same graph as the default graph.")
        return value
    hint = preferred_dtype if preferred_dtype is not None else dtype_hint
    for function in _conversions(type(value)):
        result = NotImplemented
        if wanted is None and hint is not None:
            try:
                result = function(value, dtype=dtypes.as_dtype(hint), name=name, as_ref=as_ref)
            except (TypeError, ValueError):
                result = NotImplemented
            else:
                if (
                    result is not NotImplemented
                    and result.dtype.base_dtype != dtypes.as_dtype(hint).base_dtype
                ):
                    raise TypeError(
                        f"convert_to_tensor did not convert to the preferred dtype: {result!r}"
                    )
        if result is NotImplemented:
            result = function(value, dtype=wanted, name=name, as_ref=as_ref)
        if result is NotImplemented:
            continue
        if wanted is not None and not wanted.is_compatible_with(result.dtype):
            raise RuntimeError(
                f"the conversion of {type(value)} gave {result.dtype.name}, not {wanted.name}"
            )
        return result
    raise TypeError(
        f"Cannot convert {value!r} with type {type(value)} to Tensor: no conversion function registered."
    )


def convert_n_to_tensor(
    values: Sequence[Any],
    dtype: DType | None = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    as_ref: bool = False,
) -> list[Tensor]:
    """Each of ``values`` as a Tensor; the i-th that is made is called ``name_i``."""
    return [
        convert_to_tensor(
            value,
            dtype,
            name=None if name is None else f"{name}_{i}",
            preferred_dtype=preferred_dtype,
            as_ref=as_ref,
        )
        for i, value in enumerate(values)
    ]
