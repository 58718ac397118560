"""What stock TensorFlow does with the cases of the op table. Runs inside TensorFlow's process.

`main(tf, np, cases)` answers one dict a case:

    runs        a list of runs, each {"outputs": arrays, "effects": what variables hold then}
    shapes      by mode: [element type, static shape] of each output; None where such a graph is
                refused
    gradients   values of TensorFlow's gradients by floating input, None where there is none;
                {"error": class} where it says that the op has no gradient;
                {"fails": class} where TensorFlow's own gradient does not work on this case
    no_kernel   this TensorFlow has no CPU kernel for these types: nothing else is there
    error       for a case that must fail: by mode ("known", "nothing"): [phase, class]
    graph_def   only where asked for: the graph that was run

A chain (`tests.ops.chains`) is a function that builds a graph of several ops: of it there are the
runs, and the graph.

The graph of a case is `in0`, `in1` ... (`in1_0`, `in1_1` ... for a list) and `op`. Modes say what
is known while it is built:

    known       shapes of feeds, values of constants
    rank        ranks of feeds, values of constants
    unknown     values of constants only
    fed         shapes of feeds; what would be constant is fed as well
    nothing     neither (for errors: all of them come at the run)
"""

MODES = ("known", "rank", "unknown", "fed")


def main(tf, np, cases, want_graph=False):
    from tensorflow.python.framework import op_def_library, op_def_registry

    def raw(op_type, **arguments):
        """Makes a node as TensorFlow's own wrappers do: None stands for an attribute's default."""
        op_def = op_def_registry.get(op_type)
        for attr in op_def.attr:
            if attr.name in inferred(op_def):
                arguments.pop(attr.name, None)
            elif attr.name not in arguments:
                if attr.HasField("default_value"):
                    arguments[attr.name] = None
            elif attr.type == "type":
                arguments[attr.name] = tf.as_dtype(arguments[attr.name])
            elif attr.type == "list(type)":
                arguments[attr.name] = [tf.as_dtype(item) for item in arguments[attr.name]]
        node = op_def_library._apply_op_helper(op_type, **arguments)[2]
        if len(node.outputs) == 1:
            return node.outputs[0]
        return node.outputs if node.outputs else node

    def inferred(op_def):
        """The attributes that the inputs determine."""
        return {
            name
            for arg in op_def.input_arg
            for name in (arg.type_attr, arg.number_attr, arg.type_list_attr)
            if name
        }

    def static_shape(value, mode):
        if mode in ("known", "fed"):
            return list(value.shape)
        return [None] * value.ndim if mode == "rank" else None

    def make_input(entry, name, mode, feeds, setup, cells):
        dtype, value = tf.as_dtype(entry["dtype"]), entry["value"]
        if dtype.is_quantized:
            value = value.view(dtype.as_numpy_dtype)
        role = entry["role"]
        if role == "const" and mode not in ("fed", "nothing"):
            return tf.constant(value, dtype, name=name)
        if role in ("feed", "const"):
            made = raw("Placeholder", dtype=dtype, shape=static_shape(value, mode), name=name)
            feeds[made] = value
            return made
        if role == "ref":
            made = raw("VariableV2", dtype=dtype, shape=list(value.shape), name=name)
            if entry["initialize"]:
                start = tf.constant(value, dtype, name=name + "/value")
                setup.append(raw("Assign", ref=made, value=start, name=name + "/Assign").op)
                cells.append(raw("Identity", input=made, name=name + "/read"))
            return made
        # Handles without a name of their own are one variable in TensorFlow.
        made = raw("VarHandleOp", dtype=dtype, shape=list(value.shape), shared_name=name, name=name)
        if entry["initialize"]:
            start = tf.constant(value, dtype, name=name + "/value")
            setup.append(raw("AssignVariableOp", resource=made, value=start, name=name + "/Assign"))
            cells.append(raw("ReadVariableOp", resource=made, dtype=dtype, name=name + "/read"))
        return made

    def build(case, mode):
        """The graph; the op, its flat feeds, what to run first, what to read after."""
        go_back(case["producer"])
        feeds, setup, cells, arguments = {}, [], [], {}
        op_def = op_def_registry.get(case["op"])
        for number, (arg, given) in enumerate(zip(op_def.input_arg, case["inputs"], strict=True)):
            if isinstance(given, list):
                arguments[arg.name] = [
                    make_input(entry, f"in{number}_{i}", mode, feeds, setup, cells)
                    for i, entry in enumerate(given)
                ]
            else:
                arguments[arg.name] = make_input(given, f"in{number}", mode, feeds, setup, cells)
        raw(case["op"], **arguments, **case["attrs"], name="op")
        node = tf.get_default_graph().get_operation_by_name("op")
        return node, feeds, setup, cells

    def readable(outputs):
        return [o for o in outputs if o.dtype.base_dtype not in (tf.resource, tf.variant)]

    def plain(array):
        array = np.asarray(array)
        return array.astype(object) if array.dtype.kind in "SU" else array

    def run(case, mode):
        with tf.Graph().as_default() as graph:
            node, feeds, setup, cells = build(case, mode)
            with tf.Session(config=session_config()) as session:  # noqa: F821
                session.run(setup)
                outputs = readable(node.outputs)
                runs = []
                for _ in range(case["runs"]):
                    values = session.run([outputs, node], feeds)[0]
                    effects = session.run(cells)
                    runs.append(
                        {
                            "outputs": [plain(v) for v in values],
                            "effects": [plain(v) for v in effects],
                        }
                    )
            return runs, graph.as_graph_def().SerializeToString(deterministic=True)

    def shapes(case):
        found = {}
        for mode in MODES:
            with tf.Graph().as_default():
                try:
                    node = build(case, mode)[0]
                except ValueError:
                    found[mode] = None
                    continue
                found[mode] = [
                    [o.dtype.name, None if o.shape.rank is None else o.shape.as_list()]
                    for o in node.outputs
                ]
        return found

    def seed_of(shape, dtype):
        """The incoming gradient: a fixed pattern, exact in every type."""
        count = int(np.prod(shape))
        pattern = (np.arange(count) * 7 % 11 - 5.0) / 4
        return pattern.reshape(shape).astype(dtype.as_numpy_dtype)

    def differentiable(tensor):
        return tensor.dtype.is_floating or tensor.dtype.is_complex

    def gradients(case, outputs):
        with tf.Graph().as_default():
            node, feeds, setup, _ = build(case, "known")
            xs = [x for x in node.inputs if x in feeds and differentiable(x)]
            ys = readable(node.outputs)
            values = [v for y, v in zip(ys, outputs, strict=True) if differentiable(y)]
            ys = [y for y in ys if differentiable(y)]
            if not xs or not ys:
                return []
            seeds = [
                raw("Placeholder", dtype=y.dtype.base_dtype, shape=list(v.shape), name=f"seed{i}")
                for i, (y, v) in enumerate(zip(ys, values, strict=True))
            ]
            try:
                grads = tf.gradients(ys, xs, seeds)
                dense = [None if g is None else tf.convert_to_tensor(g) for g in grads]
                feeds.update(
                    {s: seed_of(v.shape, s.dtype) for s, v in zip(seeds, values, strict=True)}
                )
                with tf.Session(config=session_config()) as session:  # noqa: F821
                    session.run(setup)
                    results = iter(session.run([g for g in dense if g is not None], feeds))
                return [None if g is None else plain(next(results)) for g in dense]
            except LookupError:
                return {"error": "LookupError"}
            except Exception as problem:
                return {"fails": type(problem).__name__}

    def go_back(producer):
        """Ops that were removed since are there in graphs of that version."""
        if producer:
            old = tf.GraphDef()
            old.versions.producer = producer
            tf.import_graph_def(old, name="")

    class Chain:
        """What the function of a chain builds with."""

        def op(self, op_type, *inputs, **attrs):
            names = [arg.name for arg in op_def_registry.get(op_type).input_arg]
            return raw(op_type, **dict(zip(names, inputs, strict=True)), **attrs)

        def const(self, value, dtype):
            return tf.constant(value, dtype)

        def after(self, *made):
            return tf.control_dependencies(made)

        def gradients(self, ys, xs):
            return tf.gradients(ys, xs)

        def library(self, text):
            from google.protobuf import text_format

            tf.import_graph_def(text_format.Parse(text, tf.GraphDef()), name="")

    def run_chain(case):
        namespace = {}
        exec(case["chain"], namespace)
        with tf.Graph().as_default() as graph:
            go_back(case["producer"])
            fetched = namespace[case["name"]](Chain(), case["T"])
            with tf.Session(config=session_config()) as session:  # noqa: F821
                runs = [[plain(v) for v in session.run(fetched)] for _ in range(case["runs"])]
        return {"runs": runs, "graph_def": graph.as_graph_def().SerializeToString()}

    def refusal(case, mode):
        try:
            with tf.Graph().as_default():
                node, feeds, setup, _ = build(case, mode)
                try:
                    with tf.Session(config=session_config()) as session:  # noqa: F821
                        session.run(setup)
                        session.run([readable(node.outputs), node], feeds)
                except Exception as problem:
                    return ["run", type(problem).__name__]
        except Exception as problem:
            return ["build", type(problem).__name__]
        return ["none", ""]

    def record(case):
        if "chain" in case:
            answer = run_chain(case)
            return answer if want_graph else {"runs": answer["runs"]}
        if case["error"] is not None:
            return {"error": {mode: refusal(case, mode) for mode in ("known", "nothing")}}
        try:
            runs, graph_def = run(case, "known")
        except Exception as problem:
            if isinstance(problem, tf.errors.UnimplementedError) or any(
                words in str(problem) for words in NO_KERNEL
            ):
                return {"no_kernel": True}
            raise RuntimeError(f"{case['op']} {case['label']}: {problem}") from problem
        answer = {"runs": runs}
        if want_graph:
            answer["graph_def"] = graph_def
        if case["shapes"]:
            answer["shapes"] = shapes(case)
        if case["gradient"]:
            answer["gradients"] = gradients(case, runs[0]["outputs"])
        return answer

    return [record(case) for case in cases]


NO_KERNEL = (
    "No OpKernel was registered",
    "No registered '",
    "Unsupported dtype",
    "Unsupported data type",
    "Signature mismatch",
    "Input tensor must be int32 or int64",
)
