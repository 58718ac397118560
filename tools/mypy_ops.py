"""Tells mypy what `@op` makes of a class: something to call with tensors, that gives tensors.

mypy ignores what a class decorator returns. This plugin marks the decorated classes and gives calls of them the
signature of `Declaration.__call__`.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.nodes import ARG_STAR, ARG_STAR2, TypeInfo
from mypy.plugin import ClassDefContext, FunctionContext, FunctionSigContext, Plugin
from mypy.types import AnyType, CallableType, FunctionLike, Type, TypeOfAny

_DECORATOR = "evergraph.graph.registry.op"
_MARK = "evergraph_op"


class OpPlugin(Plugin):
    def get_class_decorator_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return _mark if fullname == _DECORATOR else None

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        return _any_arguments if self._is_op(fullname) else None

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        return _any_result if self._is_op(fullname) else None

    def _is_op(self, fullname: str) -> bool:
        if not fullname.startswith("evergraph."):
            return False
        symbol = self.lookup_fully_qualified(fullname)
        return (
            symbol is not None
            and isinstance(symbol.node, TypeInfo)
            and _MARK in symbol.node.metadata
        )


def _mark(context: ClassDefContext) -> None:
    context.cls.info.metadata[_MARK] = {}


def _any_arguments(context: FunctionSigContext) -> FunctionLike:
    anything = AnyType(TypeOfAny.explicit)
    signature = context.default_signature
    assert isinstance(signature, CallableType)
    return signature.copy_modified(
        arg_types=[anything, anything],
        arg_kinds=[ARG_STAR, ARG_STAR2],
        arg_names=["inputs", "attrs"],
    )


def _any_result(context: FunctionContext) -> Type:
    return AnyType(TypeOfAny.explicit)


def plugin(version: str) -> type[Plugin]:
    return OpPlugin
