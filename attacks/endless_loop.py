"""A loop whose condition is always true."""

from __future__ import annotations

from pathlib import Path

from attacks.building import INT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError", "DeadlineExceededError")


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("zero", 0)
    graph.const("true", True)
    int_, frame = Type(INT), b"loop"
    graph.node("Enter", "enter", ["zero"], T=int_, frame_name=frame)
    graph.node("Merge", "merge", ["enter", "next"], T=int_, N=2)
    graph.node("Enter", "true_in", ["true"], T=Type(10), frame_name=frame, is_constant=True)
    graph.const("bound", 1 << 30)
    graph.node("Enter", "bound_in", ["bound"], T=int_, frame_name=frame, is_constant=True)
    graph.node("NotEqual", "goes_on", ["merge", "bound_in"], T=int_)
    graph.node("LogicalOr", "either", ["goes_on", "true_in"])
    graph.node("LoopCond", "cond", ["either"])
    graph.node("Switch", "switch", ["merge", "cond"], T=int_)
    graph.node("NextIteration", "next", ["switch:1"], T=int_)
    graph.node("Exit", "out", ["switch"], T=int_)
    graph.save(folder)
