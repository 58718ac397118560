"""``tf.app.flags``: command line flags that a program declares where it needs them.

    flags.DEFINE_integer("steps", 100, "How long to train.")
    FLAGS = flags.FLAGS
    FLAGS.steps            # parses sys.argv at the first use

What TensorFlow 1 accepted is accepted: ``--name=value``, ``--name value``, one dash or two,
``--flag``, ``--noflag``; ``--`` ends the flags. Arguments that belong to no flag are left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from evergraph.nearest import did_you_mean


class Error(Exception):
    """What is wrong with flags."""


class DuplicateFlagError(Error):
    """A flag is declared a second time, and differently."""


class IllegalFlagValueError(Error):
    """The value of a flag is not one that it can have."""


class UnrecognizedFlagError(Error):
    """There is no such flag."""


class Flag:
    """One declared flag: its name, default, help, and how text becomes its value."""

    def __init__(
        self, name: str, default: Any, help_text: str | None, kind: str, parse: Callable[[str], Any]
    ) -> None:
        self.name = name
        self.default = default
        self.value = default
        self.help = help_text or ""
        self.kind = kind
        self.present = 0
        self.validators: list[tuple[Callable[[Any], bool], str]] = []
        self._parse = parse

    @property
    def boolean(self) -> bool:
        return self.kind == "boolean"

    @property
    def multi(self) -> bool:
        return self.kind.startswith("multi ")

    def take(self, text: str) -> None:
        """Sets the value from the text on a command line. Raises IllegalFlagValueError."""
        try:
            value = self._parse(text)
        except (ValueError, TypeError) as error:
            raise IllegalFlagValueError(f"flag --{self.name}={text}: {error}") from None
        if self.multi:
            self.value = [*(self.value if self.present else ()), value]
        else:
            self.value = value
        self.present += 1

    def set(self, value: Any) -> None:
        """Sets the value from a program; text is parsed as on a command line."""
        if isinstance(value, str) and not self.multi:
            self.take(value)
        else:
            self.value = value
            self.present += 1

    def check(self) -> None:
        """Raises IllegalFlagValueError where a validator refuses the value."""
        for accepts, message in self.validators:
            if not accepts(self.value):
                raise IllegalFlagValueError(f"flag --{self.name}={self.value}: {message}")


class FlagValues:
    """All flags of the program, as attributes; parsed from ``sys.argv`` when one is first read."""

    def __init__(self) -> None:
        self.__dict__["_flags"] = {}
        self.__dict__["_parsed"] = False

    def __call__(self, argv: Sequence[str], known_only: bool = True) -> list[str]:
        """Reads flags from ``argv``; what is left of it, program name first.

        Raises IllegalFlagValueError, and UnrecognizedFlagError unless ``known_only``.
        """
        flags: dict[str, Flag] = self._flags
        left, rest = [argv[0]] if argv else [], iter(argv[1:])
        for argument in rest:
            if argument == "--":
                left.extend(rest)
                break
            if not argument.startswith("-") or argument.strip("-") == "":
                left.append(argument)
                continue
            name, equals, text = argument.lstrip("-").partition("=")
            if name in ("help", "h", "helpfull", "helpshort") and name not in flags:
                self._print_help(argv[0])
            flag, negated = self._find(name)
            if flag is None:
                if not known_only:
                    hint = did_you_mean(name, flags)
                    raise UnrecognizedFlagError(f"Unknown command line flag '{name}'.{hint}")
                left.append(argument)
            elif flag.boolean and not equals:
                flag.take("false" if negated else "true")
            elif not equals and (value := next(rest, None)) is not None:
                flag.take(value)
            elif not equals:
                raise IllegalFlagValueError(f"Missing value for flag --{name}")
            else:
                flag.take(text)
        self.__dict__["_parsed"] = True
        for flag in flags.values():
            flag.check()
        return left

    def _find(self, name: str) -> tuple[Flag | None, bool]:
        """The flag that ``--name`` means, and whether it is said with "no" in front."""
        flag = self._flags.get(name) or self._flags.get(name.replace("-", "_"))
        if flag is None and name.startswith("no"):
            positive = self._flags.get(name[2:])
            if positive is not None and positive.boolean:
                return positive, True
        return flag, False

    def _print_help(self, program: str) -> NoReturn:
        print(f"usage: {program} [flags]\n\nflags:")
        for name, flag in sorted(self._flags.items()):
            said = f"--[no]{name}" if flag.boolean else f"--{name}"
            print(f"  {said}: {flag.help}\n    ({flag.kind}; default: {flag.default!r})")
        raise SystemExit(0)

    def __getattr__(self, name: str) -> Any:
        if name == "__flags":
            return self.flag_values_dict()
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._parsed:
            self.parse_or_exit(sys.argv)
        flag = self._flags.get(name)
        if flag is None:
            raise AttributeError(f"No flag is named {name!r}.{did_you_mean(name, self._flags)}")
        return flag.value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._flags:
            raise AttributeError(f"No flag is named {name!r}.{did_you_mean(name, self._flags)}")
        self._flags[name].set(value)

    def __delattr__(self, name: str) -> None:
        if name not in self._flags:
            raise AttributeError(f"No flag is named {name!r}.")
        del self._flags[name]

    def __getitem__(self, name: str) -> Flag:
        flag: Flag = self._flags[name]
        return flag

    def __contains__(self, name: object) -> bool:
        return name in self._flags

    def __iter__(self) -> Iterator[str]:
        return iter(self._flags)

    def __len__(self) -> int:
        return len(self._flags)

    def __dir__(self) -> list[str]:
        return sorted(self._flags)

    def _parse_flags(self) -> None:
        # Programs of 2016 say FLAGS._parse_flags(), then print FLAGS.__flags.items().
        self.parse_or_exit(sys.argv)

    def flag_values_dict(self) -> dict[str, Any]:
        """Name -> value of every flag."""
        return {name: flag.value for name, flag in self._flags.items()}

    def is_parsed(self) -> bool:
        """Whether a command line has been read."""
        return bool(self._parsed)

    def mark_as_parsed(self) -> None:
        """Makes the values count as they are, without a command line."""
        self.__dict__["_parsed"] = True

    def unparse_flags(self) -> None:
        """Makes the next use read the command line again."""
        self.__dict__["_parsed"] = False

    def parse_or_exit(self, argv: Sequence[str]) -> list[str]:
        """Reads flags as a program does at its start: what is wrong with them ends it, with code 1."""
        try:
            return self(argv)
        except Error as error:
            print(
                f"FATAL Flags parsing error: {error}\nPass --helpshort or --helpfull to see help on flags.",
                file=sys.stderr,
            )
            raise SystemExit(1) from None

    def declare(self, flag: Flag) -> None:
        """Adds a flag. The same flag may be declared again; DuplicateFlagError where it differs."""
        known: Flag | None = self._flags.get(flag.name)
        if known is not None and (known.kind, known.default) != (flag.kind, flag.default):
            raise DuplicateFlagError(
                f"The flag '{flag.name}' is defined twice: as {known.kind} with default "
                f"{known.default!r}, and as {flag.kind} with default {flag.default!r}."
            )
        if known is None:
            self._flags[flag.name] = flag


FLAGS = FlagValues()


def _truth(text: str) -> bool:
    lowered = text.lower()
    if lowered in ("true", "t", "1", "yes", "y"):
        return True
    if lowered in ("false", "f", "0", "no", "n"):
        return False
    raise ValueError("Non-boolean argument to boolean flag")


def _integer(text: str) -> int:
    return int(text, 0) if text.lower().lstrip("+-").startswith(("0x", "0o", "0b")) else int(text)


def _comma_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []


def _define(kind: str, parse: Callable[[str], Any]) -> Callable[..., None]:
    def define(
        name: str | None = None,
        default: Any = None,
        help: str | None = None,
        *,
        flag_name: str | None = None,
        default_value: Any = None,
        docstring: str | None = None,
        required: bool = False,
        **unused: Any,
    ) -> None:
        called = name or flag_name
        if called is None:
            raise TypeError("A flag needs a name.")
        value = default if default is not None else default_value
        if isinstance(value, str):
            value = parse(value)
        elif (
            kind.startswith("multi ") and value is not None and not isinstance(value, (list, tuple))
        ):
            value = [value]
        elif isinstance(value, tuple):
            value = list(value)
        FLAGS.declare(Flag(called, value, help or docstring, kind, parse))
        if required:
            mark_flag_as_required(called)

    define.__doc__ = f"Declares a flag of type {kind}: name, default (None: not given), help."
    return define


DEFINE_string = _define("string", str)
DEFINE_integer = _define("integer", _integer)
DEFINE_float = _define("float", float)
DEFINE_boolean = DEFINE_bool = _define("boolean", _truth)
DEFINE_list = _define("list", _comma_list)
DEFINE_spaceseplist = _define("list separated by spaces", str.split)
DEFINE_multi_string = _define("multi string", str)
DEFINE_multi_integer = DEFINE_multi_int = _define("multi integer", _integer)
DEFINE_multi_float = _define("multi float", float)


def DEFINE_enum(
    name: str,
    default: Any,
    enum_values: Iterable[str],
    help: str | None = None,
    **unused: Any,
) -> None:
    """Declares a flag that is one of ``enum_values``."""
    values = list(enum_values)

    def choose(text: str) -> str:
        if text not in values:
            raise ValueError(f"value should be one of <{'|'.join(values)}>")
        return text

    FLAGS.declare(Flag(name, default, help, f"one of {', '.join(values)}", choose))


def register_validator(
    flag_name: str, checker: Callable[[Any], bool], message: str = "Flag validation failed"
) -> None:
    """Makes values for which ``checker(value)`` is false illegal."""
    FLAGS[flag_name].validators.append((checker, message))


def mark_flag_as_required(flag_name: str) -> None:
    """Makes a flag one that must be given."""
    register_validator(flag_name, lambda value: value is not None, "Flag must have a value.")


def mark_flags_as_required(flag_names: Iterable[str]) -> None:
    """Makes several flags ones that must be given."""
    for name in flag_names:
        mark_flag_as_required(name)
