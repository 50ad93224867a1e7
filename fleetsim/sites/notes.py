"""What a planner must know of a plan beside its numbers: notes that read in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetsim.texts import Language, texts

UNIT = "unit"


class Note(str):
    """A note: its English text, and what it takes to say the same in another language.

    Parameters
    ----------
    key
        Name of the text in `site_notes` of the texts.
    values
        What is filled in; `unit` is the name of a unit of demand.
    """

    __slots__ = ("key", "values")

    key: str
    values: Mapping[str, Any]

    def __new__(cls, key: str, **values: Any) -> Note:
        """Return the note."""
        note = super().__new__(cls, _text(key, values, "en"))
        note.key, note.values = key, values
        return note

    def told(self, lang: Language) -> str:
        """Return the text in a language."""
        return _text(self.key, self.values, lang)


def _text(key: str, values: Mapping[str, Any], lang: Language) -> str:
    units = texts(lang, "site")["units"]
    filled = {name: units.get(value, value) if name == UNIT else value for name, value in values.items()}
    return str(texts(lang, "site_notes")[key].format(**filled))
