"""When an operation runs: the branches that must have been taken, worked out when a plan is made.

The *condition* of a value is a set of facts, all of which must hold in an iteration for the value to be alive:
"predicate p went to branch 1". What runs nothing but where all its inputs are alive has the union of their
conditions; a Merge of both branches of one predicate has what is left without it. What cannot be told from the graph
(a Merge of other things) is a fact of its own, which is found out in the run.

In a run each condition is a *guard*, a boolean in a slot; slot 0 always holds True.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from evergraph.graph.operation import Operation

#: ``(predicate, branch)``, or anything else that stands for one fact.
Fact = Hashable
Condition = frozenset[Fact]

ALWAYS: Condition = frozenset()
ALWAYS_SLOT = 0


class Branch:
    """One fact: ``predicate`` (whatever stands for it) goes to branch ``index`` of ``count``."""

    __slots__ = ("count", "index", "predicate")

    def __init__(self, predicate: Hashable, index: int, count: int) -> None:
        self.predicate = predicate
        self.index = index
        self.count = count

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Branch)
            and self.predicate == other.predicate
            and self.index == other.index
        )

    def __hash__(self) -> int:
        return hash((self.predicate, self.index))


def union(conditions: Sequence[Condition]) -> Condition:
    """What holds where all of ``conditions`` do."""
    result = ALWAYS
    for condition in conditions:
        if condition and not condition <= result:
            result = result | condition if result else condition
    return result


def covered(conditions: Sequence[Condition]) -> Condition | None:
    """The condition under which exactly one of ``conditions`` holds, where they are all branches of one predicate;
    or None."""
    shared = frozenset.intersection(*conditions)
    rests = [condition - shared for condition in conditions]
    if not all(len(rest) == 1 for rest in rests):
        return None
    facts = [fact for rest in rests for fact in rest]
    first = facts[0]
    if not isinstance(first, Branch) or len(facts) != first.count:
        return None
    wanted = {Branch(first.predicate, i, first.count) for i in range(first.count)}
    return shared if set(facts) == wanted else None


class Guards:
    """The slots of the conditions of one frame. ``both(a, slots)`` is called for a step that makes one guard of
    several."""

    def __init__(self, new_slot: Callable[[], int], both: Callable[[int, list[int]], None]) -> None:
        self._new_slot = new_slot
        self._both = both
        self._slots: dict[Condition, int] = {ALWAYS: ALWAYS_SLOT}
        #: The condition that a fact was found out under, with itself.
        self._origins: dict[Fact, Condition] = {}

    def fact(self, fact: Fact, under: Condition = ALWAYS) -> tuple[Condition, int]:
        """Introduces ``fact``, which is found out where ``under`` holds: its condition and the slot to write it to."""
        condition = under | {fact}
        slot = self._slots.get(condition)
        if slot is None:
            slot = self._slots[condition] = self._new_slot()
        self._origins.setdefault(fact, condition)
        return condition, slot

    def knows(self, fact: Fact) -> bool:
        """True where ``fact`` has been introduced."""
        return fact in self._origins

    def slot(self, condition: Condition) -> int:
        """The slot of ``condition``, which may need a step of its own at this point of the plan."""
        found = self._slots.get(condition)
        if found is None:
            origins = {self._origins[fact] for fact in condition}
            parts = [one for one in origins if not any(one < other for other in origins)]
            found = self._new_slot()
            self._both(found, [self._slots[part] for part in parts])
            self._slots[condition] = found
        return found


def op_fact(op: Operation) -> Fact:
    """The fact that ``op`` had a live input, where that is known only in the run."""
    return ("alive", op)
