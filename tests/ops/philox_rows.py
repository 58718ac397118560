"""The draws that are compared with TensorFlow: one row is one random op, run several times.

`TENSORFLOW` is the snippet that draws them in stock TensorFlow, `drawn` draws them here, `problem`
says where the two differ. Golden and live tests share all of it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from evergraph.ops.philox import PhiloxStream, key_counter, stateless_stream, stream_at

Array = np.ndarray[Any, np.dtype[Any]]

REALS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int32", "int64")
SIZES = (0, 1, 3, 4, 5, 255, 256, 257, 1023, 10_001)
BIG = 1_000_003
RUNS = 3

TENSORFLOW = """
def main(tf, np, rows, threads=1):
    config = session_config()
    config.intra_op_parallelism_threads = threads
    nodes = []
    for row in rows:
        attrs = {
            name: tf.as_dtype(value) if isinstance(value, str) else value
            for name, value in row["attrs"].items()
        }
        inputs = {name: tf.constant(value) for name, value in row["inputs"].items()}
        nodes.append(getattr(tf.raw_ops, row["op"])(**inputs, **attrs))
    results = []
    with tf.Session(config=config) as session:
        for row, node in zip(rows, nodes):
            runs = [session.run(node) for _ in range(row["runs"])]
            results.append([list(run) if isinstance(run, tuple) else [run] for run in runs])
    return results
"""


@dataclass(frozen=True)
class Row:
    """One op: its type, inputs, attributes (a string is the name of a dtype), how often it runs."""

    op: str
    inputs: dict[str, Array]
    attrs: dict[str, Any] = field(default_factory=dict)
    runs: int = RUNS

    def __str__(self) -> str:
        inputs = {
            name: value.tolist() if value.size < 9 else f"{value.dtype}{list(value.shape)}"
            for name, value in self.inputs.items()
        }
        return f"{self.op}({inputs}, {self.attrs})"

    def sent(self) -> dict[str, Any]:
        """As plain values, for TensorFlow's side."""
        return {"op": self.op, "inputs": self.inputs, "attrs": self.attrs, "runs": self.runs}


# ---------------------------------------------------------------------------------------- drawing


def dtype_of(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def drawn(row: Row) -> list[list[Array]]:
    """What evergraph draws: the outputs of every run."""
    stream = PhiloxStream(row.attrs.get("seed", 0), row.attrs.get("seed2", 0))
    return [_DRAW[row.op](stream, row) for _ in range(row.runs)]


def _shape(row: Row) -> list[int]:
    found: list[int] = row.inputs["shape"].tolist()
    return found


def _dtype(row: Row) -> np.dtype[Any]:
    return dtype_of(row.attrs["dtype"])


def _bounds(row: Row) -> tuple[int, int]:
    return int(row.inputs["minval"]), int(row.inputs["maxval"])


def _of_seed(draw: Callable[[PhiloxStream, Row], Array]) -> Callable[..., list[Array]]:
    return lambda _, row: [draw(stateless_stream(row.inputs["seed"]), row)]


def _of_key(draw: Callable[[PhiloxStream, Row], Array]) -> Callable[..., list[Array]]:
    return lambda _, row: [draw(stream_at(row.inputs["key"], row.inputs["counter"]), row)]


def _trailing(row: Row, parameter: str) -> list[int]:
    """The shape of the draws for one parameter, where `shape` ends with the parameters' own."""
    return _shape(row)[: len(_shape(row)) - row.inputs[parameter].ndim]


def _uniform(stream: PhiloxStream, row: Row) -> Array:
    return stream.uniform(_shape(row), _dtype(row))


def _normal(stream: PhiloxStream, row: Row) -> Array:
    return stream.standard_normal(_shape(row), _dtype(row))


def _truncated(stream: PhiloxStream, row: Row) -> Array:
    return stream.truncated_normal(_shape(row), _dtype(row))


def _integers(stream: PhiloxStream, row: Row) -> Array:
    return stream.uniform_int(_shape(row), *_bounds(row), row.inputs["minval"].dtype)


def _full_integers(stream: PhiloxStream, row: Row) -> Array:
    return stream.uniform_full_int(_shape(row), _dtype(row))


def _multinomial(stream: PhiloxStream, row: Row) -> Array:
    dtype = dtype_of(row.attrs["output_dtype"])
    return stream.multinomial(row.inputs["logits"], int(row.inputs["num_samples"]), dtype)


def _parameterized(stream: PhiloxStream, row: Row) -> Array:
    parameters = [row.inputs[name] for name in ("means", "stdevs", "minvals", "maxvals")]
    return stream.parameterized_truncated_normal(_shape(row), *parameters, parameters[0].dtype)


_DRAW: dict[str, Callable[[PhiloxStream, Row], list[Array]]] = {
    "RandomUniform": lambda stream, row: [_uniform(stream, row)],
    "RandomUniformInt": lambda stream, row: [_integers(stream, row)],
    "RandomStandardNormal": lambda stream, row: [_normal(stream, row)],
    "TruncatedNormal": lambda stream, row: [_truncated(stream, row)],
    "ParameterizedTruncatedNormal": lambda stream, row: [_parameterized(stream, row)],
    "RandomShuffle": lambda stream, row: [stream.shuffle(row.inputs["value"])],
    "Multinomial": lambda stream, row: [_multinomial(stream, row)],
    "RandomGamma": lambda stream, row: [stream.gamma(_shape(row), row.inputs["alpha"])],
    "RandomPoissonV2": lambda stream, row: [
        stream.poisson(_shape(row), row.inputs["rate"], _dtype(row))
    ],
    "StatelessRandomUniform": _of_seed(_uniform),
    "StatelessRandomNormal": _of_seed(_normal),
    "StatelessTruncatedNormal": _of_seed(_truncated),
    "StatelessRandomUniformInt": _of_seed(_integers),
    "StatelessRandomUniformFullInt": _of_seed(_full_integers),
    "StatelessMultinomial": _of_seed(_multinomial),
    "StatelessRandomGammaV2": _of_seed(
        lambda stream, row: stream.gamma(_trailing(row, "alpha"), row.inputs["alpha"])
    ),
    "StatelessRandomPoisson": _of_seed(
        lambda stream, row: stream.poisson(_trailing(row, "lam"), row.inputs["lam"], _dtype(row))
    ),
    "StatelessRandomGetKeyCounter": lambda _, row: list(key_counter(row.inputs["seed"])),
    "StatelessRandomUniformV2": _of_key(_uniform),
    "StatelessRandomNormalV2": _of_key(_normal),
    "StatelessTruncatedNormalV2": _of_key(_truncated),
    "StatelessRandomUniformIntV2": _of_key(_integers),
    "StatelessRandomUniformFullIntV2": _of_key(_full_integers),
}

# ------------------------------------------------------------------------------------------- rows


def seed_pairs(rng: random.Random) -> Iterator[dict[str, int]]:
    """Seeds as programs have them, and such as only an attribute can hold."""
    while True:
        yield {"seed": 87654321, "seed2": rng.randrange(2**31)}
        yield {"seed": rng.randrange(2**31), "seed2": rng.randrange(100)}
        yield {"seed": 0, "seed2": rng.randrange(1, 2**31)}
        yield {"seed": rng.randrange(1, 2**31), "seed2": 0}
        yield {"seed": rng.randrange(-(2**63), 2**63), "seed2": rng.randrange(-(2**63), 2**63)}


def _ints(*values: int, dtype: str = "int32") -> Array:
    return np.array(values, dtype)


def fixed_rows(rng: random.Random, sizes: Sequence[int], runs: int = RUNS) -> Iterator[Row]:
    """Uniform, normal, truncated normal and integer draws of every dtype and size, and shuffles."""
    seeds = seed_pairs(rng)
    for size in sizes:
        for dtype in REALS:
            for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
                yield Row(op, {"shape": _ints(size)}, {"dtype": dtype, **next(seeds)}, runs)
        for dtype in INTEGERS:
            info = np.iinfo(dtype)
            for low, high in (
                (0, 10),
                (-5, 2**30 + 12345),
                (info.min, info.max),
                (rng.randrange(info.min, 0), rng.randrange(1, info.max)),
            ):
                bounds = {"minval": np.array(low, dtype), "maxval": np.array(high, dtype)}
                inputs = {"shape": _ints(size), **bounds}
                yield Row("RandomUniformInt", inputs, next(seeds), runs)
        yield Row("RandomShuffle", {"value": np.arange(size) * 3}, next(seeds), runs)


def shaped_rows(rng: random.Random) -> Iterator[Row]:
    """Shapes of other ranks."""
    seeds = seed_pairs(rng)
    for shape in ((), (0, 4), (3, 0, 2), (1, 1), (7, 3, 5), (2, 2, 2, 2, 3)):
        as_input = np.array(shape, "int64")
        for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
            yield Row(op, {"shape": as_input}, {"dtype": "float32", **next(seeds)})
        value = np.arange(np.prod(shape, dtype=int), dtype="float32").reshape(shape)
        yield Row("RandomShuffle", {"value": value}, next(seeds))
    yield Row("RandomShuffle", {"value": np.array([b"a", b"bc", b"", b"d"], object)}, next(seeds))
    yield Row("RandomShuffle", {"value": np.array([[True], [False], [True]])}, next(seeds))


def multinomial_rows(rng: random.Random) -> Iterator[Row]:
    seeds = seed_pairs(rng)
    normal = np.random.default_rng(rng.randrange(2**32)).standard_normal
    for batch, classes, samples in ((0, 3, 4), (2, 3, 0), (1, 1, 5), (1, 10, 1), (3, 7, 5)):
        for dtype in REALS:
            logits = (normal((batch, classes)) * 3).astype(dtype_of(dtype))
            inputs = {"logits": logits, "num_samples": np.array(samples, "int32")}
            for output in INTEGERS:
                yield Row("Multinomial", inputs, {"output_dtype": output, **next(seeds)})
    logits = normal((4, 50)).astype("float32")
    logits[0, ::2] = -np.inf
    logits[1, 3] = np.inf
    logits[2, 5:] = np.nan
    logits[3] = -np.inf
    for samples in (6, 10_001):
        inputs = {"logits": logits, "num_samples": np.array(samples, "int32")}
        yield Row("Multinomial", inputs, {"output_dtype": "int64", **next(seeds)})
    far = np.array([[-1e308, 1e308, 0.0], [1e308, 1e308, -1e308]])
    inputs = {"logits": far, "num_samples": np.array(20, "int32")}
    yield Row("Multinomial", inputs, {"output_dtype": "int64", **next(seeds)})


def rejection_rows(rng: random.Random, size: int) -> Iterator[Row]:
    seeds = seed_pairs(rng)
    for dtype in ("float16", "float32", "float64"):
        alpha = np.array([[0.05, 0.5, 0.999, 1.0], [1.001, 2.5, 40.0, 3000.0]], dtype)
        yield Row("RandomGamma", {"shape": _ints(size), "alpha": alpha}, next(seeds))
    yield Row("RandomGamma", {"shape": _ints(0), "alpha": alpha}, next(seeds))
    yield Row("RandomGamma", {"shape": _ints(2, 3), "alpha": np.array(0.7)}, next(seeds))
    for dtype in ("float16", "float32", "float64", "int32", "int64"):
        for rate_dtype in ("float16", "float32", "float64", "int32", "int64"):
            rate = np.array([[0.0, 0.3, 1.0, 9.99], [10.0, 11.5, 100.0, 4000.0]], rate_dtype)
            attrs = {"dtype": dtype, **next(seeds)}
            yield Row("RandomPoissonV2", {"shape": _ints(size), "rate": rate}, attrs)
    attrs = {"dtype": "float32", **next(seeds)}
    yield Row("RandomPoissonV2", {"shape": _ints(0, 2), "rate": rate}, attrs)


def parameterized_rows(rng: random.Random) -> Iterator[Row]:
    seeds = seed_pairs(rng)
    inf = np.inf
    bounds = [
        (-1.0, 1.0),
        (-3.0, 2.0),
        (0.2, 0.3),
        (2.5, 9.0),
        (-inf, -1.0),
        (-9.0, -4.0),
        (1.5, inf),
    ]
    for dtype in ("float16", "float32", "float64"):
        for low, high in bounds:
            for shape in ((5,), (257, 3)):
                values = {"means": 0.25, "stdevs": 1.5, "minvals": low, "maxvals": high}
                inputs = {name: np.array(value, dtype) for name, value in values.items()}
                yield Row(
                    "ParameterizedTruncatedNormal", {"shape": _ints(*shape), **inputs}, next(seeds)
                )
        lows, highs = (np.array(side, dtype) for side in zip(*bounds, strict=True))
        inputs = {
            "means": np.zeros(1, dtype),
            "stdevs": np.ones(7, dtype),
            "minvals": lows,
            "maxvals": highs,
        }
        yield Row("ParameterizedTruncatedNormal", {"shape": _ints(7, 33), **inputs}, next(seeds))
        yield Row(
            "ParameterizedTruncatedNormal", {"shape": _ints(0), **_standard(dtype)}, next(seeds)
        )


def _standard(dtype: str) -> dict[str, Array]:
    values = {"means": 0.0, "stdevs": 1.0, "minvals": -1.0, "maxvals": 1.0}
    return {name: np.array(value, dtype) for name, value in values.items()}


def stateless_rows(rng: random.Random, size: int) -> Iterator[Row]:
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        seed = _ints(rng.randrange(info.min, info.max), rng.randrange(-9, 9), dtype=dtype)
        yield Row("StatelessRandomGetKeyCounter", {"seed": seed}, runs=1)
        key, counter = key_counter(seed)
        counter += np.array([2**64 - 20, 0], np.uint64)  # the count of blocks carries
        key_inputs = {"key": key, "counter": counter, "alg": np.array(1, "int32")}
        for places, suffix in (({"seed": seed}, ""), (key_inputs, "V2")):
            common = {"shape": _ints(size), **places}
            for real in REALS:
                for op in (
                    "StatelessRandomUniform",
                    "StatelessRandomNormal",
                    "StatelessTruncatedNormal",
                ):
                    yield Row(op + suffix, common, {"dtype": real}, runs=1)
            for integer in (*INTEGERS, "uint32", "uint64"):
                yield Row(
                    f"StatelessRandomUniformFullInt{suffix}", common, {"dtype": integer}, runs=1
                )
            for integer in INTEGERS:
                bounds = {"minval": np.array(-7, integer), "maxval": np.array(1000, integer)}
                yield Row(f"StatelessRandomUniformInt{suffix}", {**common, **bounds}, runs=1)
        logits = {"logits": np.array([[0.0, 1.0, 2.0]]), "num_samples": np.array(size, "int32")}
        yield Row("StatelessMultinomial", {**logits, "seed": seed}, {"output_dtype": dtype}, runs=1)
        alpha = np.array([0.3, 1.0, 7.0])
        inputs = {"shape": _ints(size, 3), "seed": seed, "alpha": alpha}
        yield Row("StatelessRandomGammaV2", inputs, runs=1)
        inputs = {"shape": _ints(size, 3), "seed": seed, "lam": alpha * 5}
        yield Row("StatelessRandomPoisson", inputs, {"dtype": dtype}, runs=1)


# ------------------------------------------------------------------------------------- comparison

# How far apart numbers of one draw may be. A half or bfloat16 is a rounded float: where the float
# differs in its last bit it may, rarely, fall on the other side of a rounding edge.
_RELATIVE = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 1e-6, "float64": 1e-12}
_EXACT = ("Uniform", "Shuffle", "Multinomial", "KeyCounter", "FullInt")
# Draws by rejection: a draw that one side accepts and the other does not is another number.
_FLIPS_ALLOWED = {"Gamma": 1e-6, "Poisson": 1e-6}


def is_exact(op: str) -> bool:
    return any(part in op for part in _EXACT)


def problem(row: Row, ours: Array, theirs: Array) -> str | None:
    """What is wrong with one output of one run; None where nothing is."""
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return f"{row}: {ours.dtype}{ours.shape}, TensorFlow {theirs.dtype}{theirs.shape}"
    if is_exact(row.op) or ours.dtype.kind in "iuO":
        apart = ours != theirs
        allowed = 0.0 if is_exact(row.op) else _flips(row.op)
    else:
        wide, expected = ours.astype(np.float64), theirs.astype(np.float64)
        relative = _RELATIVE[ours.dtype.name]
        # Where a mean is added, digits may cancel: what counts is the size of what was added.
        mean = np.max(np.abs(row.inputs.get("means", 0.0)), initial=0.0)
        apart = ~np.isclose(wide, expected, rtol=relative, atol=relative * mean, equal_nan=True)
        allowed = _flips(row.op)
    count = int(np.count_nonzero(apart))
    if count <= allowed * ours.size:
        return None
    first = np.flatnonzero(apart)[0]
    return (
        f"{row}: {count} of {ours.size} numbers differ, the first at {first}: "
        f"{ours.reshape(-1)[first]!r}, TensorFlow {theirs.reshape(-1)[first]!r}"
    )


def _flips(op: str) -> float:
    return next((share for part, share in _FLIPS_ALLOWED.items() if part in op), 0.0)


# ------------------------------------------------------------------------------------- recordings

_KEPT_AT_THE_END = 5
_KEPT_AT_MOST = 30


def row_hash(row: Row) -> str:
    """Tells rows apart: a recording belongs to the row it was made for."""
    found = hashlib.sha256(repr((row.op, sorted(row.attrs.items()), row.runs)).encode())
    for name, value in sorted(row.inputs.items()):
        found.update(repr((name, value.dtype.name, value.shape)).encode())
        found.update(repr(value.tolist()).encode() if value.dtype == object else value.tobytes())
    return found.hexdigest()[:16]


def value_hash(row: Row, value: Array) -> str:
    """A hash of a draw that has to be equal bit by bit; empty for the others."""
    if not is_exact(row.op) or value.dtype == object:
        return ""
    return hashlib.sha256(value.tobytes()).hexdigest()[:16]


def sample(value: Array) -> Array:
    """A few numbers of a draw, from its first to its last, as a vector."""
    flat = value.reshape(-1)
    places = np.arange(0, flat.size, max(1, flat.size // _KEPT_AT_MOST))
    kept: Array = flat[np.union1d(places, np.arange(flat.size)[-_KEPT_AT_THE_END:])]
    return kept.astype("S2") if kept.dtype == object else kept
