"""Declared ops that have no row, and why: where each is proved instead."""

from __future__ import annotations

WITHOUT_ROW: dict[str, str] = {}
