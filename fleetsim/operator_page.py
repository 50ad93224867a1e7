"""The report's table of clauses by functional zone and operator, exempt vehicles apart (clauses 4 and 16)."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import polars as pl

from fleetsim.html_table import table_section
from fleetsim.result import Result
from fleetsim.texts import Language, texts

TABLE = "operator_compliance"
NUMBERS = ("eligible", "compliant", "exempt", "exempt_compliant")


def operators_html(result: Result, lang: Language = "en") -> str:
    """Return the section of the report; empty where the run has no such table or no fleet clause.

    Parameters
    ----------
    result
        A run with the table `operator_compliance`.
    lang
        Language of the words.
    """
    if TABLE not in result.tables or result.tables[TABLE].is_empty():
        return ""
    words = texts(lang, "operators")
    counted = _counted(result)
    rows = by_zone(result.tables[TABLE]).with_columns(counted=pl.col("clause").is_in(counted))
    titles = _titles(result, lang)
    names = ["clause", "functional_zone", "operator", *NUMBERS[:2], "share", *NUMBERS[2:]]
    if set(rows["operator"]) == {"all"}:
        names.remove("operator")
    head = "".join(f"<th>{words[name]}</th>" for name in names)
    body = "".join(_row(row, names, titles, words) for row in rows.iter_rows(named=True))
    return table_section(f"{words['title']}, {rows['year'][0]}", head, body, words["note"])


def by_zone(table: pl.DataFrame) -> pl.DataFrame:
    """Return the last year's compliance by clause, functional zone and operator, districts of a zone summed."""
    last = table.filter(pl.col("year") == table["year"].max())
    keys = ["year", "clause", "functional_zone", "operator"]
    sums = last.group_by(keys, maintain_order=True).agg(pl.col(NUMBERS).sum()).sort(keys)
    share = pl.when(pl.col("eligible") > 0.0).then(pl.col("compliant") / pl.col("eligible"))
    return sums.filter(pl.sum_horizontal("eligible", "exempt") > 0.0).with_columns(share=share)


def _counted(result: Result) -> list[str]:
    """Return the clauses that count vehicles; a share of all vehicles would say nothing of them."""
    if "clauses" not in result.city:
        return []
    rows = result.city["clauses"]
    return sorted(set(rows.filter(pl.col("measure").cast(pl.String) == "count")["clause"]))


def _titles(result: Result, lang: Language) -> dict[str, str]:
    if "clauses" not in result.city:
        return {}
    rows = result.city["clauses"].select("clause", f"title_{lang}")
    return dict(rows.unique("clause", keep="first", maintain_order=True).iter_rows())


def _row(row: Mapping[str, Any], names: list[str], titles: Mapping[str, str], words: Mapping[str, Any]) -> str:
    cells = []
    for name in names:
        value = row[name]
        if name == "clause":
            cells.append(f"<td>{html.escape(titles.get(value, value))}</td>")
        elif name == "functional_zone":
            cells.append(f"<td>{html.escape(words['zones'].get(value, value or '–'))}</td>")
        elif name == "operator":
            cells.append(f"<td>{html.escape(value)}</td>")
        else:
            cells.append(f"<td class='n'>{_number(row, name, words)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _number(row: Mapping[str, Any], name: str, words: Mapping[str, Any]) -> str:
    """Return a cell with a number; where the clause counts vehicles, their number in the place of the share."""
    value = row[name]
    if name == "share":
        if row["counted"]:
            return str(words["count"].format(vehicles=row["compliant"]))
        return "–" if value is None else f"{value:.1%}"
    if row["counted"] and name == "eligible":
        return "–"
    return "–" if value is None else f"{value:,.0f}"
