"""Prints the head of an op declaration, from the OpDef of the TensorFlow that runs this.

    .oracle/tf2.15/bin/python tools/declare_op.py MatMul Conv2D Pack
    .oracle/tf2.15/bin/python tools/declare_op.py --all-used ops.tsv     # first column: op names
    .oracle/tf2.15/bin/python tools/declare_op.py --every

The form is the one that `evergraph.graph.signature` reads: the arguments as in TensorFlow's own
documentation, the attributes in OpDef order, each as its default where that is a plain value.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import sys
from typing import Any

WIDTH = 100
INDENT = "    "
FLAGS = {
    "is_stateful": "stateful",
    "is_commutative": "commutative",
    "is_aggregate": "aggregate",
    "allows_uninitialized_input": "allows_uninitialized_input",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="OP")
    parser.add_argument("--all-used", metavar="FILE.tsv", help="every op named in the first column")
    parser.add_argument("--every", action="store_true", help="every op that TensorFlow knows")
    options = parser.parse_args()

    known = op_defs()
    names = list(options.names)
    if options.all_used:
        with open(options.all_used, encoding="utf-8") as lines:
            names += [line.split("\t")[0].strip() for line in lines][1:]
    if options.every:
        names += sorted(known)
    missing = [name for name in names if name not in known]
    print("\n\n".join(declaration(known[name]) for name in names if name in known))
    for name in missing:
        near = ", ".join(difflib.get_close_matches(name, known)) or "none"
        print(f"# {name}: TensorFlow has no such op (nearest: {near})", file=sys.stderr)
    sys.exit(1 if missing and not options.all_used else 0)


def op_defs() -> dict[str, Any]:
    """Every registered OpDef by name."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    data = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return {op.name: op for op in op_def_pb2.OpList.FromString(data).op}


def declaration(op: Any) -> str:
    """The decorator and the class line for one OpDef."""
    flags = [f"{ours}=True" for field, ours in FLAGS.items() if getattr(op, field)]
    parts = [f'"{op.name}"', _string(signature(op)), *map(attribute, op.attr), *flags]
    text = ""
    if op.deprecation.version:
        text = f"# Deprecated at GraphDef version {op.deprecation.version}.\n"
    return f"{text}{_wrap(parts)}\nclass {op.name}:"


def signature(op: Any) -> str:
    """`"a: T, b: T -> product: T"`."""
    before = ", ".join(f"{arg.name}: {argument_type(arg)}" for arg in op.input_arg)
    after = ", ".join(f"{arg.name}: {argument_type(arg)}" for arg in op.output_arg)
    return f"{before} -> {after}".strip()


def argument_type(arg: Any) -> str:
    one = arg.type_list_attr or arg.type_attr or type_name(arg.type)
    if arg.number_attr:
        one = f"{arg.number_attr} * {one}"
    return f"Ref({one})" if arg.is_ref else one


def attribute(attr: Any) -> str:
    """`transpose_a=False`, `T="{half, float}"`, `strides="list(int)"`."""
    plain = not attr.has_minimum and not attr.HasField("allowed_values")
    if plain and attr.HasField("default_value") and attr.type in ("bool", "int", "float"):
        value = default(attr)
        if attr.type != "float" or value not in ("inf", "-inf", "nan"):
            return f"{attr.name}={value}"
    kind = attr.type
    if attr.HasField("allowed_values"):
        allowed = attr.allowed_values.list
        names = [type_name(t) for t in allowed.type] or [repr(s.decode()) for s in allowed.s]
        choice = "{" + ", ".join(names) + "}"
        kind = f"list({choice})" if kind.startswith("list(") else choice
    if attr.has_minimum:
        kind += f" >= {attr.minimum}"
    if attr.HasField("default_value"):
        kind += f" = {default(attr)}"
    return f"{attr.name}={_string(kind)}"


def default(attr: Any) -> str:
    """The default as the grammar writes it: Python literals, `DT_` names for types."""
    value = attr.default_value
    if not attr.type.startswith("list("):
        return _literal(attr.type, getattr(value, _FIELD[attr.type]))
    kind = attr.type[len("list(") : -1]
    return "[" + ", ".join(_literal(kind, v) for v in getattr(value.list, _FIELD[kind])) + "]"


_FIELD = {
    "string": "s",
    "int": "i",
    "float": "f",
    "bool": "b",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}


def _literal(kind: str, value: Any) -> str:
    if kind == "string":
        return repr(value.decode("utf-8", "backslashreplace"))
    if kind == "float":
        import numpy as np

        return repr(float(str(np.float32(value))))  # the shortest decimal that is this float32
    if kind == "type":
        from tensorflow.core.framework import types_pb2

        return str(types_pb2.DataType.Name(value))
    if kind == "shape":
        if value.unknown_rank:
            return "{ unknown_rank: true }"
        return str([dim.size for dim in value.dim])
    if kind in ("tensor", "func"):
        from google.protobuf import text_format

        return "{ " + text_format.MessageToString(value, as_one_line=True) + " }"
    return repr(value)


def type_name(number: int) -> str:
    """The OpDef spelling: `half` for DT_HALF, `float` for DT_FLOAT."""
    from tensorflow.core.framework import types_pb2

    return str(types_pb2.DataType.Name(number)).removeprefix("DT_").lower()


def _string(text: str) -> str:
    return f'"{text}"' if '"' not in text and "\\" not in text else repr(text)


def _wrap(parts: list[str]) -> str:
    """`@op(...)`, filled to the line length; a string too long for a line is split at a space."""
    line = "@op("
    lines = []
    for number, part in enumerate(parts):
        text = part + (")" if number == len(parts) - 1 else ",")
        if len(line) + len(text) + 1 > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = INDENT
            if len(INDENT + text) > WIDTH:
                *before, text = _broken(text)
                lines += before
                line = ""
        line += text + " "
    return "\n".join([*lines, line.rstrip()])


def _broken(text: str) -> list[str]:
    """One long `name="..."` (with the mark behind it) as lines of adjacent string literals."""
    key, literal = text[: text.index('"')], text[text.index('"') : text.rindex('"') + 1]
    mark = text[len(key) + len(literal) :]
    words = ast.literal_eval(literal).split(" ")
    opening = f"{INDENT}{key}(" if key else INDENT
    lines, now = [opening] if key else [], ""
    deep = INDENT * 2 if key else INDENT
    for word in words:
        if now and len(deep) + len(now) + len(word) + 4 > WIDTH:
            lines.append(f'{deep}"{now}"')
            now = ""
        now += word + " "
    lines.append(f'{deep}"{now[:-1]}"' + ("" if key else mark))
    return [*lines, f"{INDENT}){mark}"] if key else lines


if __name__ == "__main__":
    main()
