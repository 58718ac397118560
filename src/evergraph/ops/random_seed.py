"""From a program's seeds to the two seeds that a random op carries, by TensorFlow 2.15's rule.

======================  ==============================  =====================================
graph-level seed        the op's own seed                (seed, seed2)
======================  ==============================  =====================================
none                    none                            (None, None): new ones in every session
none                    s                               (87654321, s)
g                       none                            (g, how many ops before it asked so)
g                       s                               (g, s)
======================  ==============================  =====================================

Seeds are taken modulo 2**31 - 1. (0, 0) would mean "no seed" to a kernel; it becomes
(0, 2**31 - 1).

In the third row lies a difference between versions. 2.15 counts the ops of the graph that asked for
a seed and had none of their own: 0, 1, 2, ... In 1.x, seed2 was the number of nodes that the graph
held so far (`graph._last_id`), so the numbers that a 1.x program drew with only
`tf.set_random_seed` are not those that it draws in 2.15; with op seeds they are.
"""

from __future__ import annotations

from evergraph.graph.default_graph import get_default_graph

DEFAULT_GRAPH_SEED = 87654321
_MODULUS = 2**31 - 1


def get_seed(
    graph_seed: int | None, op_seed: int | None, unseeded_ops: int
) -> tuple[int | None, int | None]:
    """The attributes (seed, seed2) of a random op.

    Args:
        graph_seed: what `set_random_seed` set on the graph, or None.
        op_seed: the op's `seed` argument, or None.
        unseeded_ops: how many times this function was called for this graph with a `graph_seed` and
            no `op_seed`. (Give `graph._last_id` instead for the seeds of TensorFlow 1.x.)

    Returns:
        Two integers, or (None, None) where no seed was given: such an op carries the attributes 0
        and 0.
    """
    if graph_seed is None:
        if op_seed is None:
            return None, None
        return DEFAULT_GRAPH_SEED, op_seed % _MODULUS
    seeds = graph_seed % _MODULUS, (unseeded_ops if op_seed is None else op_seed) % _MODULUS
    return (0, _MODULUS) if seeds == (0, 0) else seeds


def set_random_seed(seed: int | None) -> None:
    """Sets the graph-level seed of the default graph."""
    get_default_graph().seed = seed


def get_op_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """`get_seed` for an op with this seed that is made in the default graph now (`tf.get_seed`)."""
    graph = get_default_graph()
    asked: int = graph.attachments.get(__name__, 0)
    if graph.seed is not None and op_seed is None:
        graph.attachments[__name__] = asked + 1
    return get_seed(graph.seed, op_seed, asked)


def seed_attrs(op_seed: int | None) -> dict[str, int]:
    """The attributes `seed` and `seed2` of a node that is made in the default graph now."""
    seed, seed2 = get_op_seed(op_seed)
    return {"seed": seed or 0, "seed2": seed2 or 0}
