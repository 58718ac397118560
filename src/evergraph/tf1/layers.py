"""``tf.layers``: layers that make their own variables."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.nn.layers.arguments": "InputSpec",
    "evergraph.nn.layers.base": "Layer",
    "evergraph.nn.layers.convolutional": "Conv1D Conv2D Conv3D conv1d conv2d conv3d",
    "evergraph.nn.layers.core": "Dense Dropout Flatten dense dropout flatten",
    "evergraph.nn.layers.normalization": "BatchNormalization batch_normalization",
    "evergraph.nn.layers.pooling": (
        "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D "
        "average_pooling1d average_pooling2d average_pooling3d max_pooling1d max_pooling2d "
        "max_pooling3d"
    ),
    "evergraph.nn.layers.separable": (
        "SeparableConv1D SeparableConv2D separable_conv1d separable_conv2d"
    ),
    "evergraph.nn.layers.transposed": (
        "Conv2DTranspose Conv3DTranspose conv2d_transpose conv3d_transpose"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.layers", _TABLE)
