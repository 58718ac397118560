"""How layers read their arguments: sizes, padding, formats, activations and initializers by name, shapes of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor
from evergraph.ops import activations
from evergraph.ops.softmax import softmax
from evergraph.ops.trigonometric import tanh
from evergraph.ops.unary import exp, sigmoid
from evergraph.variables import initializers

_ACTIVATIONS = {
    "elu": activations.elu,
    "exponential": exp,
    "relu": activations.relu,
    "selu": activations.selu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "softplus": activations.softplus,
    "softsign": activations.softsign,
    "tanh": tanh,
    "linear": None,
}
_INITIALIZERS: dict[str, Callable[[], Any]] = {
    "zeros": initializers.Zeros,
    "ones": initializers.Ones,
    "glorot_uniform": initializers.GlorotUniform,
    "glorot_normal": initializers.GlorotNormal,
    "random_uniform": initializers.RandomUniform,
    "random_normal": initializers.RandomNormal,
    "truncated_normal": initializers.TruncatedNormal,
    "orthogonal": initializers.Orthogonal,
    "identity": initializers.Identity,
    "variance_scaling": initializers.VarianceScaling,
    "lecun_normal": initializers.lecun_normal,
    "lecun_uniform": initializers.lecun_uniform,
    "he_normal": initializers.he_normal,
    "he_uniform": initializers.he_uniform,
}


#: The defaults of many arguments.
ZEROS = initializers.Zeros()
ONES = initializers.Ones()


@dataclass
class InputSpec:
    """What a layer asks of the shape of its input."""

    ndim: int | None = None
    min_ndim: int | None = None
    axes: Mapping[int, int | None] = field(default_factory=dict)

    def check(self, x: Tensor, layer: str) -> None:
        """Raises ValueError where ``x`` has another shape."""
        dims = x.shape.dims_or_none
        if dims is None:
            return
        start = f'Input 0 of layer "{layer}" is incompatible with the layer: expected'
        if self.ndim is not None and len(dims) != self.ndim:
            raise ValueError(
                f"{start} ndim={self.ndim}, found ndim={len(dims)}. Full shape received: {dims}"
            )
        if self.min_ndim is not None and len(dims) < self.min_ndim:
            raise ValueError(
                f"{start} min_ndim={self.min_ndim}, found ndim={len(dims)}. "
                f"Full shape received: {dims}"
            )
        for axis, size in self.axes.items():
            if size is not None and dims[axis] not in (size, None):
                raise ValueError(
                    f"{start} axis {axis} of input shape to have value {size}, "
                    f"but received input with shape {dims}"
                )


def sizes(value: Any, count: int, name: str, least: int = 1) -> tuple[int, ...]:
    """``count`` numbers, from one or as many. Raises ValueError where they are not, or are less than ``least``."""
    given = (value,) * count if isinstance(value, int) else value
    try:
        numbers = tuple(int(item) for item in given)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != count:
        raise ValueError(
            f"The `{name}` argument must be a tuple of {count} integers. Received: {value}"
        )
    if min(numbers) < least:
        raise ValueError(f"The numbers of `{name}` must be at least {least}. Received: {value}")
    return numbers


def padding_of(value: str, *allowed: str) -> str:
    """``value`` in small letters. Raises ValueError where it is not among ``allowed``."""
    padding = value.lower()
    if padding not in allowed:
        raise ValueError(
            f"The `padding` argument must be one of {', '.join(allowed)}. Received: {value}"
        )
    return padding


def channels_first(data_format: str) -> bool:
    """Whether ``data_format`` says "channels_first". Raises ValueError where it is neither that nor "channels_last"."""
    layout = data_format.lower()
    if layout not in ("channels_first", "channels_last"):
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last". '
            f"Received: {data_format}"
        )
    return layout == "channels_first"


def layout_of(first: bool, rank: int) -> str:
    """TensorFlow's word for images with ``rank`` dimensions whose channels come first, or last."""
    spatial = {3: "W", 4: "HW", 5: "DHW"}[rank]
    return f"NC{spatial}" if first else f"N{spatial}C"


def channel_count(shape: TensorShape, axis: int, layer: str) -> int:
    """The size of that axis. Raises ValueError where it is not known."""
    dims = shape.dims_or_none
    size = None if dims is None else dims[axis]
    if size is None:
        raise ValueError(
            f"The channel dimension of the inputs to `{layer}` should be defined. The input_shape "
            f"received is {shape}, where axis {axis} (0-based) is the channel dimension"
        )
    return size


def activation(given: Any) -> Any:
    """A function, from one or from its name; None for none. Raises ValueError for a name of none."""
    if not isinstance(given, str):
        return given
    if given not in _ACTIVATIONS:
        raise ValueError(f"Unknown activation {given!r}; there are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[given]


def initializer(given: Any) -> Any:
    """An initializer, from one, its class or its name; None for none. Raises ValueError for a name of none."""
    if isinstance(given, type):
        return given()
    if not isinstance(given, str):
        return given
    if given not in _INITIALIZERS:
        raise ValueError(f"Unknown initializer {given!r}; there are {', '.join(_INITIALIZERS)}")
    return _INITIALIZERS[given]()
