"""The object graph of a TensorFlow 2 checkpoint: which Python object each tensor belonged to.

``tf.train.Checkpoint`` and ``tf.keras.Model.save_weights`` save objects, not a graph's variables.
Their checkpoint is an ordinary tensor bundle whose keys are paths through the objects, with one
string tensor more, ``_CHECKPOINTABLE_OBJECT_GRAPH``, which holds a ``TrackableObjectGraph``::

    TrackableObjectGraph         SerializedTensor (an attribute)
      1 nodes, repeated            1 name            VARIABLE_VALUE for a variable
                                   2 full_name       the variable's own name, `dense/kernel`
    TrackableObject (a node)       3 checkpoint_key  its key in the bundle
      1 children, repeated         4 optional_restore bool, until 2.9
          1 node_id
          2 local_name           SlotVariableReference
      2 attributes, repeated       1 original_variable_node_id
      3 slot_variables, repeated   2 slot_name
      4 registered_saver           3 slot_variable_node_id
          1 name
          2 object_name
      5 has_checkpoint_values: BoolValue

Node 0 is the root. A graph may have cycles and shared nodes, so that one tensor has many paths:
its own is the first that a breadth-first walk finds, which is a shortest; `ObjectGraph.find` takes
any. (Source: ``tensorflow/core/protobuf/trackable_object_graph.proto``.)
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from evergraph.formats.wire import WireError, fields, signed

#: The key of the tensor that holds the message.
OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE = "VARIABLE_VALUE"
_SLOT = ".OPTIMIZER_SLOT"
_ESCAPE = re.compile(r"\.([.S])")

# An empty node takes two bytes of a file and two hundred here; the largest models have some 100,000.
_MOST_PARTS = 1_000_000
# All paths together: a long chain of nodes would have paths as long as the square of its length.
_MOST_PATH_CHARACTERS = 1 << 26


@dataclass(frozen=True, slots=True)
class SavedAttribute:
    """A tensor of an object.

    Attributes:
        name: what it is to the object, ``VARIABLE_VALUE`` for a variable.
        full_name: the name of the variable (``dense/kernel``), which a name-based Saver knows.
        key: its key in the checkpoint.
        optional_restore: an object without it is restored all the same (files of TensorFlow < 2.9).
    """

    name: str
    full_name: str
    key: str
    optional_restore: bool = False


@dataclass(frozen=True, slots=True)
class SlotReference:
    """What an optimizer keeps for a variable.

    Attributes:
        variable: the node of the variable.
        name: of the slot, such as ``m``.
        node: the node of the slot variable.
    """

    variable: int
    name: str
    node: int


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """An object that was saved.

    Attributes:
        children: the numbers of the nodes that it refers to, by the names that it has for them.
        attributes: its own tensors.
        slot_variables: of an optimizer, what it keeps for variables.
        registered_saver: name of the saver and of the object to it, where it has one.
        has_values: whether it, or what it refers to, has tensors; None where the file does not say.
    """

    children: dict[str, int]
    attributes: tuple[SavedAttribute, ...] = ()
    slot_variables: tuple[SlotReference, ...] = ()
    registered_saver: tuple[str, str] | None = None
    has_values: bool | None = None


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """A tensor of the checkpoint, by the names that people have for it.

    Attributes:
        path: the shortest way to it from the root, ``model/dense/kernel``; a slot variable's is
            ``VARIABLE/.OPTIMIZER_SLOT/OPTIMIZER/SLOT``.
        full_name: the variable's own name, or an empty string.
        key: its key in the checkpoint.
        node: the number of the object.
        description: the path in words, where that says more (``optimizer slot m of dense/kernel``).
    """

    path: str
    full_name: str
    key: str
    node: int
    description: str


class ObjectGraph:
    """The objects of a checkpoint; `decode` makes one.

    Attributes:
        nodes: all of them; node 0 is the root.
    """

    def __init__(self, nodes: tuple[ObjectNode, ...]) -> None:
        self.nodes = nodes

    @staticmethod
    def decode(data: bytes) -> ObjectGraph:
        """The graph of a ``TrackableObjectGraph``.

        Raises:
            WireError (a ValueError): the bytes are none, it refers to nodes that it has not, or it is larger than
                any model's.
        """
        room = _Room(_MOST_PARTS)
        nodes = []
        for number, _, value in fields(data):
            if number == 1 and isinstance(value, bytes):
                room.take()
                nodes.append(_decode_node(value, room))
        for node in nodes:
            for child in node.children.values():
                _check_number(child, len(nodes))
            for slot in node.slot_variables:
                _check_number(slot.variable, len(nodes))
                _check_number(slot.node, len(nodes))
        graph = ObjectGraph(tuple(nodes))
        _ = graph.tensors  # now, so that nothing that follows can find the message too large
        return graph

    def find(self, path: str) -> int | None:
        """The number of the node at a path (any of its paths), or None. The root's is ``""``.

        A ``/`` within the name of a child is written ``.S``, a dot there may be written ``..``, as in keys.
        """
        if not self.nodes:
            return None
        number = 0
        for part in path.split("/") if path else ():
            children = self.nodes[number].children
            found = children.get(part)
            if found is None and "." in part:
                found = children.get(_unescaped(part))
            if found is None:
                return None
            number = found
        return number

    @cached_property
    def paths(self) -> dict[int, str]:
        """The shortest path of each node that can be reached from the root, in breadth-first order."""
        if not self.nodes:
            return {}
        found = {0: ""}
        room = _Room(_MOST_PATH_CHARACTERS)
        waiting = deque((0,))
        while waiting:
            number = waiting.popleft()
            above = found[number]
            for name, child in self.nodes[number].children.items():
                if child not in found:
                    found[child] = path = _joined(above, name)
                    room.take(len(path))
                    waiting.append(child)
        return found

    @cached_property
    def tensors(self) -> tuple[SavedTensor, ...]:
        """Every tensor of every node, in the order of the nodes' paths; of slot variables after them."""
        slots = self._slots()
        order = [*self.paths, *(node for node in slots if node not in self.paths)]
        return tuple(self._tensors_of(order, slots))

    @cached_property
    def by_path(self) -> dict[str, SavedTensor]:
        """The tensors by their paths."""
        found: dict[str, SavedTensor] = {}
        for tensor in self.tensors:
            found.setdefault(tensor.path, tensor)
        return found

    @cached_property
    def by_full_name(self) -> dict[str, tuple[SavedTensor, ...]]:
        """The tensors by their variables' names, in the file's order.

        Only a checkpoint that was written from a graph has one tensor a name: variables that are
        made eagerly may share one (``Variable``).
        """
        found: dict[str, list[SavedTensor]] = {}
        for tensor in sorted(self.tensors, key=lambda tensor: tensor.node):
            if tensor.full_name:
                found.setdefault(tensor.full_name, []).append(tensor)
        return {name: tuple(tensors) for name, tensors in found.items()}

    @cached_property
    def by_key(self) -> dict[str, SavedTensor]:
        """The tensors by their keys in the checkpoint."""
        return {tensor.key: tensor for tensor in self.tensors}

    def aliases(self) -> Iterator[tuple[str, str]]:
        """The other names of objects that are referred to more than once, each with the shortest path.

        One for each further reference to an object, by the shortest path of what refers to it.
        """
        for number, above in self.paths.items():
            for name, child in self.nodes[number].children.items():
                path = _joined(above, name)
                if path != self.paths[child]:
                    yield path, self.paths[child]

    def path(self, key: str) -> str | None:
        """The path of the tensor that has this key; None where no object has it."""
        tensor = self.by_key.get(key)
        return tensor.path if tensor else None

    def full_name(self, key: str) -> str | None:
        """The variable's own name of the tensor that has this key; None where it has none."""
        tensor = self.by_key.get(key)
        return (tensor.full_name or None) if tensor else None

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of what is called so: by one of its paths, or by its variable's name.

        None: there is no such tensor. Several: the name means several.
        """
        found = {tensor.key: None for tensor in self.by_full_name.get(name, ())}
        tensor = self.by_path.get(name)
        if tensor is not None:
            found[tensor.key] = None
        elif not found:
            number = self.find(name)
            if number is not None:
                for attribute in self.nodes[number].attributes:
                    if attribute.name == VARIABLE_VALUE:
                        found[attribute.key] = None
        return tuple(found)

    def _slots(self) -> dict[int, tuple[str, str, str]]:
        """Of each slot variable: the paths of variable and optimizer, and the slot's name."""
        found: dict[int, tuple[str, str, str]] = {}
        for number, optimizer in self.paths.items():
            for slot in self.nodes[number].slot_variables:
                variable = self.paths.get(slot.variable)
                if variable is not None:
                    found.setdefault(slot.node, (variable, optimizer, slot.name))
        return found

    def _tensors_of(
        self, order: list[int], slots: dict[int, tuple[str, str, str]]
    ) -> Iterator[SavedTensor]:
        room = _Room(_MOST_PATH_CHARACTERS)
        for number in order:
            path = description = self.paths.get(number, "")
            if number in slots:
                variable, optimizer, slot = slots[number]
                description = f"{optimizer or 'the root'} slot {slot} of {variable}"
                path = path or _joined(f"{variable}/{_SLOT}/{optimizer}".rstrip("/"), slot)
                room.take(len(path) + len(description))
            for attribute in self.nodes[number].attributes:
                own, words = path, description
                if attribute.name != VARIABLE_VALUE or not own:
                    own = words = _joined(path, attribute.name)
                room.take(len(own) + len(words))
                yield SavedTensor(own, attribute.full_name, attribute.key, number, words)

    def __repr__(self) -> str:
        return f"<ObjectGraph of {len(self.nodes)} objects>"


class _Room:
    """How much more there may be of something that a few bytes of a file can make large."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int = 1) -> None:
        self._left -= size
        if self._left < 0:
            raise WireError("it is larger than the object graph of any model")


def _decode_node(data: bytes, room: _Room) -> ObjectNode:
    children: dict[str, int] = {}
    attributes: list[SavedAttribute] = []
    slots: list[SlotReference] = []
    saver: tuple[str, str] | None = None
    has_values: bool | None = None
    for number, _, value in fields(data):
        if not isinstance(value, bytes):
            continue
        room.take()
        numbers, texts = _scalars(value)
        if number == 1:
            children[texts.get(2, "")] = numbers.get(1, 0)
        elif number == 2:
            attributes.append(
                SavedAttribute(
                    texts.get(1, ""), texts.get(2, ""), texts.get(3, ""), bool(numbers.get(4, 0))
                )
            )
        elif number == 3:
            slots.append(SlotReference(numbers.get(1, 0), texts.get(2, ""), numbers.get(3, 0)))
        elif number == 4:
            saver = (texts.get(1, ""), texts.get(2, ""))
        elif number == 5:
            has_values = bool(numbers.get(1, 0))
    return ObjectNode(children, tuple(attributes), tuple(slots), saver, has_values)


def _scalars(data: bytes) -> tuple[dict[int, int], dict[int, str]]:
    """The numbers and the texts of a message, by the numbers of their fields."""
    numbers: dict[int, int] = {}
    texts: dict[int, str] = {}
    for number, _, value in fields(data):
        if isinstance(value, bytes):
            texts[number] = value.decode("utf-8", "surrogateescape")
        else:
            numbers[number] = signed(value)
    return numbers, texts


def _check_number(number: int, count: int) -> None:
    if not 0 <= number < count:
        raise WireError(f"it refers to object {number}, and has {count}, counted from 0")


def _joined(path: str, name: str) -> str:
    """The path of a child. In its name, only a ``/`` would be misunderstood."""
    name = name.replace("/", ".S")
    return f"{path}/{name}" if path else name


def _unescaped(part: str) -> str:
    """The name of a child from a key, where dots are doubled and ``.S`` is a ``/``."""
    return _ESCAPE.sub(lambda found: "/" if found[1] == "S" else ".", part)
