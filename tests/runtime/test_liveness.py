"""Conditions under which values are alive, and the guards that stand for them."""

from __future__ import annotations

from evergraph.runtime.liveness import ALWAYS, Branch, Guards, covered, union

YES, NO = Branch("p", 1, 2), Branch("p", 0, 2)
OTHER = Branch("q", 1, 2)


def of(*facts: object) -> frozenset[object]:
    return frozenset(facts)


def test_union() -> None:
    assert union([]) == ALWAYS
    assert union([of(YES), ALWAYS, of(YES)]) == of(YES)
    assert union([of(YES), of(OTHER)]) == of(YES, OTHER)


def test_both_branches_are_always() -> None:
    assert covered([of(YES), of(NO)]) == ALWAYS
    assert covered([of(YES, OTHER), of(NO, OTHER)]) == of(OTHER)


def test_what_is_not_both_branches_cannot_be_told() -> None:
    assert covered([of(YES), of(OTHER)]) is None
    assert covered([of(YES), of(YES)]) is None
    assert covered([of(YES), of(NO, OTHER)]) is None
    three = [Branch("r", i, 3) for i in range(3)]
    assert covered([of(three[0]), of(three[1])]) is None
    assert covered([of(fact) for fact in three]) == ALWAYS


def test_a_guard_for_several_facts_is_made_once() -> None:
    slots: list[int] = []
    joins: list[tuple[int, list[int]]] = []

    def new_slot() -> int:
        slots.append(len(slots) + 1)
        return slots[-1]

    guards = Guards(new_slot, lambda slot, parts: joins.append((slot, sorted(parts))))
    _, yes = guards.fact(YES)
    _, other = guards.fact(OTHER)
    inner, both = guards.fact(Branch("r", 0, 2), under=of(YES))
    assert guards.slot(ALWAYS) == 0
    assert guards.slot(inner) == both
    first = guards.slot(of(YES, OTHER))
    assert guards.slot(of(YES, OTHER)) == first
    # What was found out where YES holds implies it.
    guards.slot(inner | of(OTHER))
    assert joins == [(first, sorted([yes, other])), (slots[-1], sorted([both, other]))]
