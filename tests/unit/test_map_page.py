"""Names on pages are in the language of the page alone."""

import polars as pl
import pytest

from fleetsim.map_page import district_names
from fleetsim.texts import Language


@pytest.mark.parametrize(("lang", "names"), [("en", ["Haidian", "Miyun"]), ("zh", ["海淀区", "密云区"])])
def test_districts_are_named_in_the_language_of_the_page_alone(lang: Language, names: list[str]) -> None:
    districts = pl.DataFrame({"district": ["Haidian", "Miyun"], "name_zh": ["海淀区", "密云区"]})

    assert district_names(districts, lang) == names
