"""The least that is a workbook: sheets of texts, numbers and days, without a library that writes them."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

Row = Sequence[str | float | date | None]


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Row]]) -> Path:
    """Write a workbook whose sheets hold the rows; an empty row is left out of the file, as programs do."""
    numbers = range(1, len(sheets) + 1)
    names = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in zip(numbers, sheets, strict=True)
    )
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{SHEET_TYPE}.worksheet+xml"/>' for n in numbers
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "[Content_Types].xml",
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET_TYPE}.sheet.main+xml"/>{parts}</Types>',
        )
        file.writestr("_rels/.rels", _relations({"r1": ("officeDocument", "xl/workbook.xml")}))
        links = {f"r{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in numbers}
        file.writestr("xl/_rels/workbook.xml.rels", _relations(links))
        book = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>{names}</sheets></workbook>'
        file.writestr("xl/workbook.xml", HEAD + book)
        for n, rows in zip(numbers, sheets.values(), strict=True):
            file.writestr(f"xl/worksheets/sheet{n}.xml", _sheet(rows))
    return path


def _relations(links: Mapping[str, tuple[str, str]]) -> str:
    parts = "".join(
        f'<Relationship Id="{key}" Type="{RELATION}/{kind}" Target="{target}"/>'
        for key, (kind, target) in links.items()
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{parts}</Relationships>'


def _sheet(rows: Sequence[Row]) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{chr(65 + place)}{number}", value) for place, value in enumerate(row))
        lines += [f'<row r="{number}">{cells}</row>'] if row else []
    return f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(place: str, value: str | float | date | None) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f'<c r="{place}" t="d"><v>{value.isoformat()}T00:00:00</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
