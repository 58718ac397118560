"""``tf.nn``: neural networks."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.activations": "crelu elu leaky_relu relu relu6 selu softplus softsign",
    "evergraph.ops.batch_norm": "fused_batch_norm",
    "evergraph.ops.bias": "bias_add relu_layer xw_plus_b",
    "evergraph.ops.convolution": (
        "conv2d conv2d_backprop_filter conv2d_backprop_input conv2d_transpose conv3d "
        "conv3d_transpose"
    ),
    "evergraph.ops.cross_entropy": (
        "log_poisson_loss sigmoid_cross_entropy_with_logits softmax_cross_entropy_with_logits "
        "softmax_cross_entropy_with_logits_v2 sparse_softmax_cross_entropy_with_logits "
        "weighted_cross_entropy_with_logits"
    ),
    "evergraph.ops.depthwise": "depthwise_conv2d depthwise_conv2d_native separable_conv2d",
    "evergraph.ops.pooling": (
        "avg_pool avg_pool2d=avg_pool avg_pool3d max_pool max_pool3d max_pool_with_argmax"
    ),
    "evergraph.ops.softmax": "log_softmax softmax",
    "evergraph.ops.sorting": "in_top_k top_k",
    "evergraph.ops.space_batch": "depth_to_space space_to_batch space_to_depth",
    "evergraph.ops.trigonometric": "tanh",
    "evergraph.ops.unary": "sigmoid",
    "evergraph.ops.dilated": "atrous_conv2d conv1d convolution with_space_to_batch",
    "evergraph.ops.embedding": "embedding_lookup",
    "evergraph.ops.moments": (
        "batch_norm_with_global_normalization batch_normalization l2_normalize moments "
        "normalize_moments sufficient_statistics weighted_moments"
    ),
    "evergraph.ops.normalization": "l2_loss local_response_normalization lrn",
    "evergraph.ops.swish": "silu swish",
    "evergraph.ops.zero_fraction": "zero_fraction",
    "evergraph.ops.dropout": "dropout",
}

__getattr__, __dir__ = namespace(__name__, "tf.nn", _TABLE)
