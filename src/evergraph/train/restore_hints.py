"""Why names are missing in a checkpoint: the rules that would make them fit, and what usually lies behind it.

Names differ in few ways: a scope in front, a layer's way to call its weights (``weights``, ``kernel``), the
counter of a model that was built twice, moving averages, an optimizer's slots, variables in parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evergraph.formats import part_names

# This runs while an error is being raised: what is looked at is bounded.
_MOST_NAMES = 50_000
_MOST_SAMPLED = 200
_MOST_SAME = 8
_MOST_SUBSTITUTIONS = 1_000_000
_MOST_CANDIDATES = 40
_MOST_FIRST_STEPS = 6
_MOST_RULES = 3

_AVERAGE = "/ExponentialMovingAverage"
_COUNTER = re.compile(r"_\d+(?=/|$)")
_SLOT = re.compile(
    r"/(Adam|Adam_1|Momentum|RMSProp|RMSProp_1|Adagrad|Adadelta|Adadelta_1|Ftrl|Ftrl_1|adam_m|adam_v)$"
    r"|(^|/)beta[12]_power$"
)


class Rule(NamedTuple):
    """One replacement in the names of a checkpoint, and where it finds the missing names, in words."""

    pattern: str
    replacement: str
    words: str


def rules(missing: Sequence[str], wanted: Sequence[str], names: Sequence[str]) -> list[Rule]:
    """The fewest, simplest replacements in ``names`` that make most of ``wanted`` fit; none where none helps."""
    if len(names) > _MOST_NAMES:
        return []
    goal, current = set(wanted), list(names)
    found: list[Rule] = []
    while len(found) < _MOST_RULES:
        step = _best_step(missing, goal, current) or _best_two_steps(missing, goal, current)
        if not step:
            break
        found += step
        current = [_replaced(found[-len(step) :], name) for name in current]
    return found


def _best_step(missing: Sequence[str], goal: set[str], names: Sequence[str]) -> list[Rule]:
    """The rule that makes most names fit, and more than fit without it."""
    there = set(names)
    most = len(goal & there)
    best: list[Rule] = []
    for rule in _candidates([name for name in missing if name not in there], names):
        pattern = re.compile(rule.pattern)
        renamed = {pattern.sub(rule.replacement, name) for name in names}
        fitting = len(goal & renamed)
        simpler = bool(best) and len(rule.pattern) < len(best[0].pattern)
        # Fewer names than before: two have become one.
        if len(renamed) == len(names) and (fitting > most or (fitting == most and simpler)):
            most, best = fitting, [rule]
    return best


def _best_two_steps(missing: Sequence[str], goal: set[str], names: Sequence[str]) -> list[Rule]:
    """Two rules where neither helps alone: the ends of names differ, and what is in front of them too."""
    if len(names) * _MOST_CANDIDATES * _MOST_FIRST_STEPS > _MOST_SUBSTITUTIONS:
        return []
    most = len(goal.intersection(names))
    best: list[Rule] = []
    for first in _end_rules(missing, names):
        renamed = [_replaced([first], name) for name in names]
        second = _best_step(missing, goal, renamed) if len(set(renamed)) == len(names) else []
        fitting = len(goal.intersection(_replaced(second, name) for name in renamed))
        if second and fitting > most:
            most, best = fitting, [first, *second]
    return best


def _replaced(found: Sequence[Rule], name: str) -> str:
    for rule in found:
        name = re.sub(rule.pattern, rule.replacement, name)
    return name


def _end_rules(missing: Sequence[str], names: Sequence[str]) -> list[Rule]:
    """Other words for the last part of names, where the part before it is the same."""
    by_layer: dict[str, set[str]] = {}
    for name in names:
        layer, _, last = name.rpartition("/")
        by_layer.setdefault(layer.rpartition("/")[2], set()).add(last)
    votes: Counter[Rule] = Counter()
    for name in missing[:_MOST_SAMPLED]:
        layer, _, last = name.rpartition("/")
        for other in sorted(by_layer.get(layer.rpartition("/")[2], ()))[:_MOST_SAME]:
            if layer and other != last:
                votes[_part_rule(other, last)] += 1
    return [rule for rule, _ in votes.most_common(_MOST_FIRST_STEPS)]


def _candidates(missing: Sequence[str], names: Sequence[str]) -> list[Rule]:
    votes: Counter[Rule] = Counter()
    by_end: dict[str, list[str]] = {}
    by_gap: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        for end in _ends(name):
            same = by_end.setdefault(end, [])
            if len(same) < _MOST_SAME:
                same.append(name)
        for gap, part in _gaps(name):
            parts = by_gap.setdefault(gap, [])
            if len(parts) < _MOST_SAME:
                parts.append(part)
    for name in missing[:_MOST_SAMPLED]:
        for end in _ends(name):
            if end in by_end:
                front = name[: len(name) - len(end)]
                for other in by_end[end]:
                    votes[_front_rule(other[: len(other) - len(end)], front)] += 1
                break
        for gap, part in _gaps(name):
            for other in by_gap.get(gap, ()):
                votes[_part_rule(other, part)] += 1
    if missing:
        average = re.escape(_AVERAGE)
        votes[Rule(f"{average}$", "", f"with '{_AVERAGE}' behind them, as moving averages")] += 1
        votes[Rule("$", _AVERAGE, f"without '{_AVERAGE}' behind them, which are no averages")] += 1
    for counter in {found[0] for name in missing for found in _COUNTER.finditer(name)}:
        votes[
            Rule(r"^([^/]+)", rf"\g<1>{counter}", f"without '{counter}' in their first part")
        ] += 1
    votes[
        Rule(r"^([^/]+?)_\d+(?=/|$)", r"\1", "with a counter (such as '_1') in their first part")
    ] += 1
    count = min(_MOST_CANDIDATES, _MOST_SUBSTITUTIONS // (len(names) + 1))
    return [rule for rule, _ in votes.most_common(count)]


def _ends(name: str) -> Iterator[str]:
    """``name`` and what follows each slash in it, the longest first."""
    yield name
    at = name.find("/")
    while at >= 0:
        yield name[at + 1 :]
        at = name.find("/", at + 1)


def _gaps(name: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """``name`` with each of its parts left out, and the part."""
    parts = name.split("/")
    for i, part in enumerate(parts):
        if len(parts) > 1:
            yield (*parts[:i], "", *parts[i + 1 :]), part


def _front_rule(old: str, new: str) -> Rule:
    if not new:
        words = f"under '{old}'"
    elif not old:
        words = f"without '{new}' in front"
    else:
        words = f"under '{old}' instead of '{new}'"
    return Rule(f"^{re.escape(old)}", _literal(new), words)


def _part_rule(old: str, new: str) -> Rule:
    return Rule(
        rf"(^|/){re.escape(old)}(?=/|$)", rf"\g<1>{_literal(new)}", f"with '{old}' for '{new}'"
    )


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


def sentences(missing: Sequence[str], wanted: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """What usually lies behind names that are missing like these."""
    there, asked = set(names), set(wanted)
    averaged = [name for name in missing if name + _AVERAGE in there]
    if averaged:
        yield (
            f"{_count(averaged, missing)} there as moving averages only, as {averaged[0] + _AVERAGE!r}."
        )
    plain = [
        name for name in missing if name.endswith(_AVERAGE) and name[: -len(_AVERAGE)] in there
    ]
    if plain:
        yield (
            f"{_count(plain, missing)} moving averages that the checkpoint has not, though it has the variables, as "
            f"{plain[0][: -len(_AVERAGE)]!r}: it was saved by a Saver without them, or no averages were kept."
        )
    twins = [name for name in missing if _COUNTER.search(name) and _COUNTER.sub("", name) in there]
    if twins:
        twin = _COUNTER.sub("", twins[0])
        also = f", and also has {twin!r}" if twin in asked else ""
        yield (
            f"{_count(twins, missing)} there without a counter: the graph wants {twins[0]!r}{also}. It may hold the "
            "model twice; in a notebook, tf.reset_default_graph() before the model is built makes it the only one."
        )
    yield from part_names.hints(missing, names)
    slots = [name for name in missing if _SLOT.search(name)]
    if slots:
        yield (
            f"{_count(slots, missing)} an optimizer's, as {slots[0]!r}: the checkpoint was saved without it or with "
            "another one. To predict or to fine-tune, restore the model's variables only."
        )


def _count(some: Sequence[str], missing: Sequence[str]) -> str:
    """The subject of a sentence about some of the missing names, with its verb."""
    if len(some) == len(missing):
        return (
            "The missing name is" if len(missing) == 1 else f"All {len(missing)} missing names are"
        )
    return f"{len(some)} of the {len(missing)} missing names {'is' if len(some) == 1 else 'are'}"


def rule_sentence(found: Sequence[Rule], there: Sequence[str], missing: Sequence[str]) -> str:
    """Where the rules have found those of the missing names that are ``there``."""
    words = ", ".join(rule.words for rule in found)
    return f"{_count(there, missing)} in the checkpoint {words}."


def after(found: Sequence[Rule], names: Sequence[str]) -> set[str]:
    """The names that the rules make."""
    return {_replaced(found, name) for name in names}
