"""Graph: the operations of a program, and the scopes that new ones are made in."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.formats.protos import AttrValue, GraphDef, VersionDef
from evergraph.graph import attributes, default_graph, function_calls, names, shape_inference
from evergraph.graph import device as devices
from evergraph.graph.elements import as_graph_element, find_operation, find_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.registry import Declaration
from evergraph.graph.tensor import Tensor

#: ``versions.producer`` of the GraphDefs written here: that of TensorFlow 2.15, the reference.
PRODUCER = 1645
MIN_CONSUMER = 0


class _ControlDependencies:
    """One entry of the control-dependency stack (``with graph.control_dependencies([...])``)."""

    def __init__(self, graph: Graph, inputs: Sequence[Operation] | None) -> None:
        self._graph = graph
        self.clears = inputs is None
        self.inputs = list(inputs or ())
        self.seen: set[Operation] = set()
        self._saved: tuple[list[_ControlDependencies], Any] | None = None

    def __enter__(self) -> None:
        if self.clears:
            # Control flow is a form of control dependency: clearing one clears the other.
            self._saved = (self._graph._control_stack, self._graph._control_flow_context)
            self._graph._control_stack = []
            self._graph._control_flow_context = None
        self._graph._control_stack.append(self)

    def __exit__(self, *unused: object) -> None:
        self._graph._control_stack.remove(self)
        if self._saved is not None:
            self._graph._control_stack, self._graph._control_flow_context = self._saved


class Graph:
    """A dataflow graph: operations by name, in the order in which they were made.

    Operations are made in one place, ``add_operation``, which applies everything that the surrounding scopes say:
    control dependencies, control-flow context, devices, colocation, attribute scopes and gradient overrides.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._operations: dict[str, Operation] = {}
        self._names = names.NameTable()
        self._control_stack: list[_ControlDependencies] = []
        self._control_flow_context: Any = None
        self._device_stack: list[Callable[[Operation], Any]] = []
        self._colocation_stack: list[Operation] = []
        self._attr_scope: dict[str, Any] = {}
        self._gradient_override_map: dict[str, str] = {}
        self._container = ""
        self._default_original_op: Operation | None = None
        self._collections: dict[Any, list[Any]] = {}
        self._unfeedable: set[Tensor] = set()
        self._unfetchable: set[Operation] = set()
        self._finalized = False
        self._seed: int | None = None
        self._next_id = 0
        #: FunctionDefs of the graph's library by name, and gradient functions (name -> name).
        self.functions: dict[str, Any] = {}
        self.function_gradients: dict[str, str] = {}
        #: OpDefs that came with an imported graph, of ops that nobody has declared here, by name.
        self.op_defs: dict[str, Any] = {}
        #: What the imported GraphDef holds beside nodes, functions and versions: debug info, unknown fields.
        self.imported_rest: Any = None
        #: Counts changes of existing operations; a plan made under another count is out of date.
        self.mutations = 0
        #: How often a shape or a device has been set on what was there: what a plan need not know.
        self.annotations = 0
        self._versions = VersionDef(producer=PRODUCER, min_consumer=MIN_CONSUMER)
        #: What upper floors keep for this graph (variable store, saver caches ...), by their module's name.
        self.attachments: dict[str, Any] = {}

    # What is in it

    @property
    def version(self) -> int:
        """The number of operations ever added."""
        return self._next_id

    @property
    def seed(self) -> int | None:
        return self._seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self._seed = seed

    @property
    def finalized(self) -> bool:
        return self._finalized

    @property
    def building_function(self) -> bool:
        return False

    @property
    def graph_def_versions(self) -> Any:
        return self._versions

    def get_operations(self) -> list[Operation]:
        """All operations, in the order in which they were made."""
        return list(self._operations.values())

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called ``name``. Raises KeyError (with the nearest names) where there is none."""
        return find_operation(self, name)

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor called ``name`` (``op:0``). Raises KeyError or ValueError where there is none."""
        return find_tensor(self, name)

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """The Tensor or Operation that ``obj`` (itself, its name, or something that stands for it) means."""
        return as_graph_element(self, obj, allow_tensor, allow_operation)

    def as_default(self) -> AbstractContextManager[Graph]:
        """Makes this graph the default one within a ``with`` block."""
        return default_graph.default_graph(self)

    def finalize(self) -> None:
        """Makes the graph read-only: adding an operation raises RuntimeError."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def fingerprint(self) -> tuple[Any, ...]:
        """Something that is equal as long as nodes and collections are what they were."""
        collections = tuple((name, *map(id, items)) for name, items in self._collections.items())
        return len(self._operations), self.mutations, self.annotations, collections

    def mutated(self) -> None:
        """Says that an existing operation has changed."""
        self.mutations += 1

    def prevent_feeding(self, tensor: Tensor) -> None:
        """Makes feeding ``tensor`` an error."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: Tensor) -> bool:
        """True where ``tensor`` may be fed."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op: Operation) -> None:
        """Makes fetching ``op`` and its outputs an error."""
        self._unfetchable.add(op)

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """True where the tensor or operation may be fetched."""
        op = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
        return op not in self._unfetchable

    def __repr__(self) -> str:
        return f"<evergraph Graph of {len(self._operations)} operations at {id(self):#x}>"

    # Making operations

    def add_operation(
        self,
        declaration: Declaration | None,
        op_type: str,
        name: str,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        output_dtypes: Sequence[DType],
        original: Any = None,
        control_inputs: Sequence[Operation] = (),
        device: str | None = None,
    ) -> Operation:
        """The one place where an Operation is made.

        ``name`` is unique already. ``original`` is the NodeDef of an imported node and ``device`` its device; the
        device functions apply on top of it.
        """
        with self._lock:
            self._check_not_finalized()
            names.check_op_name(name)
            if name in self._operations:
                raise ValueError(f"op with name {name} already exists")
            controls = self._controls_for(inputs)
            controls.extend(op for op in control_inputs if op not in controls)
            op = Operation(self, declaration, op_type, name, inputs, controls, attrs, output_dtypes)
            op._original = original
            if device:
                op._device = device
            op._id = self._next_id
            op._original_op = self._default_original_op
            self._next_id += 1
            # The shape rule may refuse; until then nothing has been changed but the counter.
            shape_inference.infer(op)
            self._operations[name] = op
            for tensor in inputs:
                tensor._consumers.append(op)
            for control in controls:
                control._control_outputs.append(op)
            self._apply_scopes(op)
            return op

    def _controls_for(self, inputs: Sequence[Tensor]) -> list[Operation]:
        found: list[Operation] = []
        for controller in self._control_stack:
            # An input made under the same controller carries the dependency already.
            if any(tensor._op in controller.seen for tensor in inputs):
                continue
            input_ops = {tensor._op for tensor in inputs}
            found.extend(op for op in controller.inputs if op not in input_ops and op not in found)
        return found

    def _apply_scopes(self, op: Operation) -> None:
        context = self._control_flow_context
        op._control_flow_context = context
        for tensor in op._inputs:
            source = tensor._op._control_flow_context
            if source is not None and source is not context:
                source.CheckUse(op, tensor._op)
        if context is not None:
            context.AddOp(op)
        for key, value in self._attr_scope.items():
            if callable(value):
                value = value(op.node_def)
            if value is not None and key not in op._attrs:
                op._attrs[key] = value
        if op._type in self._gradient_override_map and "_gradient_op_type" not in op._attrs:
            label = self._gradient_override_map[op._type]
            op._attrs["_gradient_op_type"] = AttrValue(s=attributes.to_bytes(label))
        for controller in self._control_stack:
            controller.seen.add(op)
        for function in reversed(self._device_stack):
            op._set_device(function(op))
        if self._colocation_stack:
            self._colocate(op)
        declaration = op._declaration
        stateful = declaration is not None and declaration.stateful
        if self._container and stateful and op._attrs.get("container") == "":
            op._attrs["container"] = self._container

    def _colocate(self, op: Operation) -> None:
        groups = [group for other in self._colocation_stack for group in other.colocation_groups()]
        for other in self._colocation_stack:
            if other.device:
                op._set_device(other.device)
        value = AttrValue()
        value.list.s.extend(sorted(set(groups)))
        op._attrs["_class"] = value

    def create_op(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        dtypes: Sequence[Any] | None = None,
        input_types: Any = None,
        name: str | None = None,
        attrs: dict[str, Any] | None = None,
        op_def: Any = None,
        compute_shapes: bool = True,
        compute_device: bool = True,
    ) -> Operation:
        """Makes an operation of any type (TensorFlow's low-level call).

        ``attrs`` maps names to AttrValue messages; ``dtypes`` (of the outputs) is needed only for an undeclared op.
        """
        self._check_not_finalized()
        declaration = function_calls.lookup(self, op_type)
        plain: dict[str, Any] = {}
        for key, value in (attrs or {}).items():
            known = declaration.attrs.get(key) if declaration is not None else None
            plain[key] = (
                attributes.decode(value) if known and isinstance(value, AttrValue) else value
            )
        if declaration is not None:
            plain = {**declaration.defaults, **plain}
            kinds: Sequence[DType] = [k for arg in declaration.outputs for k in arg.dtypes(plain)]
        elif dtypes is None:
            raise errors.NotFoundError(
                None,
                None,
                f"Op type not registered '{op_type}': pass dtypes= to make a node of it all the same",
            )
        else:
            kinds = [_as_dtype(kind) for kind in dtypes]
        name = name or op_type
        unique = name[:-1] if name.endswith("/") else self.unique_name(name)
        return self.add_operation(declaration, op_type, unique, list(inputs), plain, kinds)

    # Names

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` within the current name scope, made unique."""
        return self._names.unique(name, mark_as_used)

    def get_name_scope(self) -> str:
        """The current name scope, without the slash at its end."""
        return self._names.scope

    @property
    def _name_stack(self) -> str:
        return self._names.scope

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Puts the names made within under ``name/``; ``""`` or None leaves all scopes, ``"a/b/"`` enters that
        very one."""
        previous = self._names.scope
        try:
            yield self.enter_name_scope(name)
        finally:
            self._names.scope = previous

    def enter_name_scope(self, name: str | None) -> str:
        """Enters a name scope and returns its name with a slash; the caller restores ``_names.scope``."""
        table = self._names
        if not name:
            table.scope = ""
            return ""
        if name[-1] == "/":
            table.scope = name[:-1]
        else:
            names.check_scope_name(name, is_root=not table.scope)
            table.scope = table.unique(name)
        return table.scope + "/"

    # Scopes

    def control_dependencies(self, control_inputs: Any) -> _ControlDependencies:
        """Operations made within run after ``control_inputs``; None forgets the dependencies (and control flow)
        outside."""
        if control_inputs is None:
            return _ControlDependencies(self, None)
        outside = {op for controller in self._control_stack for op in controller.inputs}
        controls: list[Operation] = []
        for item in control_inputs:
            # IndexedSlices and resource variables stand for the operation that has made or updated them.
            direct = hasattr(item, "op") and (hasattr(item, "_handle") or hasattr(item, "indices"))
            found = self.as_graph_element(item.op if direct else item)
            found = getattr(found, "op", found)
            if found not in outside:
                outside.add(found)
                controls.append(found)
                # TensorFlow marks them; no plan depends on it.
                found._attrs["_has_manual_control_dependencies"] = AttrValue(b=True)
        return _ControlDependencies(self, controls)

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Operations made within are for this device (a string, a DeviceSpec, a function of the operation, or None)."""
        spec = device_name_or_function
        if spec is None:
            # None forgets the devices outside.
            saved, self._device_stack = self._device_stack, []
            try:
                yield
            finally:
                self._device_stack = saved
            return
        function = spec if callable(spec) else devices.merge_device(spec)
        self._device_stack.append(function)
        try:
            yield
        finally:
            self._device_stack.pop()

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Operations made within share a device with ``op`` (None: with nothing)."""
        if op is None and not ignore_existing:
            raise ValueError(
                "Trying to reset colocation (op is None) but ignore_existing is not True"
            )
        target = None if op is None else getattr(op, "op", op)
        saved, saved_devices = self._colocation_stack, self._device_stack
        self._colocation_stack = [] if ignore_existing else list(saved)
        # The device of what it is put beside replaces those of the scopes outside.
        self._device_stack = []
        if target is not None:
            self._colocation_stack.append(target)
        try:
            yield
        finally:
            self._colocation_stack, self._device_stack = saved, saved_devices

    @contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Stateful operations made within keep their state in the container of this name."""
        saved, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = saved

    @contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Operations of type ``key`` made within use the gradient registered under ``value``."""
        if not all(isinstance(text, str) for pair in op_type_map.items() for text in pair):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        with _updated(self._gradient_override_map, op_type_map):
            yield

    @contextmanager
    def attr_scope(self, attr_map: dict[str, Any]) -> Iterator[None]:
        """Operations made within get these attributes (AttrValue messages, or functions of the NodeDef) unless
        they have them."""
        with _updated(self._attr_scope, attr_map):
            yield

    _attr_scope_context = attr_scope

    @contextmanager
    def _original_op(self, op: Operation) -> Iterator[None]:
        saved, self._default_original_op = self._default_original_op, op
        try:
            yield
        finally:
            self._default_original_op = saved

    def _get_control_flow_context(self) -> Any:
        return self._control_flow_context

    def _set_control_flow_context(self, context: Any) -> None:
        self._control_flow_context = context

    # Collections

    @property
    def collections(self) -> list[Any]:
        return list(self._collections)

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Appends ``value`` to the collection ``name``."""
        self._check_not_finalized()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends ``value`` to every collection of ``names`` (one name or several, each once)."""
        several = (
            (names,)
            if isinstance(names, str) or not isinstance(names, Iterable)
            else dict.fromkeys(names)
        )
        for name in several:
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """A copy of the collection ``name``; with ``scope`` only items whose name matches it as a prefix (a regex)."""
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        matches = re.compile(scope).match
        return [item for item in items if hasattr(item, "name") and matches(item.name)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The collection ``name`` itself: changes to the list are changes to the collection."""
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[str]:
        """The names of all collections that are strings."""
        return [name for name in self._collections if isinstance(name, str)]

    def clear_collection(self, name: Any) -> None:
        """Forgets the collection ``name``."""
        self._check_not_finalized()
        self._collections.pop(name, None)

    # Protos

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as a GraphDef; with ``from_version`` only operations added since, with ``add_shapes`` output
        shapes too."""
        with self._lock:
            message = GraphDef()
            if self.imported_rest is not None:
                message.CopyFrom(self.imported_rest)
            message.versions.CopyFrom(self._versions)
            for op in self._operations.values():
                if from_version is not None and op._id < from_version:
                    continue
                node = op.fill_node_def(message.node.add())
                if add_shapes and op.outputs:
                    dims = tuple(tensor.dims for tensor in op.outputs)
                    node.attr.pop("_output_shapes", None)
                    attributes.encode("list(shape)", dims, node.attr["_output_shapes"])
            for function in self.functions.values():
                message.library.function.add().CopyFrom(function)
            for name, gradient in self.function_gradients.items():
                message.library.gradient.add(function_name=name, gradient_func=gradient)
            return message

    def _add_function(self, function: Any) -> None:
        """Adds a FunctionDef (or an object with ``definition``) to the library."""
        definition = getattr(function, "definition", function)
        self.functions[definition.signature.name] = definition

    def _is_function(self, name: str) -> bool:
        return name in self.functions


def _as_dtype(kind: Any) -> DType:
    return dtypes.as_dtype(kind)


@contextmanager
def _updated(table: dict[str, Any], changes: dict[str, Any]) -> Iterator[None]:
    saved = dict(table)
    table.update(changes)
    try:
        yield
    finally:
        table.clear()
        table.update(saved)
