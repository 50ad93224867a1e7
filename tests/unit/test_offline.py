import folium
import pytest

from fleetsim.offline import inline_script, require_offline, to_page
from networks.errors import DataError


def test_a_folium_map_becomes_a_page_that_loads_nothing() -> None:
    page = to_page(folium.Map(location=[40, 116], tiles=None), "Map", "zh")

    assert "L.map(" in page
    assert "Leaflet 1.9" in page
    assert '<html lang="zh">' in page
    assert "<script src" not in page
    assert "<link" not in page


@pytest.mark.parametrize(
    "remote",
    [
        '<script src="https://cdn.example/x.js">',
        '<link rel="stylesheet" href="x.css">',
        "<style>@import 'x.css'</style>",
        "<style>a { background: url(https://cdn.example/x.png) }</style>",
    ],
)
def test_a_page_that_would_load_something_is_refused(remote: str) -> None:
    with pytest.raises(DataError, match="from a network"):
        require_offline(f"<html>{remote}</html>")


def test_no_text_can_close_an_inlined_script() -> None:
    assert inline_script("'</script>'") == r"<script>'<\/script>'</script>"
