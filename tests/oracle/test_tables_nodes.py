"""Programs with lookup tables: TensorFlow's nodes, static shapes, collections and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from evergraph import tf1
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle
from tests.oracle.node_programs import check_nodes, check_refusals

pytestmark = pytest.mark.oracle

# A table that nobody has named is shared under a random name: for the comparison, always the same.
UUID = """
import uuid
uuid4, uuid.uuid4 = uuid.uuid4, lambda: "u-u-i-d"
try:
    build()
finally:
    uuid.uuid4 = uuid4
"""

STATIC = """
    look = tf.lookup
    pairs = look.KeyValueTensorInitializer(["a", "b"], [1, 2], value_dtype=tf.int64)
    table = look.StaticHashTable(pairs, -1)
    words = tf.placeholder(tf.string, [None, 3])
    table.lookup(words), table[words], table.lookup(words, name="found")
    table.size(), table.size(name="count"), table.export()
    numbers = look.KeyValueTensorInitializer([1, 2], [1.5, 2], tf.int64, tf.float32, name="mine")
    look.StaticHashTable(numbers, 0, name="named")
    file = look.TextFileInitializer("/v.txt", tf.string, 0, tf.int64, look.TextFileIndex.LINE_NUMBER, 10, ",", "f", 3)
    look.StaticHashTable(file, 7)
    look.StaticHashTable(look.TextFileInitializer("/v.txt", tf.string, -2, tf.int64, -1, delimiter=" "), 7)
    look.StaticHashTable(look.TextFileInitializer(tf.constant("/w.txt"), tf.int64, -1, tf.string, -2), "?")
    look.StaticHashTable(look.TextFileInitializer(tf.placeholder(tf.string, []), tf.int64, -1, tf.string, -2, 5), "?")
    with tf.control_dependencies([table.initializer]):
        look.StaticHashTable(look.KeyValueTensorInitializer(["x"], ["y"]), "?", experimental_is_anonymous=True)
    tf.cond(tf.constant(True), lambda: look.StaticHashTable(
        look.KeyValueTensorInitializer(["x"], ["y"]), "?").lookup(tf.constant(["x"])), lambda: tf.constant(["z"]))
    tf.tables_initializer(), tf.initialize_all_tables(), tf.initializers.tables_initializer("mine_all")
    tf.group(*tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS))
"""

VOCABULARY = """
    look = tf.lookup
    words = tf.placeholder(tf.string, [4])
    table = look.StaticVocabularyTable(look.TextFileInitializer("/v", tf.string, -2, tf.int64, -1), 5)
    table.lookup(words), table.size(), table.initializer, table.lookup(words, name="ids")
    none = look.StaticVocabularyTable(None, 3)
    none.lookup(words), none.size(), none.initializer
    numbers = look.KeyValueTensorInitializer(np.array([5, 7]), np.array([0, 1]))
    ids = look.StaticVocabularyTable(numbers, 2, lookup_key_dtype=tf.int32, name="scope/numbers/")
    ids.lookup(tf.constant([5, 6])), ids.size(name="n")
"""

MUTABLE = """
    look = tf.lookup.experimental
    keys = tf.placeholder(tf.string, [None])
    table = look.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(keys, tf.zeros([3], tf.int64)), table.insert(["a"], [2], name="put")
    table.lookup(keys), table.lookup(["a", "b"], tf.constant([1, 2], tf.int64)), table[keys]
    table.remove(keys), table.size(), table.export()
    vectors = look.MutableHashTable(tf.int64, tf.float32, [0., 1., 2.], name="vectors")
    vectors.lookup(tf.placeholder(tf.int64, [2, 5])), vectors.insert([1], [[1., 2., 3.]])
    look.MutableHashTable(tf.int64, tf.float32, 0., "unsaved", False).size()
    look.MutableHashTable(tf.int64, tf.float32, 0., experimental_is_anonymous=True, checkpoint=False)
    look.MutableHashTable(tf.int64, tf.float32, [0.], experimental_is_anonymous=True, checkpoint=False)
    dense = look.DenseHashTable(tf.int64, tf.int64, -1, 0, -1)
    dense.insert([1], [2]), dense.insert_or_assign([1], [2]), dense.lookup([1]), dense.size(), dense.export()
    dense.erase(tf.constant([1], tf.int64)), dense.remove(tf.constant([1], tf.int64))
    pairs = look.DenseHashTable(tf.int64, tf.float32, [0., 0.], [0, 0], [-1, -1], 16, name="scope/pairs")
    pairs.lookup(tf.placeholder(tf.int64, [7, 2])), pairs.insert([[1, 2]], [[1., 2.]])
    look.DenseHashTable(tf.string, tf.float32, 0., "", "$", 8, "d", False, True)
    w = tf.get_variable("w", [2])
    tf.train.Saver()
    tf.train.Saver(sharded=True, max_to_keep=None)
"""

HASHES = """
    words = tf.placeholder(tf.string, [None, 2])
    tf.string_to_hash_bucket(words, 10), tf.string_to_hash_bucket_fast(words, 11, name="fast")
    tf.string_to_hash_bucket_strong(words, 12, [1, 2]), tf.strings.to_hash_bucket(input=words, num_buckets=3)
    tf.strings.to_hash_bucket_fast(words, 3), tf.strings.to_hash_bucket_strong(words, 3, key=[3, 4])
    tf.fingerprint(words), tf.fingerprint(tf.zeros([3, 4]), name="print")
"""


@pytest.mark.parametrize("program", [STATIC, VOCABULARY, MUTABLE, HASHES])
def test_nodes(tf215: Oracle, program: str) -> None:
    check_nodes(tf215, tf1, "", f"def build():{program}{UUID}")


CONTRIB = """
    words = tf.placeholder(tf.string, [4])
    table = lookup.index_table_from_file("/v", num_oov_buckets=2, vocab_size=3)
    table.lookup(words), table.size()
    lookup.index_table_from_file("/v", key_dtype=tf.int64, name="numbers").lookup(tf.zeros([2], tf.int64))
    lookup.index_table_from_tensor(["a", "b"], 1, hasher_spec=lookup.StrongHashSpec([1, 2])).lookup(words)
    lookup.index_table_from_tensor([5, 6], 1, dtype=tf.int32).lookup(tf.constant([5]))
    lookup.index_to_string_table_from_file("/v", vocab_size=3, delimiter=" ").lookup(tf.zeros([2], tf.int64))
    lookup.index_to_string_table_from_tensor(["a", "b"], name="words").lookup(tf.zeros([2], tf.int64))
    legacy = lookup.HasherSpec("legacy", None)
    lookup.IdTableWithHashBuckets(None, 3, legacy).lookup(words)
    lookup.IdTableWithHashBuckets(None, 3, key_dtype=tf.int32, name="x/y").lookup(tf.constant([5]))
"""
INNER = "from tensorflow.python.ops import lookup_ops as lookup\n"


def test_contrib_nodes(tf215: Oracle) -> None:
    """TensorFlow 2 has the functions of tf.contrib.lookup at an inner path still."""
    program = f"def build():{CONTRIB}{UUID}"
    ours = "try:\n    lookup = tf.contrib.lookup\nexcept AttributeError:\n    " + INNER
    check_nodes(tf215, tf1, ours, program)


def test_collections(tf215: Oracle) -> None:
    source = """
def main(tf, np):
    table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("/v", tf.string, -2, tf.int64, -1), 0)
    tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    keys = ("table_initializer", "asset_filepaths", "saveable_objects")
    return [[item.name for item in tf.get_collection(key)] for key in keys], table.name, table.init_name
""".replace("table.init_name", "table.initializer.name")
    names: dict[str, object] = {}
    exec(source, names)
    with Graph().as_default():
        ours = names["main"](tf1, None)  # type: ignore[operator]
    assert repr(ours) == repr(tf215.execute(source))


REFUSED = (
    "tf.lookup.TextFileInitializer('', tf.string, -2, tf.int64, -1)",
    "tf.lookup.TextFileInitializer('/v', tf.string, -1, tf.int64, -1)",
    "tf.lookup.TextFileInitializer('/v', tf.float32, -2, tf.int64, -1)",
    "tf.lookup.TextFileInitializer('/v', tf.string, -3, tf.int64, -1)",
    "tf.lookup.TextFileInitializer('/v', tf.string, -2, tf.int64, -3)",
    "tf.lookup.TextFileInitializer('/v', tf.string, -2, tf.int64, -1, 0)",
    "table.lookup(tf.constant([1]))",
    "tf.lookup.StaticHashTable(pairs, 'x')",
    "tf.lookup.StaticHashTable(pairs, [1, 2])",
    "tf.lookup.StaticVocabularyTable(pairs, 0)",
    "tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(['a'], ['b']), 1)",
    "tf.lookup.StaticVocabularyTable(pairs, 1, tf.int64)",
    "mutable.lookup(tf.constant([1]))",
    "mutable.insert(['a'], ['b'])",
    "mutable.remove(tf.constant([1]))",
    "tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, 0, [[0]], [[1]])",
    "tf.string_to_hash_bucket(['a'], 0)",
    "tf.fingerprint(1)",
)


def test_refusals(tf215: Oracle) -> None:
    inputs = """
    pairs = tf.lookup.KeyValueTensorInitializer(["a"], [1], value_dtype=tf.int64)
    table = tf.lookup.StaticHashTable(pairs, 0)
    mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    """
    check_refusals(tf215, tf1, inputs, REFUSED)


SIGNATURES = """
import inspect

def main(tf, np, names):
    found = {}
    for name in names:
        item = tf
        for part in name.split("."):
            item = getattr(item, part)
        item = item.__init__ if inspect.isclass(item) else item
        found[name] = [
            (key, repr(value.default)) for key, value in inspect.signature(item).parameters.items()
            if not key.startswith("_")
        ]
    return found
"""


def test_signatures(tf215: Oracle) -> None:
    names = (
        "lookup.StaticHashTable lookup.StaticVocabularyTable lookup.KeyValueTensorInitializer "
        "lookup.TextFileInitializer lookup.experimental.MutableHashTable lookup.experimental.DenseHashTable "
        "tables_initializer initialize_all_tables string_to_hash_bucket string_to_hash_bucket_fast "
        "string_to_hash_bucket_strong fingerprint lookup.StaticHashTable.lookup lookup.StaticHashTable.export "
        "lookup.experimental.MutableHashTable.lookup lookup.experimental.DenseHashTable.lookup "
        "lookup.experimental.MutableHashTable.insert lookup.experimental.DenseHashTable.insert_or_assign"
    ).split()
    namespace: dict[str, Any] = {}
    exec(SIGNATURES, namespace)
    ours, theirs = namespace["main"](tf1, None, names), tf215.execute(SIGNATURES, names=names)
    assert {name: list(map(tuple, parts)) for name, parts in theirs.items()} == ours
