"""Pages that load nothing: a folium map as one file with every script and style inside it."""

import base64
import mimetypes
import re
from pathlib import Path
from typing import Any

from networks.errors import DataError

REMOTE = re.compile(r"<script[^>]+src=|<link[^>]+href=|url\(\s*['\"]?https?:|@import")
LEAFLET_LINKS = {"leaflet": "leaflet.js", "leaflet_css": "leaflet.css"}


def asset(name: str) -> str:
    """Return the text of a script, style or template that ships with the screens."""
    return (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")


def to_page(folium_map: Any, title: str, lang: str) -> str:
    """Return the HTML of a folium map with Leaflet inlined and every other link removed.

    Raises
    ------
    DataError
        When the page would still load something from a network.
    """
    from branca.element import Element

    figure = folium_map.get_root()
    figure.render()
    header = figure.header
    for name, child in list(header._children.items()):
        if name in LEAFLET_LINKS:
            header.add_child(Element(_raw(_inline(LEAFLET_LINKS[name]))), name=name)
        elif getattr(child, "url", ""):
            del header._children[name]
    figure.title = title
    page = str(figure._template.render(this=figure, kwargs={}))
    page = page.replace("<html>", f'<html lang="{lang}">', 1)
    return require_offline(page)


def require_offline(page: str) -> str:
    """Return the page unchanged when it loads nothing from a network.

    Raises
    ------
    DataError
        Naming the first remote reference.
    """
    found = REMOTE.search(page)
    if found:
        raise DataError(f"the page would load {page[found.start() : found.start() + 80]!r} from a network")
    return page


def inline_script(code: str) -> str:
    """Return code as a script element that nothing inside it can close."""
    closed = code.replace("</script", r"<\/script")
    return f"<script>{closed}</script>"


def _inline(file_name: str) -> str:
    import xstatic.pkg.leaflet as leaflet

    path = Path(leaflet.BASE_DIR) / file_name
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return inline_script(re.sub(r"//# sourceMappingURL=.*", "", text))
    styles = re.sub(r"url\(([^)]+)\)", lambda found: _data_uri(path.parent, found), text)
    return f"<style>{styles}</style>"


def _data_uri(folder: Path, found: re.Match[str]) -> str:
    path = folder / found.group(1).strip("'\"")
    if not path.is_file():
        return found.group(0)
    kind = mimetypes.guess_type(path.name)[0]
    return f"url(data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()})"


def _raw(html: str) -> str:
    # branca renders elements as templates; the code of a library is not one.
    return "{% raw %}" + html + "{% endraw %}"
