"""TensorFlow's inner paths, which programs of 2016 to 2018 import from, such as ``tensorflow.python.ops.math_ops``.

Most names there are public ones under the same name, so an inner module needs a table only for what is not. Paths are
given below ``tensorflow``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

from evergraph.formats import protos

#: Inner modules that are one of our own modules.
_SAME: Final = {
    "contrib.framework.python.framework.deprecation": "evergraph.contrib.framework.deprecation",
    "contrib.slim.python.slim.evaluation": "evergraph.contrib.slim.evaluation",
    "contrib.slim.python.slim.model_analyzer": "evergraph.contrib.slim.model_analyzer",
    "contrib.training.python.training.evaluation": "evergraph.contrib.training",
    "python.client.session": "evergraph.runtime.session",
    "python.framework.errors": "evergraph.errors",
    "python.framework.errors_impl": "evergraph.errors",
    "python.framework.graph_util": "evergraph.tf1.graph_util",
    "python.framework.graph_util_impl": "evergraph.tf1.graph_util",
    "python.platform.app": "evergraph.tf1.app",
    "python.platform.flags": "evergraph.tf1.flags",
    "python.platform.gfile": "evergraph.tf1.gfile",
    "python.platform.tf_logging": "evergraph.tf1.logging",
    "python.saved_model.builder": "evergraph.saved_model.builder",
    "python.saved_model.builder_impl": "evergraph.saved_model.builder",
    "python.saved_model.constants": "evergraph.saved_model.constants",
    "python.saved_model.loader": "evergraph.saved_model.loader",
    "python.saved_model.loader_impl": "evergraph.saved_model.loader",
    "python.saved_model.main_op": "evergraph.saved_model.main_op",
    "python.saved_model.main_op_impl": "evergraph.saved_model.main_op",
    "python.saved_model.signature_constants": "evergraph.saved_model.signature_constants",
    "python.saved_model.signature_def_utils": "evergraph.saved_model.signature_defs",
    "python.saved_model.signature_def_utils_impl": "evergraph.saved_model.signature_defs",
    "python.saved_model.simple_save": "evergraph.saved_model.simple_save",
    "python.saved_model.tag_constants": "evergraph.saved_model.tag_constants",
    "python.saved_model.utils": "evergraph.saved_model.tensor_info",
    "python.saved_model.utils_impl": "evergraph.saved_model.tensor_info",
    "python.util.deprecation": "evergraph.contrib.framework.deprecation",
    "python.util.compat": "evergraph.tf1.compat",
    "python.util.nest": "evergraph.graph.nest",
}

_DTYPES = (
    "DType QUANTIZED_DTYPES as_dtype bfloat16 bool complex128 complex64 double float16 float32 float64 half int16 "
    "int32 int64 int8 qint16 qint32 qint8 quint16 quint8 resource string uint16 uint32 uint64 uint8 variant"
)
_CHECKPOINTS = (
    "checkpoint_exists generate_checkpoint_state_proto get_checkpoint_mtimes get_checkpoint_state latest_checkpoint "
    "remove_checkpoint update_checkpoint_state"
)
_GLOBAL_STEP = (
    "assert_global_step create_global_step get_global_step get_or_create_global_step global_step"
)
_CONTRIB_CHECKPOINTS = "init_from_checkpoint list_variables load_checkpoint load_variable"
_CONTRIB_SCOPES = "add_arg_scope arg_scope arg_scope_func_key arg_scoped_arguments current_arg_scope has_arg_scope"
_CONTRIB_VARIABLES = (
    "VariableDeviceChooser add_model_variable assert_global_step assert_or_get_global_step assign_from_checkpoint "
    "assign_from_checkpoint_fn assign_from_values assign_from_values_fn create_global_step filter_variables "
    "get_global_step get_local_variables get_model_variables get_or_create_global_step get_trainable_variables "
    "get_unique_variable get_variable_full_name get_variables get_variables_by_name get_variables_by_suffix "
    "get_variables_to_restore global_variable local_variable model_variable variable"
)

#: Inner modules with what they hold beside public names (which all of them find).
_MODULES: Final[dict[str, Mapping[str, str]]] = {
    "contrib.framework.python.framework": {"evergraph.contrib.framework": _CONTRIB_CHECKPOINTS},
    "contrib.framework.python.framework.checkpoint_utils": {
        "evergraph.contrib.framework": _CONTRIB_CHECKPOINTS
    },
    "contrib.framework.python.framework.tensor_util": {
        "evergraph.contrib.framework": (
            "assert_same_float_dtype assert_scalar assert_scalar_int is_tensor reduce_sum_n "
            "remove_squeezable_dimensions with_same_shape with_shape"
        ),
    },
    "contrib.framework.python.ops": {
        "evergraph.contrib.framework": f"{_CONTRIB_SCOPES} {_CONTRIB_VARIABLES}"
    },
    "contrib.framework.python.ops.arg_scope": {"evergraph.contrib.framework": _CONTRIB_SCOPES},
    "contrib.framework.python.ops.checkpoint_ops": {
        "evergraph.contrib.framework": (
            "load_and_remap_matrix_initializer load_embedding_initializer "
            "load_linear_multiclass_bias_initializer load_variable_slot_initializer"
        ),
    },
    "contrib.framework.python.ops.variables": {"evergraph.contrib.framework": _CONTRIB_VARIABLES},
    "python.client.device_lib": {"evergraph.runtime.devices": "list_local_devices=local_devices"},
    "python.framework.common_shapes": {},
    "python.framework.constant_op": {"evergraph.ops.constant": "constant"},
    "python.framework.device": {"evergraph.graph.device": "DeviceSpec merge_device"},
    "python.framework.dtypes": {"evergraph.formats.dtypes": _DTYPES},
    "python.framework.importer": {"evergraph.graph.importer": "import_graph_def"},
    "python.framework.meta_graph": {
        "evergraph.train.collection_defs": "add_collection_def",
        "evergraph.train.meta_graph": (
            "copy_scoped_meta_graph export_scoped_meta_graph import_scoped_meta_graph"
        ),
    },
    "python.framework.ops": {
        "evergraph.graph.conversion": (
            "convert_n_to_tensor convert_to_tensor internal_convert_to_tensor=convert_to_tensor"
        ),
        "evergraph.graph.collection_protos": (
            "get_collection_proto_type get_from_proto_function get_to_proto_function "
            "register_proto_function"
        ),
        "evergraph.graph.default_collections": "get_all_collection_keys",
        "evergraph.graph.default_graph": "has_default_graph",
        "evergraph.ops.gradients": "get_gradient_function=gradient_function",
        "evergraph.ops.indexed_slices": "IndexedSlices IndexedSlicesValue",
    },
    "python.framework.random_seed": {"evergraph.ops.random_seed": "get_seed set_random_seed"},
    "python.framework.sparse_tensor": {},
    "python.framework.tensor_shape": {
        "evergraph.graph.shape": (
            "Dimension TensorShape as_dimension as_shape dimension_value matrix scalar "
            "unknown_shape vector"
        ),
    },
    "python.framework.tensor_util": {
        "evergraph.formats.tensor_proto": "MakeNdarray=make_ndarray make_ndarray make_tensor_proto",
        "evergraph.graph.constant_value": "constant_value constant_value_as_shape",
    },
    "python.framework.versions": {},
    "python.lib.io.file_io": {
        "evergraph.storage.gfile": (
            "FileIO=GFile copy=Copy create_dir=MkDir delete_file=Remove "
            "delete_recursively=DeleteRecursively file_exists=Exists get_matching_files=Glob "
            "is_directory=IsDirectory list_directory=ListDirectory recursive_create_dir=MakeDirs "
            "rename=Rename stat=Stat walk=Walk"
        ),
        "evergraph.storage.gfile_lower": (
            "copy_v2=copy create_dir_v2=mkdir delete_file_v2=remove delete_recursively_v2=rmtree file_exists_v2=exists "
            "get_matching_files_v2=glob is_directory_v2=isdir join list_directory_v2=listdir "
            "recursive_create_dir_v2=makedirs rename_v2=rename stat_v2=stat walk_v2=walk"
        ),
        "evergraph.storage.file_io": (
            "atomic_write_string_to_file has_atomic_move read_file_to_string write_string_to_file"
        ),
    },
    "python.lib.io.tf_record": {},
    "python.ops.array_ops": {},
    "python.ops.candidate_sampling_ops": {},
    "python.ops.check_ops": {},
    "python.ops.clip_ops": {},
    "python.ops.cond_v2": {},
    "python.ops.confusion_matrix": {},
    "python.ops.control_flow_ops": {
        "evergraph.ops.control_flow": "enter exit=exit_ merge next_iteration switch",
        "evergraph.ops.cond": "smart_cond",
        "evergraph.ops.cond_context": "CondContext",
        "evergraph.ops.control_flow_context": "ControlFlowContext",
        "evergraph.ops.grouping": "group tuple=tuple_ with_dependencies",
        "evergraph.ops.while_context": "WhileContext",
    },
    "python.ops.control_flow_util": {},
    "python.ops.data_flow_ops": {},
    "python.ops.embedding_ops": {},
    "python.ops.functional_ops": {},
    "python.ops.gen_array_ops": {},
    "python.ops.gen_control_flow_ops": {},
    "python.ops.gen_math_ops": {},
    "python.ops.gen_nn_ops": {},
    "python.ops.gen_random_ops": {},
    "python.ops.gen_state_ops": {},
    "python.ops.gradients": {},
    "python.ops.gradients_impl": {},
    "python.ops.histogram_ops": {},
    "python.ops.image_ops": {},
    "python.ops.init_ops": {
        "evergraph.variables.initializers": (
            "Constant GlorotNormal GlorotUniform Identity Initializer Ones Orthogonal RandomNormal "
            "RandomUniform TruncatedNormal UniformUnitScaling VarianceScaling Zeros he_normal "
            "he_uniform lecun_normal lecun_uniform"
        ),
    },
    "python.ops.io_ops": {},
    "python.ops.linalg_ops": {},
    "python.ops.logging_ops": {},
    "python.ops.lookup_ops": {
        "evergraph.lookup.buckets": (
            "FastHashSpec HasherSpec IdTableWithHashBuckets StaticVocabularyTable "
            "StaticVocabularyTableV1=StaticVocabularyTable StrongHashSpec"
        ),
        "evergraph.lookup.initializers": (
            "KeyValueTensorInitializer TableInitializerBase TextFileIdTableInitializer "
            "TextFileIndex TextFileInitializer TextFileStringTableInitializer"
        ),
        "evergraph.lookup.interface": (
            "InitializableLookupTableBase InitializableLookupTableBaseV1=InitializableLookupTableBase "
            "LookupInterface"
        ),
        "evergraph.lookup.mutable_tables": "DenseHashTable MutableHashTable",
        "evergraph.lookup.static_tables": (
            "HashTable=StaticHashTable StaticHashTable StaticHashTableV1=StaticHashTable"
        ),
        "evergraph.lookup.vocabularies": (
            "index_table_from_file index_table_from_tensor index_to_string_table_from_file "
            "index_to_string_table_from_tensor"
        ),
    },
    "python.ops.math_ops": {},
    "python.ops.nn": {},
    "python.ops.nn_impl": {},
    "python.ops.nn_ops": {},
    "python.ops.parsing_ops": {},
    "python.ops.partitioned_variables": {},
    "python.ops.random_ops": {},
    "python.ops.resource_variable_ops": {
        "evergraph.variables.resource_variable": "ResourceVariable is_resource_variable",
    },
    "python.ops.rnn": {},
    "python.ops.rnn_cell": {},
    "python.ops.rnn_cell_impl": {},
    "python.ops.script_ops": {},
    "python.ops.sparse_ops": {},
    "python.ops.special_math_ops": {},
    "python.ops.state_ops": {
        "evergraph.ops.state": "variable_op variable_op_v2 is_variable_initialized",
    },
    "python.ops.standard_ops": {},
    "python.ops.string_ops": {},
    "python.ops.template": {},
    "python.ops.tensor_array_ops": {},
    "python.ops.variable_scope": {
        "evergraph.variables.partitioning": "_PartitionInfo=PartitionInfo",
        "evergraph.variables.store": "default_initializer",
    },
    "python.ops.variables": {
        "evergraph.variables.partitioned_variable": "PartitionedVariable",
        "evergraph.variables.ref_variable": "RefVariable",
    },
    "python.platform.resource_loader": {},
    "python.platform.sysconfig": {},
    "python.platform.test": {},
    "python.pywrap_tensorflow": {
        "evergraph.train.checkpoint_reader": (
            "CheckpointReader NewCheckpointReader=new_checkpoint_reader"
        ),
    },
    "python.pywrap_tensorflow_internal": {},
    "python.tools.inspect_checkpoint": {
        "evergraph.train.inspect_checkpoint": "print_tensors_in_checkpoint_file",
    },
    "python.training.coordinator": {},
    "python.training.queue_runner": {},
    "python.training.queue_runner_impl": {},
    "python.training.adam": {},
    "python.training.checkpoint_management": {"evergraph.train.checkpoints": _CHECKPOINTS},
    "python.training.checkpoint_state_pb2": {"evergraph.formats.protos": "CheckpointState"},
    "python.training.checkpoint_ops": {
        "evergraph.train.matrix_remapping": (
            "_load_and_remap_matrix=load_and_remap_matrix "
            "_load_and_remap_matrix_initializer=load_and_remap_matrix_initializer "
            "_load_embedding_initializer=load_embedding_initializer"
        ),
    },
    "python.training.checkpoint_utils": {
        "evergraph.train.checkpoints_iterator": "wait_for_new_checkpoint",
    },
    "python.training.warm_starting_util": {},
    "python.training.gradient_descent": {},
    "python.training.learning_rate_decay": {},
    "python.training.momentum": {},
    "python.training.moving_averages": {
        "evergraph.variables.moving_averages": "assign_moving_average weighted_moving_average",
    },
    "python.training.optimizer": {},
    "python.training.py_checkpoint_reader": {},
    "python.training.saver": {
        "evergraph.train.checkpoints": _CHECKPOINTS,
        "evergraph.train.meta_graph": "export_meta_graph",
        "evergraph.train.saver": "_get_saver_or_default=get_saver_or_default",
        "evergraph.train.saver_builder": "BaseSaverBuilder BulkSaverBuilder",
    },
    "python.training.saving.saveable_object": {
        "evergraph.train.saveables": "SaveSpec SaveableObject"
    },
    "python.training.slot_creator": {
        "evergraph.variables.slots": "create_slot create_slot_with_initializer create_zeros_slot",
    },
    "python.training.training": {},
    "python.training.training_util": {
        "evergraph.train.global_step": _GLOBAL_STEP,
        "evergraph.train.meta_graph": "write_graph",
    },
}

_CORE: Final = "core."

#: What lies between: packages, whose names are the modules in them.
_PACKAGES: Final = {
    "core",
    "core.framework",
    "core.protobuf",
    "core.example",
    "core.util",
    "core.lib",
    "core.lib.core",
} | {path[:end] for path in (*_SAME, *_MODULES) for end, mark in enumerate(path) if mark == "."}

_NAMESPACES: Final = "nn train math linalg random initializers debugging test".split()


def same_module(path: str) -> str | None:
    """Our module that answers to an inner path (below ``tensorflow``), if it is one as a whole."""
    return _SAME.get(path)


def is_known(path: str) -> bool:
    """Whether there is an inner package or module of this path."""
    return path in _PACKAGES or path in _MODULES or _proto_file(path) is not None


def is_package(path: str) -> bool:
    """Whether it holds modules and nothing else."""
    return path in _PACKAGES


def table(path: str) -> Mapping[str, str]:
    """What an inner module holds: home module -> names, as ``lazy.parse`` reads it."""
    members = _proto_file(path)
    return (
        _MODULES.get(path, {})
        if members is None
        else {"evergraph.formats.protos": " ".join(members)}
    )


def load_public_names() -> None:
    """Makes the public names known, which inner modules fall back on."""
    for name in _NAMESPACES:
        importlib.import_module("evergraph.tf1." + name)


def _proto_file(path: str) -> list[str] | None:
    """The names in the ``..._pb2`` module at ``path``, or None where it is none."""
    if not (path.startswith(_CORE) and path.endswith("_pb2")):
        return None
    try:
        return list(
            protos.file_members(
                "tensorflow/" + path.removesuffix("_pb2").replace(".", "/") + ".proto"
            )
        )
    except KeyError:
        return None
