"""What a checkpoint has of what a graph wants: RestoreReport, which restoring returns and its errors carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from evergraph import errors
from evergraph.formats.checkpoint import Checkpoint
from evergraph.formats.dtypes import DType
from evergraph.formats.object_graph import OBJECT_GRAPH_KEY, ObjectGraph
from evergraph.graph.shape import Dims, compatible, text
from evergraph.nearest import nearest
from evergraph.train import restore_hints

_MOST_LISTED = 20
#: Names looked at for nearest ones, all together: this runs while an error is being raised.
_MOST_COMPARED = 200_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tensor that a graph wants from a checkpoint.

    Attributes:
        name: its name there.
        dtype: the variable's type.
        dims: the shape that it must have there; None where any will do.
        variable: the name of the variable that it is for, or an empty string.
    """

    name: str
    dtype: DType
    dims: Dims = None
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Different:
    """A tensor whose type or shape is not the variable's.

    Attributes:
        wanted: what the graph wants.
        dtype, shape: what the checkpoint has.
    """

    wanted: Wanted
    dtype: DType
    shape: tuple[int, ...]

    def __str__(self) -> str:
        wanted = self.wanted
        return (
            f"{wanted.variable or wanted.name}: {wanted.dtype.base_dtype.name}{text(wanted.dims)} in the graph, "
            f"{self.dtype.name}{text(self.shape)} in the checkpoint"
        )


@dataclass(frozen=True)
class RestoreReport:
    """What fits and what does not between the variables of a graph and a checkpoint; ``str()`` tells it.

    Attributes:
        checkpoint: the prefix.
        restored: the names of what has been restored.
        matching: the names of all that fits; what is restored, where nothing stands against it.
        missing: the names that the checkpoint has not.
        near: for missing names, those of the checkpoint that resemble them, best first.
        different: what is there in another type or shape.
        unexpected: the names that the checkpoint has and the graph does not want.
        rename: the fewest rules for ``Checkpoint.rename`` that make most names fit; empty where none does.
        renamed: the missing names that are there by these rules.
        view: what ``rename`` applies to, where that is not the file's names: of an object-based checkpoint
            ``full_name`` (the variables' names) or ``path`` (through the objects); ``renamed`` for a view that had been
            renamed before.
        hints: what may be the reason, in sentences.
    """

    checkpoint: str
    matching: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    different: tuple[Different, ...] = ()
    unexpected: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    renamed: tuple[str, ...] = ()
    view: str = ""
    hints: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that the graph wants is there and fits."""
        return not self.missing and not self.different

    def error(self, node_def: Any = None, op: Any = None, *, strict: bool = True) -> errors.OpError:
        """The error of a restore that may not be partial; its ``report`` is this.

        NotFoundError for missing names, with ``strict``; InvalidArgumentError for other types and shapes.
        """
        found: Any
        if self.missing and strict:
            message = "\n".join(self._missing_lines())
            found = errors.KeyNotFoundError(node_def, op, message)
        else:
            message = "\n".join([*self._different_lines(), *self._advice()])
            found = errors.InvalidValueError(node_def, op, message)
        found.report = self
        error: errors.OpError = found
        return error

    def __str__(self) -> str:
        total = len(self.matching) + len(self.missing) + len(self.different)
        lines = [f"{len(self.restored)} of {total} variables restored from {self.checkpoint}."]
        if self.missing:
            lines.append(f"{len(self.missing)} are not in it:")
            lines += _listed(self.missing, self._with_near)
        lines += self._different_lines() if self.different else []
        lines += self._unexpected_lines()
        lines += self.hints
        lines += [f"  rename={dict(self.rename)!r}"] if self.rename else []
        return "\n".join(lines)

    # ------------------------------------------------------------------------------------- lines

    def _missing_lines(self) -> Iterator[str]:
        total = len(self.matching) + len(self.missing) + len(self.different)
        yield (
            f"Key {self.missing[0]} not found in checkpoint {self.checkpoint}. "
            f"{len(self.missing)} of the {total} variables that the graph restores are not in it:"
        )
        yield from _listed(self.missing, self._with_near)
        if self.different:
            yield from self._different_lines()
        yield from self._unexpected_lines()
        yield from self._advice()

    def _with_near(self, name: str) -> str:
        near = self.near.get(name)
        return f"{name}  (near: {', '.join(near)})" if near else name

    def _different_lines(self) -> Iterator[str]:
        many = len(self.different) > 1
        yield (
            f"{len(self.different)} {'variables have' if many else 'variable has'} another shape or type than in "
            f"checkpoint {self.checkpoint}:"
        )
        yield from _listed(self.different, str)

    def _unexpected_lines(self) -> list[str]:
        if not self.unexpected:
            return []
        shown = ", ".join(self.unexpected[:_MOST_LISTED])
        count = len(self.unexpected)
        more = f", ... ({count} in all)" if count > _MOST_LISTED else ""
        return [f"The checkpoint has these that the graph does not restore: {shown}{more}."]

    def _advice(self) -> Iterator[str]:
        """What to do, as calls."""
        yield from self.hints
        path = repr(self.checkpoint)
        source = "renamed" if self.view == "renamed" else path
        partly = ["strict=False"] * bool(self.missing)
        skip = ["skip_mismatch=True"] * bool(self.different)
        if self.view == "renamed":
            yield "With the checkpoint as it has been renamed already:"
        if self.rename:
            names = source
            if self.view in ("full_name", "path"):
                yield f"  checkpoint = evergraph.open_checkpoint({path})"
                names = f"checkpoint.rename(checkpoint.object_graph.{self.view})"
            rules = f"rename={dict(self.rename)!r}"
            rest = partly if len(self.renamed) < len(self.missing) else []
            yield f"  evergraph.restore({', '.join([names, 'session=sess', rules, *rest, *skip])})"
        elif self.missing and source == path:
            pairs = [(near[0], name) for name, near in self.near.items() if near][:2]
            example = ", ".join(f"{old!r}: <variable {new}>" for old, new in pairs)
            yield (
                "The graph was built differently from the one that was saved. With the variables that it has, by the "
                "names that they have in it:"
            )
            yield (
                f"  tf.train.Saver({{{example or '<name in the checkpoint>: <variable>'}}}).restore(sess, {path})"
            )
        if self.matching:
            yield "To restore what fits, and leave the rest as it is:"
            yield f"  evergraph.restore({', '.join([source, 'session=sess', *partly, *skip])})"


def compare(wanted: Sequence[Wanted], checkpoint: Checkpoint) -> RestoreReport:
    """What ``checkpoint`` has of what is wanted; nothing is restored. Raises DataLossError where it is damaged."""
    missing: dict[str, None] = {}
    matching: dict[str, None] = {}
    different: dict[str, Different] = {}
    used = {OBJECT_GRAPH_KEY}
    for item in wanted:  # a partitioned variable is there once for each part, by one name
        if item.name not in checkpoint:
            missing[item.name] = None
            continue
        info = checkpoint.info(item.name)
        used.add(info.name)
        if item.dtype.base_dtype == info.dtype and compatible(item.dims, info.shape):
            matching[item.name] = None
        else:
            different[item.name] = Different(item, info.dtype, info.shape)
    objects = _objects(checkpoint)
    unexpected = [objects.path(key) or key for key in checkpoint if key not in used]
    report = RestoreReport(
        checkpoint.prefix,
        tuple(name for name in matching if name not in different),
        different=tuple(different.values()),
        unexpected=tuple(unexpected),
        view="renamed" if checkpoint.renamed else "",
    )
    if not missing:
        return report
    return _explained(report, list(missing), wanted, checkpoint)


def _explained(
    report: RestoreReport, missing: list[str], wanted: Sequence[Wanted], checkpoint: Checkpoint
) -> RestoreReport:
    """``report`` with the missing names, what is near them, and what may be the reason."""
    objects = _objects(checkpoint)
    names, view, hints = list(checkpoint), report.view, []
    if objects.nodes:
        # As a name-based Saver sees it: by the variables' names, where each means one tensor.
        unique = all(len(tensors) == 1 for tensors in objects.by_full_name.values())
        view = "full_name" if unique and objects.by_full_name else "path"
        names = list(objects.by_full_name if view == "full_name" else objects.by_path)
        hints.append(
            "The checkpoint is object-based (tf.train.Checkpoint or Keras, TensorFlow 2): its tensors are found by "
            "their variables' names when it was saved, or by their paths through the objects."
        )
        hints += _ambiguous(missing, objects)
    near_to = list(dict.fromkeys([*objects.by_full_name, *objects.by_path])) or names
    count = max(_MOST_LISTED, _MOST_COMPARED // (len(near_to) + 1))
    near = {name: tuple(nearest(name, near_to)) for name in missing[:count]}
    asked = [item.name for item in wanted]
    hints += restore_hints.sentences(missing, asked, names)
    rules = restore_hints.rules(missing, asked, names)
    renamed = restore_hints.after(rules, names) if rules else set()
    found = [name for name in missing if name in renamed]
    if found:
        hints.append(restore_hints.rule_sentence(rules, found, missing))
    return replace(
        report,
        missing=tuple(missing),
        near={name: others for name, others in near.items() if others},
        rename={rule.pattern: rule.replacement for rule in rules},
        renamed=tuple(found),
        view=view,
        hints=tuple(hints),
    )


def _ambiguous(missing: Sequence[str], objects: ObjectGraph) -> Iterator[str]:
    """Names that are not missing, but say too little."""
    for name in missing:
        keys = objects.keys(name)
        if len(keys) > 1:
            yield (
                f"{name!r} is the name of {len(keys)} tensors there (variables that are made eagerly may share one); "
                f"by path: {', '.join(repr(objects.path(key)) for key in keys[:_MOST_LISTED])}."
            )


def _objects(checkpoint: Checkpoint) -> ObjectGraph:
    """The objects of an object-based checkpoint; none of any other, or where they are damaged."""
    with suppress(errors.OpError):
        return checkpoint.object_graph or ObjectGraph(())
    return ObjectGraph(())


def _listed(items: Sequence[Any], as_text: Callable[[Any], str]) -> Iterator[str]:
    for item in items[:_MOST_LISTED]:
        yield f"  {as_text(item)}"
    if len(items) > _MOST_LISTED:
        yield f"  ... and {len(items) - _MOST_LISTED} more"
