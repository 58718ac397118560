"""Programs over layers, losses, metrics and tf.nn, whose graphs are compared with TensorFlow's node for node."""

from __future__ import annotations

LAYERS = {
    "dense": """
        x = tf.placeholder(tf.float32, [None, 5])
        h = tf.layers.dense(x, 4, activation=tf.nn.relu)
        h = tf.layers.dense(h, 3, name="out", use_bias=False, kernel_regularizer=tf.nn.l2_loss)
        with tf.variable_scope("s"):
            h = tf.layers.dense(h, 3)
        h = tf.layers.dense(h, 3, name="shared")
        tf.layers.dense(h, 3, name="shared", reuse=True)
    """,
    "dense on sequences": """
        x = tf.placeholder(tf.float32, [None, 7, 5])
        tf.layers.dense(x, 4, activity_regularizer=tf.nn.l2_loss)
        tf.layers.dense(tf.placeholder(tf.float32, [2, 7, 5]), 4)
    """,
    "layers as objects": """
        x = tf.placeholder(tf.float32, [None, 5])
        layer = tf.layers.Dense(3)
        with tf.variable_scope("a"):
            layer(x)
        layer(x)
        tf.layers.Dense(3)(x)
        with tf.variable_scope("a", reuse=True):
            tf.layers.dense(x, 3, name="dense")
    """,
    "what the scope says": """
        x = tf.placeholder(tf.float32, [None, 5])
        zeros = tf.zeros_initializer()
        with tf.variable_scope("a", initializer=zeros, regularizer=tf.nn.l2_loss):
            tf.layers.dense(x, 3)
        with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
            tf.layers.dense(x, 3, name="z")
            tf.layers.dense(x, 3, name="z")
        with tf.name_scope("ns"):
            tf.layers.dense(x, 3)
    """,
    "images": """
        h = tf.placeholder(tf.float32, [None, 8, 8, 3])
        h = tf.layers.conv2d(h, 4, 3, activation=tf.nn.relu, padding="same")
        h = tf.layers.conv2d(h, 4, (3, 2), strides=2, use_bias=False)
        h = tf.layers.conv2d(h, 4, 2, dilation_rate=2, name="holes")
        h = tf.layers.max_pooling2d(h, 1, 1)
        h = tf.layers.average_pooling2d(h, 1, 1, padding="same")
        h = tf.layers.flatten(h)
        h = tf.layers.dropout(h, 0.4, training=True)
        h = tf.layers.dropout(h, 0.4, training=True, seed=5)
        tf.layers.dropout(h, 0.4)
    """,
    "channels first": """
        h = tf.placeholder(tf.float32, [2, 3, 8, 8])
        h = tf.layers.conv2d(h, 4, 3, data_format="channels_first")
        h = tf.layers.max_pooling2d(h, 2, 2, data_format="channels_first")
        tf.layers.flatten(h, data_format="channels_first")
    """,
    "sequences": """
        h = tf.placeholder(tf.float32, [None, 8, 3])
        h = tf.layers.conv1d(h, 4, 3, activation=tf.nn.relu, padding="same")
        h = tf.layers.conv1d(h, 4, 3, dilation_rate=2)
        h = tf.layers.max_pooling1d(h, 2, 2)
        h = tf.layers.average_pooling1d(h, 1, 1)
        tf.layers.separable_conv1d(h, 4, 2, padding="same", depth_multiplier=2)
    """,
    "volumes": """
        h = tf.placeholder(tf.float32, [None, 8, 8, 8, 3])
        h = tf.layers.conv3d(h, 4, 3, activation=tf.nn.relu, padding="same")
        h = tf.layers.max_pooling3d(h, 2, 2)
        h = tf.layers.average_pooling3d(h, 2, 2)
        tf.layers.conv3d_transpose(h, 4, 3, strides=2, padding="same")
    """,
    "transposed": """
        h = tf.placeholder(tf.float32, [None, 8, 8, 3])
        h = tf.layers.conv2d_transpose(h, 4, 3, strides=2, padding="same")
        tf.layers.conv2d_transpose(h, 4, 3, activation=tf.nn.relu)
        h = tf.placeholder(tf.float32, [None, None, None, 3])
        h = tf.layers.conv2d_transpose(h, 4, 3, strides=2, padding="same")
        tf.layers.conv2d_transpose(h, 4, 3, strides=2, padding="valid")
    """,
    "separable": """
        h = tf.placeholder(tf.float32, [None, 8, 8, 3])
        h = tf.layers.separable_conv2d(h, 4, 3, padding="same", depth_multiplier=2)
        tf.layers.separable_conv2d(h, 4, 3, activation=tf.nn.relu, name="q")
    """,
    "batch normalization": """
        h = tf.placeholder(tf.float32, [None, 8, 8, 3])
        h = tf.layers.batch_normalization(h, training=True)
        h = tf.layers.batch_normalization(h, training=False, name="b")
        h = tf.layers.batch_normalization(h, center=False, scale=False, training=True)
        tf.layers.batch_normalization(h, training=tf.placeholder(tf.bool, []))
        h = tf.placeholder(tf.float32, [None, 3, 8, 8])
        h = tf.layers.batch_normalization(h, axis=1, training=True)
        tf.layers.batch_normalization(h, axis=1, training=True, fused=False)
    """,
    "batch normalization of rows": """
        h = tf.placeholder(tf.float32, [None, 8])
        h = tf.layers.batch_normalization(h, training=True)
        h = tf.layers.batch_normalization(h, training=False)
        training = tf.placeholder(tf.bool, [])
        h = tf.layers.batch_normalization(h, training=training, momentum=0.9)
        tf.layers.dropout(h, 0.4, training=training)
    """,
}

FUNCTIONS = {
    "dropout": """
        x = tf.placeholder(tf.float32, [4, 8])
        keep = tf.placeholder(tf.float32, [])
        tf.nn.dropout(x, 0.4)
        tf.nn.dropout(x, keep_prob=keep)
        tf.nn.dropout(x, rate=0.25, noise_shape=[None, 1], seed=3)
        tf.nn.dropout(x, 1.0)
        tf.nn.dropout(x, 0.4)
    """,
    "softmax": """
        x = tf.placeholder(tf.float32, [None, 8, 3])
        tf.nn.softmax(x)
        tf.nn.softmax(x, 1)
        tf.nn.softmax(x, axis=-2, name="n")
        tf.nn.log_softmax(x, dim=2)
        tf.nn.softmax(x, dim=0)
    """,
    "activations": """
        x = tf.placeholder(tf.float32, [None, 8])
        tf.nn.relu(x)
        tf.nn.relu6(x)
        tf.nn.leaky_relu(x)
        tf.nn.crelu(x)
        tf.nn.elu(x)
        tf.nn.softplus(x)
        tf.nn.swish(x)
        tf.nn.bias_add(x, [0.0] * 8)
        tf.nn.xw_plus_b(x, [[1.0]] * 8, [2.0])
        tf.nn.relu_layer(x, [[1.0]] * 8, [2.0])
        tf.nn.zero_fraction(x)
    """,
    "cross entropy": """
        x = tf.placeholder(tf.float32, [None, 8])
        l = tf.placeholder(tf.float32, [None, 8])
        s = tf.placeholder(tf.int32, [None])
        tf.nn.softmax_cross_entropy_with_logits(labels=l, logits=x)
        tf.nn.softmax_cross_entropy_with_logits_v2(labels=l, logits=x)
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=s, logits=x)
        tf.nn.sigmoid_cross_entropy_with_logits(labels=l, logits=x)
        tf.nn.weighted_cross_entropy_with_logits(l, x, 2.0)
        tf.nn.log_poisson_loss(l, x, True)
    """,
    "cross entropy of sequences": """
        x = tf.placeholder(tf.float32, [None, 7, 8])
        l = tf.placeholder(tf.float32, [None, 7, 8])
        s = tf.placeholder(tf.int32, [None, 7])
        tf.nn.softmax_cross_entropy_with_logits(labels=l, logits=x, dim=1)
        tf.nn.softmax_cross_entropy_with_logits_v2(labels=l, logits=x)
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=s, logits=x)
        x = tf.placeholder(tf.float32, [5, 7, 8])
        s = tf.placeholder(tf.int64, [5, 7])
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=s, logits=x)
    """,
    "normalization": """
        x = tf.placeholder(tf.float32, [None, 6, 7, 8])
        m, v = tf.nn.moments(x, [0, 1, 2])
        tf.nn.moments(x, [0], keep_dims=True)
        tf.nn.batch_normalization(x, m, v, m, v, 1e-3)
        tf.nn.batch_normalization(x, m, v, None, None, 1e-3)
        tf.nn.l2_normalize(x, 1)
        tf.nn.lrn(x, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name="norm1")
        tf.nn.l2_loss(x)
        tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [0]))
        tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [1], 1.0))
        tf.nn.weighted_moments(x, [0], 1.0)
        tf.nn.fused_batch_norm(x, [1.0] * 8, [1.0] * 8)
    """,
    "embeddings": """
        p = tf.get_variable("e", [10, 3])
        i = tf.placeholder(tf.int32, [None, 2])
        tf.nn.embedding_lookup(p, i)
        tf.nn.embedding_lookup([p], i)
        tf.nn.embedding_lookup(p, i, max_norm=1.0)
        a = tf.get_variable("a", [5, 3])
        b = tf.get_variable("b", [5, 3])
        tf.nn.embedding_lookup([a, b], i)
        tf.nn.embedding_lookup([a, b], i, partition_strategy="div", name="d")
        tf.nn.embedding_lookup([a, b], [1, 2], max_norm=2.0)
    """,
    "losses": """
        x = tf.placeholder(tf.float32, [None, 8])
        l = tf.placeholder(tf.float32, [None, 8])
        s = tf.placeholder(tf.int32, [None])
        tf.losses.mean_squared_error(l, x)
        tf.losses.softmax_cross_entropy(l, x)
        tf.losses.softmax_cross_entropy(l, x, label_smoothing=0.1)
        tf.losses.sparse_softmax_cross_entropy(s, x)
        tf.losses.sigmoid_cross_entropy(l, x)
        tf.losses.sigmoid_cross_entropy(l, x, label_smoothing=0.1)
        tf.losses.absolute_difference(l, x, weights=0.5)
        tf.losses.log_loss(l, x)
        tf.losses.huber_loss(l, x)
        tf.losses.hinge_loss(l, x)
        tf.losses.cosine_distance(l, x, axis=1)
        tf.losses.mean_squared_error(l, x, scope="m", reduction=tf.losses.Reduction.MEAN)
        tf.losses.mean_squared_error(l, x, reduction="weighted_sum", weights=2.0)
        tf.losses.mean_squared_error(l, x, reduction="none", loss_collection=None)
        tf.losses.mean_squared_error(l, x, reduction="weighted_sum_over_batch_size")
        tf.losses.get_total_loss()
        tf.losses.get_regularization_loss()
    """,
    "weighted losses": """
        x = tf.placeholder(tf.float32, [None, 8])
        l = tf.placeholder(tf.float32, [None, 8])
        tf.losses.mean_squared_error(l, x, weights=tf.placeholder(tf.float32, [None, 1]))
        x = tf.placeholder(tf.float32, [4, 8])
        l = tf.placeholder(tf.float32, [4, 8])
        w = tf.placeholder(tf.float32, [4, 1])
        tf.losses.mean_squared_error(l, x, weights=w)
        tf.losses.sparse_softmax_cross_entropy(tf.placeholder(tf.int32, [4, 1]), x, weights=w)
        tf.losses.mean_pairwise_squared_error(l, x)
    """,
    "means": """
        x = tf.placeholder(tf.float32, [None])
        tf.metrics.mean(x)
        tf.metrics.mean(x, weights=tf.placeholder(tf.float32, [None]))
        tf.metrics.mean_squared_error(x, x * 2.0)
        tf.metrics.mean_absolute_error(x, x)
        tf.metrics.root_mean_squared_error(x, x)
        x = tf.placeholder(tf.int64, [None])
        tf.metrics.accuracy(tf.placeholder(tf.int32, [None]), x)
        tf.metrics.mean_per_class_accuracy(tf.placeholder(tf.int64, [None]), x, 3)
        tf.metrics.mean_iou(tf.placeholder(tf.int64, [None]), x, 3)
        tf.confusion_matrix(x, x)
    """,
    "hits": """
        x = tf.placeholder(tf.float32, [None])
        y = tf.placeholder(tf.float32, [None])
        tf.metrics.precision(x, y)
        tf.metrics.recall(x, y)
        tf.metrics.true_positives(x, y)
        tf.metrics.false_negatives(x, y)
        tf.metrics.auc(x, y)
    """,
    "assertions": """
        x = tf.placeholder(tf.float32, [None, 3])
        y = tf.placeholder(tf.float32, [None, 3])
        tf.assert_equal(x, y)
        tf.assert_less(x, y, message="m")
        tf.assert_greater_equal(x, y, data=[x])
        tf.assert_less_equal(x, 1.0)
        tf.assert_greater(tf.constant(2.0), 1.0)
        tf.assert_none_equal(x, y)
        tf.assert_negative(x)
        tf.assert_positive(x, name="p")
        tf.assert_non_negative(x)
        tf.assert_non_positive(x)
    """,
}
