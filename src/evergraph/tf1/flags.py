"""``tf.flags``: command line flags."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.platform.flags": (
        "DEFINE_bool DEFINE_boolean DEFINE_enum DEFINE_float DEFINE_integer DEFINE_list "
        "DEFINE_multi_float DEFINE_multi_int DEFINE_multi_integer DEFINE_multi_string "
        "DEFINE_spaceseplist DEFINE_string DuplicateFlagError Error FLAGS Flag FlagValues "
        "IllegalFlagValueError UnrecognizedFlagError mark_flag_as_required mark_flags_as_required "
        "register_validator"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.flags", _TABLE)
