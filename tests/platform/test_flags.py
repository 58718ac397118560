"""tf.app.flags and tf.app.run."""

from __future__ import annotations

import sys

import pytest

from evergraph.platform import app, flags


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> flags.FlagValues:
    values = flags.FlagValues()
    monkeypatch.setattr(flags, "FLAGS", values)
    monkeypatch.setattr(app, "FLAGS", values)
    flags.DEFINE_string("name", "x", "A name.")
    flags.DEFINE_integer("steps", 10, "How many.")
    flags.DEFINE_float("rate", 0.5, "How fast.")
    flags.DEFINE_boolean("fake", False, "Whether.")
    flags.DEFINE_list("layers", "1,2", "Sizes.")
    flags.DEFINE_enum("mode", "train", ["train", "test"], "Which.")
    flags.DEFINE_multi_string("tag", None, "Several.")
    return values


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        ([], "steps", 10),
        (["--steps=20"], "steps", 20),
        (["--steps", "20"], "steps", 20),
        (["-steps", "20"], "steps", 20),
        (["--steps=0x10"], "steps", 16),
        (["--steps=-3"], "steps", -3),
        (["--rate=1e-3"], "rate", 1e-3),
        (["--name="], "name", ""),
        (["--name=a=b"], "name", "a=b"),
        (["--fake"], "fake", True),
        (["--fake=true"], "fake", True),
        (["--fake=0"], "fake", False),
        (["--fake", "--nofake"], "fake", False),
        ([], "layers", ["1", "2"]),
        (["--layers=a, b"], "layers", ["a", "b"]),
        (["--mode=test"], "mode", "test"),
        ([], "tag", None),
        (["--tag=a", "--tag=b"], "tag", ["a", "b"]),
    ],
)
def test_values(fresh: flags.FlagValues, arguments: list[str], name: str, value: object) -> None:
    assert fresh(["prog", *arguments]) == ["prog"]
    assert getattr(fresh, name) == value
    assert type(getattr(fresh, name)) is type(value)


def test_the_command_line_is_read_at_the_first_use(
    fresh: flags.FlagValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["prog", "--steps=7", "--unknown=1", "file"])
    assert not fresh.is_parsed()
    assert fresh.steps == 7
    assert fresh.is_parsed()


def test_what_belongs_to_no_flag_is_left(fresh: flags.FlagValues) -> None:
    left = fresh(["prog", "a", "--unknown=1", "--steps=3", "--", "--steps=4", "-"])
    assert left == ["prog", "a", "--unknown=1", "--steps=4", "-"]
    assert fresh.steps == 3
    with pytest.raises(flags.UnrecognizedFlagError, match=r"'step'.*'steps'"):
        fresh(["prog", "--step=1"], known_only=False)


@pytest.mark.parametrize(
    "argument", ["--steps=many", "--rate=x", "--fake=perhaps", "--mode=dance", "--steps"]
)
def test_illegal_values(
    fresh: flags.FlagValues, capsys: pytest.CaptureFixture[str], argument: str
) -> None:
    with pytest.raises(flags.IllegalFlagValueError):
        fresh(["prog", argument])
    with pytest.raises(SystemExit) as ended:
        fresh.parse_or_exit(["prog", argument])
    assert ended.value.code == 1
    assert "FATAL Flags parsing error" in capsys.readouterr().err


def test_setting_and_listing(fresh: flags.FlagValues) -> None:
    fresh.mark_as_parsed()
    fresh.steps = 5
    assert fresh.steps == 5
    assert fresh.flag_values_dict()["steps"] == 5
    assert "steps" in fresh
    assert set(dir(fresh)) == {"name", "steps", "rate", "fake", "layers", "mode", "tag"}
    assert fresh["steps"].default == 10
    # Programs of 2016 print their settings with these two.
    fresh._parse_flags()
    assert getattr(fresh, "__flags")["rate"] == 0.5
    with pytest.raises(AttributeError, match=r"'stepz'.*'steps'"):
        fresh.stepz  # noqa: B018
    with pytest.raises(AttributeError):
        fresh.stepz = 1
    del fresh.steps
    with pytest.raises(AttributeError):
        fresh.steps  # noqa: B018


def test_declaring_twice() -> None:
    flags.DEFINE_integer("steps", 10, "The same again.")
    with pytest.raises(flags.DuplicateFlagError, match="'steps' is defined twice"):
        flags.DEFINE_integer("steps", 11, "Another.")


def test_keywords_of_tensorflow(fresh: flags.FlagValues) -> None:
    flags.DEFINE_string(flag_name="old", default_value="o", docstring="Old words.")
    flags.DEFINE_string(name="new", default="n", help="New words.")
    fresh.mark_as_parsed()
    assert (fresh.old, fresh.new) == ("o", "n")


def test_required_flags(fresh: flags.FlagValues) -> None:
    flags.DEFINE_string("data", None, "Where.")
    flags.mark_flag_as_required("data")
    with pytest.raises(flags.IllegalFlagValueError, match="--data"):
        fresh(["prog"])
    assert fresh(["prog", "--data=here"]) == ["prog"]


def test_help_lists_the_flags(fresh: flags.FlagValues, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fresh(["prog", "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "--steps: How many." in printed
    assert "--[no]fake" in printed


def test_run_hands_over_what_is_left(fresh: flags.FlagValues) -> None:
    seen = []

    def main(argv: list[str]) -> int:
        seen.append((argv, fresh.steps))
        return 3

    with pytest.raises(SystemExit) as ended:
        app.run(main, ["prog", "--steps=2", "rest"])
    assert ended.value.code == 3
    assert seen == [(["prog", "rest"], 2)]


def test_run_finds_main(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(sys.modules["__main__"], "main", called.append, raising=False)
    with pytest.raises(SystemExit) as ended:
        app.run(argv=["prog"])
    assert ended.value.code is None
    assert called == [["prog"]]
