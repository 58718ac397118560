"""Damage in a file, as an error that also says where it is, for those who make lists of it."""

from __future__ import annotations

from dataclasses import dataclass

from evergraph import errors

_FILE, _OFFSET = "file", "offset"


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong with a file.

    Attributes:
        file: its path.
        offset: where in it what is damaged begins; None for all of it, or where that is not known.
        tensor: the name of the tensor that cannot be read for it, or an empty string.
        message: what is wrong, in a sentence.
    """

    file: str
    offset: int | None
    tensor: str
    message: str

    @staticmethod
    def of(error: errors.OpError, file: str, tensor: str = "") -> Damage:
        """What an error of a reader tells; of ``file`` where the error does not say which."""
        where = error.experimental_payloads
        return Damage(where.get(_FILE, file), where.get(_OFFSET), tensor, error.message)


def data_loss(file: str, what: str, offset: int | None = None) -> errors.DataLossError:
    """The error about a file that ``what`` goes on to speak of ("is damaged ...", without a full stop)."""
    where = {_FILE: file, _OFFSET: offset}
    return errors.DataLossError(None, None, f"{file} {what}.", where)
