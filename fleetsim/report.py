"""The report: one HTML file with the targets, the charts by year, the districts and the map."""

import hashlib
import html
import json
import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from fleetsim.charts import charts
from fleetsim.html_table import table_section
from fleetsim.offline import asset, inline_script, require_offline
from fleetsim.operator_page import operators_html
from fleetsim.result import Result
from fleetsim.targets import UNITS_SHOWN, show_gap, show_observed, show_range, show_value, target_table, verdict_lines
from fleetsim.texts import Language, texts
from fleetsim.waits_page import waits_html

DRAW = """globalThis.drawCharts = specs => specs.forEach(
    (spec, number) => vegaEmbed('#chart' + number, spec, {actions: false, renderer: "svg"})
);"""
"""Draws the charts of the report into their boxes."""


def report_page(result: Result, map_page: str, lang: Language = "en") -> str:
    """Return the HTML of the report.

    Parameters
    ----------
    result
        The run it tells of.
    map_page
        HTML of the coverage map, shown in a frame of the page.
    lang
        Language of the words.

    Raises
    ------
    DataError
        When the page would load something from a network.
    """
    words = texts(lang, "report")
    specs = charts(result, lang)
    page = asset("report.html")
    parts = {
        "LANG": lang,
        "TITLE": words["title"],
        "STYLE": asset("report.css"),
        "HEADER": _header(result, words, lang),
        "TARGETS": _targets(result, words, lang),
        "CHARTS": _chart_boxes(specs, words) + waits_html(result, lang),
        "DISTRICTS": _districts(result, words, lang) + operators_html(result, lang),
        "MAP": _map_frame(map_page, words),
        "CAVEATS": _caveats(result, words, lang),
        "SCRIPTS": _scripts([spec for _, spec in specs]),
    }
    for name, part in parts.items():
        page = page.replace(f"<!--{name}-->", part, 1)
    require_offline(page.replace(html.escape(map_page, quote=True), ""))
    return page


def _header(result: Result, words: dict[str, Any], lang: Language) -> str:
    run = result.run
    made = words["made"].format(**{name: run[name] for name in ("version", "run_id", "seed", "engine", "years")})
    title = html.escape(run[f"title_{lang}"] or run["scenario"])
    city = html.escape(run.get(f"city_{lang}") or "")
    heading = f"{city}: {words['title']}" if city else words["title"]
    return f"<h1>{heading}</h1><p class='lead'>{words['scenario']}: <b>{title}</b></p><p>{made}</p>"


def _targets(result: Result, words: dict[str, Any], lang: Language) -> str:
    rows = target_table(result, lang)
    if rows.is_empty():
        return f"<h2>{words['targets']}</h2><p class='note'>{words['no_targets']}</p>"
    status = texts(lang, "status")
    names = ["indicator", "year", "observed", "modelled", "range", "target", "gap", "status", "source"]
    head = "".join(f"<th{NUMBER if name in NUMERIC else ''}>{words[name]}</th>" for name in names)
    body = "".join(_target_row(row, status, lang) for row in rows.iter_rows(named=True))
    return table_section(words["targets"], head, body, words["targets_note"]) + _verdicts(result, rows, lang)


def _verdicts(result: Result, rows: pl.DataFrame, lang: Language) -> str:
    """Return what plausible levers can do for each target that is not met; empty where nothing is to be told."""
    lines = verdict_lines(rows, result.run, lang)
    items = [f"<li><b>{html.escape(title)}</b>: {html.escape(told)}</li>" for title, told in lines]
    words = texts(lang, "verdicts")
    return f"<h2>{words['title']}</h2><p class='note'>{words['note']}</p><ul>{''.join(items)}</ul>" if items else ""


def _target_row(row: dict[str, Any], status: dict[str, str], lang: Language) -> str:
    unit = row["unit"]
    spread = show_range(row, lang) or "–"
    shown_unit = f" <small>({html.escape(unit)})</small>" if unit in UNITS_SHOWN else ""
    cells = [
        f"<td>{html.escape(row['title'] or row['indicator'])}{shown_unit}</td>",
        f"<td>{row['year']}</td>",
        f"<td class='n'>{html.escape(show_observed(row, lang))}</td>",
        f"<td class='n'>{show_value(row['modelled'], unit, lang)}</td>",
        f"<td class='n'>{spread}</td>",
        f"<td class='n'>{show_value(row['target'], unit, lang)}</td>",
        f"<td class='n'>{show_gap(row)}</td>",
        f"<td><span class='status {row['status']}'>{status[row['status']]}</span></td>",
        f"<td class='source'>{html.escape(row['source'] or '')}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _chart_boxes(specs: list[tuple[str, dict[str, Any]]], words: dict[str, Any]) -> str:
    boxes = "".join(
        f"<figure><figcaption>{html.escape(title)}</figcaption><div class='chart' id='chart{number}'></div></figure>"
        for number, (title, _) in enumerate(specs)
    )
    return f"<h2>{words['charts']}</h2><div class='grid'>{boxes}</div>"


NUMBER = " class='n'"
NUMERIC = ("observed", "modelled", "range", "target", "gap")
DISTRICT_UNITS = {
    "population": "",
    "nev": "",
    "nev_share": "share",
    "public_plugs": "",
    "swap": "",
    "hydrogen": "",
    "covered_share": "share",
    "p95_distance_km": "",
}


def _districts(result: Result, words: dict[str, Any], lang: Language) -> str:
    year = result.run["last_year"]
    columns = words["district_columns"]
    head = f"<th>{columns['name']}</th>" + "".join(f"<th class='n'>{columns[name]}</th>" for name in DISTRICT_UNITS)
    body = ""
    for row in _district_rows(result, year, lang).iter_rows(named=True):
        cells = [f"<td class='n'>{_district_value(row[name], unit)}</td>" for name, unit in DISTRICT_UNITS.items()]
        body += f"<tr><td>{html.escape(row['name'])}</td>{''.join(cells)}</tr>"
    return table_section(f"{words['districts']}, {year}", head, body)


def _district_value(value: float | None, unit: str) -> str:
    return f"{value:,.0f}" if value is not None and value >= 100 else show_value(value, unit)


def _district_rows(result: Result, year: int, lang: Language) -> pl.DataFrame:
    name = pl.col("name_zh" if lang == "zh" else "district")
    nev = (pl.col("vehicles") * pl.col("nev")).sum()
    stock = result.table("stock").filter(pl.col("year") == year)
    vehicles = stock.group_by("district", maintain_order=True).agg(nev=nev, nev_share=nev / pl.col("vehicles").sum())
    stations = result.table("stations").filter(pl.col("opened_year") <= year).group_by("district", maintain_order=True)
    plugs = stations.agg(
        public_plugs=pl.col("plugs").filter(pl.col("kind") == "public").sum(),
        swap=(pl.col("kind") == "swap").sum(),
        hydrogen=(pl.col("kind") == "hydrogen").sum(),
    )
    coverage = result.table("coverage").filter(pl.col("year") == year, pl.col("kind") == "public")
    covered = coverage.select("district", "covered_share", "p95_distance_km")
    table = result.city["districts"].select("district", "population", name=name)
    for part in (vehicles, plugs, covered):
        table = table.join(part, on="district", how="left", maintain_order="left")
    return table


def _map_frame(map_page: str, words: dict[str, Any]) -> str:
    frame = f'<iframe title="{words["map"]}" srcdoc="{html.escape(map_page, quote=True)}"></iframe>'
    return f"<h2>{words['map']}</h2>{frame}"


def _caveats(result: Result, words: dict[str, Any], lang: Language) -> str:
    caveats = "caveat_list_own" if result.run.get("city_extends") else "caveat_list"
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in words[caveats])
    found = "".join(f"<li>{html.escape(note[lang])}</li>" for note in result.run.get("notes", []))
    return f"<h2>{words['caveats']}</h2><ul>{found}{notes}</ul>"


def _scripts(specs: list[dict[str, Any]]) -> str:
    text = json.dumps(specs, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    script = inline_script(f"{_drawing()}\ndrawCharts({text});")
    return script.replace("<script>", '<script type="module">', 1)


def _drawing() -> str:
    """Return the library of the charts with `DRAW` as one script.

    Notes
    -----
    Bundling takes seconds and always gives the same, so the script is kept beside the compiled modules, if there is a
    folder to write to.
    """
    name = hashlib.sha256(f"{version('vl-convert-python')} {DRAW}".encode()).hexdigest()[:16]
    kept = Path(__file__).parent / "__pycache__" / f"charts-{name}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    from vl_convert import javascript_bundle

    script = str(javascript_bundle(DRAW))
    with suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        part.write_text(script, encoding="utf-8")
        part.replace(kept)
    return script
