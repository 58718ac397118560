"""Losses and metrics: values, weights, reductions, collections, sums over batches."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.graph import Graph
from evergraph.nn import losses, metrics, metrics_curves
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.cross_entropy import sparse_softmax_cross_entropy_with_logits
from evergraph.runtime.session import Session
from evergraph.variables.collections import local_variables_initializer

LABELS = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
VALUES = np.array([[0.5, 0.5], [0.25, 0.5]], np.float32)
SQUARES = (LABELS - VALUES) ** 2


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("weighted_sum_by_nonzero_weights", SQUARES[0].mean() * 2),
        ("weighted_sum", SQUARES[0].sum() * 2),
        ("weighted_sum_over_batch_size", SQUARES[0].sum() * 2 / 4),
        ("weighted_mean", SQUARES[0].mean()),
    ],
)
def test_reductions(reduction: str, expected: float) -> None:
    with Graph().as_default() as graph, Session() as session:
        loss = losses.mean_squared_error(
            LABELS, VALUES, weights=constant([[2.0], [0.0]]), reduction=reduction
        )
        assert graph.get_collection(GraphKeys.LOSSES) == [loss]
        assert session.run(loss) == pytest.approx(expected)


def test_weights_that_do_not_fit() -> None:
    with Graph().as_default(), Session() as session:
        with pytest.raises(ValueError, match="can not be broadcast"):
            losses.mean_squared_error(LABELS, VALUES, weights=constant([1.0, 2.0, 3.0]))
        weights = array.placeholder(dtypes.float32, [None, None])
        x = array.placeholder(dtypes.float32, [None, 2])
        loss = losses.mean_squared_error(x, x, weights=weights)
        session.run(loss, {x: VALUES, weights: [[1.0], [2.0]]})
        with pytest.raises(errors.InvalidArgumentError, match="can not be broadcast"):
            session.run(loss, {x: VALUES, weights: [[1.0, 2.0, 3.0]]})


def test_a_label_that_is_no_class() -> None:
    with Graph().as_default(), Session() as session:
        cost = sparse_softmax_cross_entropy_with_logits(labels=[0, 5], logits=LABELS)
        with pytest.raises(errors.InvalidArgumentError, match=r"label value of 5 .* \[0, 2\)"):
            session.run(cost)


def test_metrics_add_up_over_batches() -> None:
    with Graph().as_default() as graph, Session() as session:
        x = array.placeholder(dtypes.int64, [None])
        y = array.placeholder(dtypes.int64, [None])
        value, update = metrics.accuracy(y, x)
        session.run(local_variables_initializer())
        assert session.run(update, {x: [1, 2], y: [1, 3]}) == 0.5
        assert session.run(update, {x: [1, 2], y: [1, 2]}) == 0.75
        assert session.run(value) == 0.75
        found = [one.name for one in graph.get_collection(GraphKeys.METRIC_VARIABLES)]
        assert found == ["accuracy/total:0", "accuracy/count:0"]


def test_precision_recall_auc() -> None:
    labels, scores = [1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1]
    with Graph().as_default(), Session() as session:
        precision = metrics.precision(labels, [1, 0, 1, 0])[1]
        recall = metrics.recall(labels, [1, 1, 1, 0])[1]
        area = metrics_curves.auc(labels, constant(scores))[1]
        session.run(local_variables_initializer())
        assert session.run(precision) == 0.5
        assert session.run(recall) == 1
        assert session.run(area) == pytest.approx(0.75, abs=1e-3)
