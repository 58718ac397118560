"""Declared ops that have no row in the table, by the reason: what proves them instead, or why nothing can."""

from __future__ import annotations

_BY_REASON = {
    "TensorFlow 2.15 has no kernel that fits its OpDef": """
        TileGrad TopK
    """,
    "TensorFlow leaves some outputs as they come: tests/oracle/test_batch_norm.py": """
        FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3
    """,
    "calls a function of this process: tests/runtime/test_dataflow.py": """
        EagerPyFunc PyFunc PyFuncStateless
    """,
    "cannot be made in TensorFlow any more; Placeholder under another name": """
        PlaceholderV2
    """,
    "ends TensorFlow's process": """
        Abort
    """,
    "every `const(...)` of the table is one": """
        Const
    """,
    "every `ref(...)` of the table is one": """
        VariableV2
    """,
    "every `resource(...)` of the table is one": """
        VarHandleOp
    """,
    "every fed input of the table is one": """
        Placeholder
    """,
    "lists folders: tests/ops/test_files.py, tests/oracle/test_gfile_oracle.py": """
        MatchingFiles
    """,
    "reads files: tests/ops/test_files.py, tests/oracle/test_gfile_oracle.py": """
        ReadFile
    """,
    "writes files: tests/ops/test_files.py, tests/oracle/test_gfile_oracle.py": """
        WriteFile
    """,
    "reads files: tests/ops/test_checkpoint_io.py": """
        Restore RestoreSlice RestoreV2
    """,
    "reads files: tests/ops/test_checkpoint_remapping.py, tests/oracle/test_checkpoint_remapping.py": """
        GenerateVocabRemapping LoadAndRemapMatrix
    """,
    "stands for an output that nothing reads; never runs": """
        FakeParam
    """,
    "the compressed bytes of a PNG are free: tests/oracle/test_summaries_nodes.py": """
        ImageSummary
    """,
    "the signs of vectors are free: tests/ops/test_linear_algebra.py": """
        SelfAdjointEigV2 Svd
    """,
    "works on a queue: tests/ops/test_queues.py, tests/oracle/test_queues_nodes.py": """
        FIFOQueueV2 PaddingFIFOQueueV2 QueueCloseV2 QueueDequeueManyV2 QueueDequeueUpToV2 QueueDequeueV2
        QueueEnqueueManyV2 QueueEnqueueV2 QueueIsClosedV2 QueueSizeV2 RandomShuffleQueueV2
    """,
    "works on a table: tests/ops/test_tables.py, tests/oracle/test_tables_*.py": """
        AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable
        AnonymousMutableHashTableOfTensors HashTable HashTableV2 InitializeTable InitializeTableFromTextFile
        InitializeTableFromTextFileV2 InitializeTableV2 LookupTableExport LookupTableExportV2
        LookupTableFind LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableInsert
        LookupTableInsertV2 LookupTableRemoveV2 LookupTableSize LookupTableSizeV2 MutableDenseHashTable
        MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors MutableHashTableOfTensorsV2
        MutableHashTableV2
    """,
    "writes files: tests/ops/test_checkpoint_io.py": """
        Save SaveSlices SaveV2
    """,
    "writes files: tests/oracle/test_bundle_oracle.py": """
        MergeV2Checkpoints
    """,
}

#: op -> reason
WITHOUT_ROW = {op: reason for reason, ops in _BY_REASON.items() for op in ops.split()}
