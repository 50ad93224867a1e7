"""The words of the screens in both languages."""

import tomllib
from functools import cache
from typing import Any, Literal

from fleetsim.offline import asset

Language = Literal["zh", "en"]


@cache
def texts(lang: Language, screen: str) -> dict[str, Any]:
    """Return the words of one screen (`map`, `report`, `charts` ...) in one language."""
    words: dict[str, Any] = tomllib.loads(asset("texts.toml"))[lang][screen]
    return words
