"""Declared ops that have no row, and why: where each is proved instead."""

from __future__ import annotations

WITHOUT_ROW: dict[str, str] = {
    "Abort": "ends TensorFlow's process",
    "Const": "every `const(...)` of the table is one",
    "FIFOQueueV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "EagerPyFunc": "calls a function of this process: tests/runtime/test_dataflow.py",
    "FakeParam": "stands for an output that nothing reads; never runs",
    "FusedBatchNorm": "TensorFlow leaves some outputs as they come: tests/oracle/test_batch_norm.py",
    "FusedBatchNormV2": "TensorFlow leaves some outputs as they come: tests/oracle/test_batch_norm.py",
    "FusedBatchNormV3": "TensorFlow leaves some outputs as they come: tests/oracle/test_batch_norm.py",
    "GenerateVocabRemapping": (
        "reads files: tests/ops/test_checkpoint_remapping.py, tests/oracle/test_checkpoint_remapping.py"
    ),
    "ImageSummary": "the compressed bytes of a PNG are free: tests/oracle/test_summaries_nodes.py",
    "LoadAndRemapMatrix": (
        "reads files: tests/ops/test_checkpoint_remapping.py, tests/oracle/test_checkpoint_remapping.py"
    ),
    "MergeV2Checkpoints": "writes files: tests/oracle/test_bundle_oracle.py",
    "PaddingFIFOQueueV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "Placeholder": "every fed input of the table is one",
    "PlaceholderV2": "cannot be made in TensorFlow any more; Placeholder under another name",
    "QueueCloseV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueDequeueManyV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueDequeueUpToV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueDequeueV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueEnqueueManyV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueEnqueueV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueIsClosedV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "QueueSizeV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "RandomShuffleQueueV2": "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py",
    "PyFunc": "calls a function of this process: tests/runtime/test_dataflow.py",
    "PyFuncStateless": "calls a function of this process: tests/runtime/test_dataflow.py",
    "Restore": "reads files: tests/ops/test_checkpoint_io.py",
    "RestoreSlice": "reads files: tests/ops/test_checkpoint_io.py",
    "RestoreV2": "reads files: tests/ops/test_checkpoint_io.py",
    "SaveV2": "writes files: tests/ops/test_checkpoint_io.py",
    "SelfAdjointEigV2": "the signs of vectors are free: tests/ops/test_linear_algebra.py",
    "Svd": "the signs of vectors are free: tests/ops/test_linear_algebra.py",
    "TileGrad": "TensorFlow 2.15 has no kernel that fits its OpDef",
    "TopK": "TensorFlow 2.15 has no kernel that fits its OpDef",
    "VarHandleOp": "every `resource(...)` of the table is one",
    "VariableV2": "every `ref(...)` of the table is one",
}
