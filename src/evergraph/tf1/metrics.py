"""``tf.metrics``: measures over many batches."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.nn.metrics": (
        "accuracy false_negatives false_positives mean mean_absolute_error mean_per_class_accuracy "
        "mean_relative_error mean_squared_error percentage_below precision recall "
        "root_mean_squared_error true_negatives true_positives"
    ),
    "evergraph.nn.metrics_curves": "auc mean_iou",
}

__getattr__, __dir__ = namespace(__name__, "tf.metrics", _TABLE)
