"""Strings: cutting, cases, regular expressions, hashes."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, row, value

TEXTS = [["one two", "", " b "], ["ÄäX", "a.b.c\n", "AZaz"]]

row("RegexFullMatch", case(value(TEXTS), value("[a-z ]*")), case(value("a\n"), value("a$")),
    bad("InvalidArgumentError", value("a"), value("(")))  # fmt: skip
row("StaticRegexFullMatch", case(value(TEXTS), pattern=r".*[[:upper:]]\w?"),
    case(value(["s3://a", "/s3://"]), pattern="^s3://.*"))  # fmt: skip
row("RegexReplace", case(value(TEXTS), value(r"([a-z])(\w?)"), value(r"<\2\1\0\\>")),
    case(value(TEXTS), value("[ a-b]"), value(""), replace_global=False))  # fmt: skip
row("StaticRegexReplace", case(value(TEXTS), pattern=r"[^a-z]|\.", rewrite="_"))
row("StringStrip", case(value(TEXTS)), case(value("\t x \n")))
for op in ("StringLower", "StringUpper"):
    row(op, case(value(TEXTS)), case(value(TEXTS), encoding="utf-8"))
row(
    "Substr",
    case(value(["abcdef", "xyz"]), value(1), value(2)),
    case(value(["abcdef", "xyz"]), value([-2, 3]), value([5, 1])),
    case(value(["äöü", "xyz"]), value(1), value(1), unit="UTF8_CHAR"),
    bad("InvalidArgumentError", value("abc"), value(4), value(1)),
)
row(
    "StringSplit",
    case(value(["a b  c", "", "d"]), value(" ")),
    case(value(["a,b c", ",x"]), value(", "), skip_empty=False),
    case(value(["abc", "d"]), value("")),
)
row(
    "StringSplitV2",
    case(value(["a b  c", "", "d "]), value("")),
    case(value(["a<>b<><>c", "<>"]), value("<>")),
    case(value(["a,b,c"]), value(","), maxsplit=1),
)
LENGTHS = ["", "a", "abc", "abcd", "ü", "12345678", "x" * 16, "y" * 17, "z" * 32, "0123456789" * 4, "word " * 13,
           "q" * 64, "r" * 65, "0123456789" * 13, "s" * 192]  # fmt: skip
row(
    "StringToHashBucket",
    case(value(LENGTHS), num_buckets=1 << 62),
    case(value(TEXTS), num_buckets=3),
)
row(
    "StringToHashBucketFast",
    case(value(LENGTHS), num_buckets=1 << 62),
    case(value(TEXTS), num_buckets=3),
)
row(
    "StringToHashBucketStrong",
    case(value(LENGTHS), num_buckets=1 << 62, key=[1, -2]),
    case(value(TEXTS), num_buckets=3, key=[1 << 62, 7]),
    bad("InvalidArgumentError", value(TEXTS), num_buckets=3, key=[1]),
)
row(
    "Fingerprint",
    case(grid(3, 7), const("farmhash64")),
    case(grid(2), value("farmhash64")),
    bad("InvalidArgumentError", grid(2, 3), const("md5")),
)
