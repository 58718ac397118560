"""The registry of ops: one declaration holds an op's signature, shape rule, computation and gradient.

    @op("MatMul", "a: T, b: T -> product: T", T=NUMERIC, transpose_a=False, transpose_b=False)
    class MatMul:
        def shape(c): ...
        def compute(xp, a, b, *, transpose_a, transpose_b): ...
        def gradient(op, grad): ...

The class body is a namespace, not a type: ``MatMul`` afterwards is a Declaration, and ``MatMul(a, b, name="m")`` builds
a node. What may stand in the body:

``shape(c)``
    The static shape rule: sees a ShapeContext, returns a list with one Dims for each output, or the one output's Dims.
``compute(xp, *inputs, *, attr...)``
    The values of the outputs. Pure; ``xp`` is NumPy or ``jax.numpy``. One value for each *argument*: a list argument
    arrives and leaves as a tuple. One output argument: its value itself; none: None; several: a tuple.
    Attributes arrive
    by the names of the keyword-only parameters; no others are passed.
    In a *stateful* op the first parameter is ``ctx`` (evergraph.graph.kernel.KernelContext) instead of ``xp``.
``gradient(op, *grads)``
    One entry (Tensor, IndexedSlices or None) for each input tensor, or that entry itself where there is one input.
    ``gradient = None`` says that there is none on purpose.

Keywords of ``op`` beside the attributes:

``static``        names of inputs whose *values* fix shapes; engines that compile pass them as host integers
``stateful``      has state or a side effect: never folded, merged or moved
``calls``         calls functions of the graph's library: ``compute`` takes ``ctx``, as that of a stateful op
``reads``         reads what is outside of the graph (files): ``compute`` takes ``ctx`` too
``host``          needs values to know its outputs' shapes, or objects (strings, files): never compiled
``handle``        gives the same object in every run of a session (a variable's cell): a plan asks for it once
``blocking``      may wait for another run: the executor defers it until nothing else is ready
``commutative``, ``aggregate``, ``allows_uninitialized_input``   flags of the OpDef
"""

from __future__ import annotations

import collections
import functools
import inspect
from collections.abc import Callable
from typing import Any

from evergraph.graph.signature import NO_DEFAULT, Arg, Signature

_declarations: dict[str, Declaration] = {}
_gradients: dict[str, Callable[..., Any] | None] = {}


class Declaration:
    """One op, whole. Calling it builds a node: ``MatMul(a, b, transpose_a=True, name="product")``."""

    def __init__(self, signature: Signature, body: type, flags: dict[str, Any]) -> None:
        self.name = signature.name
        self.signature = signature
        self.inputs: tuple[Arg, ...] = signature.inputs
        self.outputs: tuple[Arg, ...] = signature.outputs
        self.attrs = signature.attrs
        namespace = vars(body)
        self.shape: Callable[..., Any] | None = namespace.get("shape")
        self.compute: Callable[..., Any] | None = namespace.get("compute")
        self.has_gradient = "gradient" in namespace
        self.gradient: Callable[..., Any] | None = namespace.get("gradient")
        names = [arg.name for arg in self.inputs]
        static = [name.strip() for name in flags.pop("static", "").split(",") if name.strip()]
        self.static = frozenset(names.index(name) for name in static)
        self.stateful: bool = flags.pop("stateful", False)
        #: Whether ``compute`` takes the run's context, not the array namespace: then nothing is computed
        #: ahead of a run.
        self.needs_context: bool = (
            flags.pop("calls", False) or flags.pop("reads", False) or self.stateful
        )
        self.handle: bool = flags.pop("handle", False)
        self.host: bool = flags.pop("host", False)
        self.blocking: bool = flags.pop("blocking", False)
        self.commutative: bool = flags.pop("commutative", False)
        self.aggregate: bool = flags.pop("aggregate", False)
        self.allows_uninitialized_input: bool = flags.pop("allows_uninitialized_input", False)
        self.compute_attrs = self._keyword_names()
        self.has_list_inputs = any(arg.is_list for arg in self.inputs)
        self.has_list_outputs = any(arg.is_list for arg in self.outputs)
        self.has_ref_inputs = any(arg.is_ref for arg in self.inputs)
        self.defaults = {
            attr.name: attr.default
            for attr in self.attrs.values()
            if attr.default is not NO_DEFAULT
        }

    def _keyword_names(self) -> tuple[str, ...]:
        # NumPy's ufuncs (``compute = np.add``) take no attributes and have no readable signature.
        if self.compute is None or not inspect.isfunction(self.compute):
            return ()
        parameters = inspect.signature(self.compute).parameters.values()
        names = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        unknown = set(names) - set(self.attrs)
        if unknown:
            raise ValueError(
                f"{self.name}: compute asks for attributes {sorted(unknown)} that it has not"
            )
        return names

    def __call__(self, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
        from evergraph.graph.builder import build

        return build(self, inputs, name, attrs)

    @functools.cached_property
    def result_type(self) -> Any:
        """The named tuple that a node with several output arguments is returned as."""
        return collections.namedtuple(
            self.name, [arg.name for arg in self.outputs]
        )  # names known at run time

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def op(name: str, signature: str, **keywords: Any) -> Callable[[type], Declaration]:
    """Declares an op; see the head of this file. Raises ValueError where the signature does not parse."""
    flag_names = (
        "static", "stateful", "calls", "handle", "host", "blocking", "commutative", "aggregate",
        "allows_uninitialized_input", "reads",
    )  # fmt: skip
    flags = {key: keywords.pop(key) for key in flag_names if key in keywords}
    parsed = Signature.parse(name, signature, keywords)

    def declare(body: type) -> Declaration:
        declaration = Declaration(parsed, body, flags)
        if name in _declarations:
            raise ValueError(f"op {name} is declared twice")
        _declarations[name] = declaration
        return declaration

    return declare


def lookup(name: str) -> Declaration | None:
    """The declaration of op ``name``, or None where nobody has declared it."""
    return _declarations.get(name)


def declarations() -> dict[str, Declaration]:
    """All declarations by name."""
    return dict(_declarations)


def register_gradient(name: str, function: Callable[..., Any] | None) -> None:
    """Gives ``name`` (an op type, or a label for ``gradient_override_map``) a gradient. Raises KeyError
    where it has one.
    """
    if name in _gradients:
        raise KeyError(f"Registering two gradient with name '{name}'!")
    _gradients[name] = function


def lookup_gradient(name: str) -> Callable[..., Any] | None:
    """The gradient registered under ``name``; None where there is none on purpose. Raises LookupError where unknown."""
    if name in _gradients:
        return _gradients[name]
    declaration = _declarations.get(name)
    if declaration is None or not declaration.has_gradient:
        raise LookupError(f"No gradient defined for operation type '{name}'")
    return declaration.gradient
