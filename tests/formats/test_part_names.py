"""What is said where parts of partitioned variables were saved, or are asked for, one by one."""

from __future__ import annotations

from evergraph.formats.part_names import hints


def test_parts_saved_one_by_one() -> None:
    names = ["b", "s/w/part_0", "s/w/part_1", "s/w/part_10", "s/w/part_2", "s/w/part_0/Adam"]
    (hint,) = hints(["c", "s/w", "s/w/Adam"], names)
    assert hint.startswith("The checkpoint has s/w/part_0, s/w/part_1, s/w/part_10, ...: the parts")
    (hint,) = hints(["s/w/Adam"], names)
    assert "The checkpoint has s/w/part_0/Adam: the parts of s/w/Adam were" in hint


def test_parts_asked_for_one_by_one() -> None:
    (hint,) = hints(["w/part_1", "w/part_0"], ["w", "w/Adam"])
    assert "has w, of which w/part_1 is a part" in hint
    (hint,) = hints(["w/part_0/Adam"], ["w", "w/Adam"])
    assert "tf.train.Saver({'w/Adam': <the partitioned variable" in hint
    (hint,) = hints(["part_0/part_1"], ["part_0"])
    assert "has part_0, of which part_0/part_1" in hint


def test_nothing_to_say() -> None:
    assert list(hints([], ["w"])) == []
    assert list(hints(["w", "w/part_", "w/part_0a", "part_0"], ["v", "v/part_0", "w/parts"])) == []


def test_both() -> None:
    assert len(list(hints(["w", "v/part_0"], ["w/part_0", "v"]))) == 2
