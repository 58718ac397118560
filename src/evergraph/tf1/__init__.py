"""TensorFlow 1's names: ``import evergraph.tf1 as tf``.

This package has no logic of its own: its modules are tables of names that are defined elsewhere, each loaded when it is
first used (see lazy.py). ``register_as_tensorflow()`` makes ``import tensorflow`` mean this package.
"""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    # graph
    "evergraph.graph.graph": (
        "Graph GRAPH_DEF_VERSION=PRODUCER GRAPH_DEF_VERSION_MIN_CONSUMER=MIN_CONSUMER "
        "GRAPH_DEF_VERSION_MIN_PRODUCER=MIN_CONSUMER"
    ),
    "evergraph.graph.operation": "Operation",
    "evergraph.graph.tensor": "Tensor",
    "evergraph.graph.shape": "Dimension TensorShape dimension_value",
    "evergraph.graph.device": "DeviceSpec",
    "evergraph.graph.collections": "GraphKeys",
    "evergraph.graph.default_collections": (
        "add_to_collection add_to_collections get_collection get_collection_ref"
    ),
    "evergraph.graph.conversion": "convert_to_tensor register_tensor_conversion_function",
    "evergraph.graph.default_graph": "get_default_graph reset_default_graph",
    "evergraph.graph.default_session": "get_default_session",
    "evergraph.graph.importer": "import_graph_def",
    "evergraph.graph.constant_value": "get_static_value=constant_value",
    "evergraph.graph.gradient_registration": (
        "RegisterGradient NotDifferentiable NoGradient no_gradient"
    ),
    "evergraph.graph.scopes": (
        "colocate_with container control_dependencies device name_scope op_scope"
    ),
    "evergraph.formats.dtypes": (
        "DType QUANTIZED_DTYPES as_dtype bfloat16 bool complex128 complex64 double float16 float32 "
        "float64 half int16 int32 int64 int8 qint16 qint32 qint8 quint16 quint8 resource string "
        "uint16 uint32 uint64 uint8 variant"
    ),
    "evergraph.formats.tensor_proto": "make_ndarray make_tensor_proto",
    "evergraph.formats.protos": (
        "AttrValue ConfigProto Event GPUOptions GraphDef GraphOptions HistogramProto LogMessage "
        "MetaGraphDef NameAttrList NodeDef OptimizerOptions RunMetadata RunOptions SessionLog "
        "Summary SummaryMetadata TensorInfo"
    ),
    "evergraph.errors": "OpError errors=.",
    "numpy": "newaxis",
    # session
    "evergraph.runtime.session": "InteractiveSession Session",
    # variables
    "evergraph.variables.variable": "Variable variable_creator_scope",
    "evergraph.variables.partitioners": (
        "create_partitioned_variables fixed_size_partitioner min_max_variable_partitioner "
        "variable_axis_size_partitioner"
    ),
    "evergraph.variables.scope": (
        "VariableScope get_local_variable get_variable get_variable_scope no_regularizer "
        "variable_op_scope variable_scope"
    ),
    "evergraph.variables.store": (
        "AUTO_REUSE disable_resource_variables enable_resource_variables resource_variables_enabled"
    ),
    "evergraph.variables.distribution": "VariableAggregation VariableSynchronization",
    "evergraph.variables.collections": (
        "all_variables assert_variables_initialized global_variables global_variables_initializer "
        "initialize_all_variables initialize_local_variables initialize_variables "
        "is_variable_initialized local_variables local_variables_initializer model_variables "
        "moving_average_variables report_uninitialized_variables trainable_variables "
        "variables_initializer"
    ),
    "evergraph.variables.initializers": (
        "constant_initializer glorot_normal_initializer glorot_uniform_initializer "
        "ones_initializer orthogonal_initializer random_normal_initializer "
        "random_uniform_initializer truncated_normal_initializer uniform_unit_scaling_initializer "
        "variance_scaling_initializer zeros_initializer"
    ),
    # ops, by family; old_name=name where a spelling of 2016 is gone
    "evergraph.ops.arg_reductions": "arg_max arg_min argmax argmin",
    "evergraph.ops.arithmetic": (
        "accumulate_n add add_n maximum minimum multiply pow scalar_mul squared_difference "
        "subtract mul=multiply sub=subtract"
    ),
    "evergraph.ops.assertions": "Assert=assert_",
    "evergraph.ops.case": "case",
    "evergraph.ops.casts": (
        "bitcast cast saturate_cast to_bfloat16 to_complex128 to_complex64 to_double to_float "
        "to_int32 to_int64"
    ),
    "evergraph.ops.clip": (
        "clip_by_average_norm clip_by_global_norm clip_by_norm clip_by_value global_norm"
    ),
    "evergraph.ops.comparison": "equal greater greater_equal less less_equal not_equal",
    "evergraph.ops.complex_numbers": "angle complex conj imag real",
    "evergraph.ops.concatenation": "concat parallel_stack",
    "evergraph.ops.cond": "cond",
    "evergraph.ops.constant": "constant",
    "evergraph.ops.diagonals": "diag diag_part eye matrix_band_part",
    "evergraph.ops.division": (
        "div div_no_nan divide floor_div floordiv floormod mod realdiv truediv truncatediv "
        "truncatemod"
    ),
    "evergraph.ops.example_features": (
        "FixedLenFeature FixedLenSequenceFeature VarLenFeature parse_example parse_single_example"
    ),
    "evergraph.ops.files": "matching_files read_file write_file",
    "evergraph.ops.filling": "fill ones ones_like zeros zeros_like",
    "evergraph.ops.gradient_sums": "AggregationMethod",
    "evergraph.ops.gradients": "UnconnectedGradients gradients",
    "evergraph.ops.hessians": "hessians",
    "evergraph.ops.grouping": "group tuple=tuple_",
    "evergraph.ops.indexed_slices": "IndexedSlices convert_to_tensor_or_indexed_slices",
    "evergraph.ops.logical": "logical_and logical_not logical_or logical_xor",
    "evergraph.ops.matmul": "matmul sparse_matmul batch_matmul",
    "evergraph.ops.matrix_bands": "matrix_diag matrix_diag_part matrix_set_diag",
    "evergraph.ops.numerics": (
        "add_check_numerics_ops check_numerics is_finite is_inf is_nan verify_tensor_all_finite"
    ),
    "evergraph.ops.one_hot": "one_hot",
    "evergraph.ops.padding": "pad",
    "evergraph.ops.partitioning": "dynamic_partition dynamic_stitch",
    "evergraph.ops.passing": (
        "identity identity_n no_op placeholder placeholder_with_default stop_gradient"
    ),
    "evergraph.ops.picking": "batch_gather gather",
    "evergraph.ops.picking_nd": "gather_nd",
    "evergraph.ops.queue_classes": "FIFOQueue PaddingFIFOQueue QueueBase RandomShuffleQueue",
    "evergraph.ops.random": (
        "multinomial random_normal random_shuffle random_uniform truncated_normal"
    ),
    "evergraph.ops.random_parameterized": "random_gamma random_poisson",
    "evergraph.ops.random_seed": "get_seed set_random_seed",
    "evergraph.ops.reductions": (
        "count_nonzero reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min "
        "reduce_prod reduce_sum reduce_log_sum_exp=reduce_logsumexp"
    ),
    "evergraph.ops.resources": "count_up_to",
    "evergraph.ops.rounding": "ceil floor rint round",
    "evergraph.ops.scattering": (
        "scatter_nd sparse_to_dense tensor_scatter_nd_add tensor_scatter_nd_sub "
        "tensor_scatter_nd_update tensor_scatter_add=tensor_scatter_nd_add "
        "tensor_scatter_sub=tensor_scatter_nd_sub tensor_scatter_update=tensor_scatter_nd_update"
    ),
    "evergraph.ops.segments": (
        "segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max "
        "unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sum"
    ),
    "evergraph.ops.selection": "boolean_mask where where_v2 select=where",
    "evergraph.ops.sequences": "lin_space=linspace linspace range=range_ sequence_mask",
    "evergraph.ops.shaping": "ensure_shape expand_dims rank reshape shape shape_n size squeeze",
    "evergraph.ops.slicing": "slice=slice_",
    "evergraph.ops.sorting": "argsort searchsorted sort",
    "evergraph.ops.space_batch": (
        "batch_to_space batch_to_space_nd depth_to_space required_space_to_batch_paddings "
        "space_to_batch space_to_batch_nd space_to_depth"
    ),
    "evergraph.ops.sparse_tensor": "SparseTensor SparseTensorValue",
    "evergraph.ops.special": "betainc digamma erf erfc igamma igammac lbeta lgamma polygamma zeta",
    "evergraph.ops.splitting": "split",
    "evergraph.ops.stacking": "stack unstack pack unpack",
    "evergraph.ops.state": "assign assign_add assign_sub",
    "evergraph.ops.state_scatter": (
        "batch_scatter_update scatter_add scatter_div scatter_max scatter_min scatter_mul "
        "scatter_nd_add scatter_nd_sub scatter_nd_update scatter_sub scatter_update"
    ),
    "evergraph.ops.strided": "strided_slice",
    "evergraph.ops.tensor_array": "TensorArray",
    "evergraph.ops.tiling": (
        "broadcast_dynamic_shape broadcast_static_shape broadcast_to meshgrid tile"
    ),
    "evergraph.ops.transposing": (
        "invert_permutation matrix_transpose batch_matrix_transpose=matrix_transpose reverse "
        "reverse_sequence reverse_v2=reverse roll transpose"
    ),
    "evergraph.ops.trigonometric": (
        "acos acosh asin asinh atan atan2 atanh cos cosh sin sinh tan tanh"
    ),
    "evergraph.ops.unary": (
        "abs complex_abs=abs exp expm1 inv log log1p log_sigmoid neg=negative negative reciprocal "
        "rsqrt sigmoid sign sqrt square"
    ),
    "evergraph.ops.uniqueness": "listdiff setdiff1d sparse_mask unique unique_with_counts",
    "evergraph.ops.while_loop": "while_loop",
    "evergraph.nn.confusion_matrix": "confusion_matrix",
    "evergraph.ops.checks": (
        "assert_equal assert_greater assert_greater_equal assert_less assert_less_equal "
        "assert_near assert_negative assert_non_negative assert_non_positive assert_none_equal "
        "assert_positive is_non_decreasing is_numeric_tensor is_strictly_increasing"
    ),
    "evergraph.ops.cumulative": "cumprod cumsum",
    "evergraph.ops.factorization": "qr",
    "evergraph.ops.functional_loops": "foldl foldr map_fn scan",
    "evergraph.ops.hashing": (
        "fingerprint string_to_hash_bucket string_to_hash_bucket_fast string_to_hash_bucket_strong"
    ),
    "evergraph.ops.histograms": "histogram_fixed_width",
    "evergraph.ops.linear_algebra": (
        "cholesky cholesky_solve matrix_determinant matrix_inverse matrix_solve "
        "matrix_triangular_solve self_adjoint_eig self_adjoint_eigvals svd"
    ),
    "evergraph.ops.printing": "Print=print_ print=print_v2",
    "evergraph.ops.py_func": "numpy_function py_func py_function",
    "evergraph.ops.quantization": (
        "fake_quant_with_min_max_args fake_quant_with_min_max_vars "
        "fake_quant_with_min_max_vars_per_channel"
    ),
    "evergraph.ops.shape_checks": (
        "assert_integer assert_proper_iterable assert_rank assert_rank_at_least assert_rank_in "
        "assert_same_float_dtype assert_scalar assert_type"
    ),
    "evergraph.ops.string_values": (
        "as_string decode_base64 decode_raw encode_base64 string_to_number"
    ),
    "evergraph.ops.strings": "reduce_join regex_replace string_join string_strip substr",
    "evergraph.ops.tables": "initialize_all_tables tables_initializer",
    "evergraph.ops.tensordot": "tensordot",
    "evergraph.ops.summaries": (
        "histogram_summary=histogram image_summary=image merge_all_summaries=merge_all "
        "merge_summary=merge scalar_summary=scalar"
    ),
    # around the graph
    "evergraph.platform.version": (
        "__version__=VERSION VERSION GIT_VERSION __git_version__=GIT_VERSION COMPILER_VERSION "
        "__compiler_version__=COMPILER_VERSION CXX11_ABI_FLAG MONOLITHIC_BUILD version=."
    ),
    "evergraph.platform.modes": (
        "executing_eagerly executing_eagerly_outside_functions=executing_eagerly "
        "enable_eager_execution enable_v2_behavior disable_eager_execution disable_v2_behavior "
        "disable_v2_tensorshape disable_control_flow_v2 disable_tensor_equality "
        "control_flow_v2_enabled"
    ),
    "evergraph.platform.logging": "get_logger",
    # namespaces
    "evergraph.tf1.app": "app=.",
    "evergraph.tf1.bitwise": "bitwise=.",
    "evergraph.tf1.compat": "compat=.",
    "evergraph.tf1.debugging": "debugging=.",
    "evergraph.tf1.dtypes": "dtypes=.",
    "evergraph.tf1.flags": "flags=.",
    "evergraph.tf1.gfile": "gfile=.",
    "evergraph.tf1.graph_util": "graph_util=.",
    "evergraph.tf1.image": "image=.",
    "evergraph.tf1.initializers": "initializers=.",
    "evergraph.tf1.io": "io=.",
    "evergraph.tf1.linalg": "linalg=.",
    "evergraph.tf1.layers": "layers=.",
    "evergraph.tf1.logging": "logging=.",
    "evergraph.tf1.lookup": "lookup=.",
    "evergraph.tf1.losses": "losses=.",
    "evergraph.tf1.manip": "manip=.",
    "evergraph.tf1.math": "math=.",
    "evergraph.tf1.metrics": "metrics=.",
    "evergraph.tf1.nn": "nn=.",
    "evergraph.tf1.python_io": "python_io=.",
    "evergraph.tf1.random": "random=.",
    "evergraph.tf1.saved_model": "saved_model=.",
    "evergraph.tf1.strings": "strings=.",
    "evergraph.tf1.summary": "summary=.",
    "evergraph.tf1.test": "test=.",
    "evergraph.tf1.train": "train=.",
    "evergraph.contrib": "contrib=.",
    "evergraph.tf1.import_hook": "register_as_tensorflow",
}

__getattr__, __dir__ = namespace(__name__, "tf", _TABLE)
