"""Nearest names: the ways in which asked and stored names differ."""

from __future__ import annotations

import pytest

from evergraph.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("wanted", "there", "best"),
    [
        ("w", ["model/w", "b", "x"], "model/w"),
        ("model/w", ["w", "b"], "w"),
        ("conv/kernel", ["dense/bias", "conv_1/kernel", "dense/kernel"], "conv_1/kernel"),
        ("conv_1/kernel", ["conv_2/bias", "conv/kernel"], "conv/kernel"),
        ("w/Adam", ["w", "b", "b/Adam_1"], "w"),
        (
            "w",
            ["w/ExponentialMovingAverage", "b/ExponentialMovingAverage"],
            "w/ExponentialMovingAverage",
        ),
        ("w:0", ["w", "v"], "w"),
        ("Dense/Kernel", ["dense/kernel", "dense/bias"], "dense/kernel"),
        ("dense/kernal", ["dense/kernel", "dense/bias"], "dense/kernel"),
        ("layer_12/w", [f"net/layer_{i}/w" for i in range(500)], "net/layer_12/w"),
        (
            "dense/kernel",
            ["layer/dense/kernel/.ATTRIBUTES/VARIABLE_VALUE"],
            "layer/dense/kernel/.ATTRIBUTES/VARIABLE_VALUE",
        ),
    ],
)
def test_best_is_first(wanted: str, there: list[str], best: str) -> None:
    assert nearest(wanted, there)[0] == best


def test_nothing_like_it() -> None:
    assert nearest("optimizer", ["xyz", "q", ""]) == []
    assert nearest("x", []) == []
    assert nearest("", ["a"]) == []


def test_limit_and_order_are_stable() -> None:
    names = ["w_3", "w_1", "w_2", "w_4"]
    assert nearest("w", names) == nearest("w", reversed(names)) == ["w_1", "w_2", "w_3"]
    assert len(nearest("w", names, limit=2)) == 2


def test_sentence() -> None:
    assert did_you_mean("wieght", ["weight", "bias"]) == " Nearest names there: 'weight'."
    assert did_you_mean("zzz", ["weight"]) == ""


def test_long_names_and_many_names_are_bounded() -> None:
    long = "a" * 100_000
    assert nearest(long, ["b" * 100_000, "c"]) == []
    assert nearest("layer_7/w", (f"layer_{i}/w" for i in range(30_000)))[0] == "layer_7/w"
