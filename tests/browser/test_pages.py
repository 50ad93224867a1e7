"""The pages in a real browser with the network cut off. Skipped where no Chromium is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fleetsim.maps import coverage_page
from fleetsim.report import report_page
from fleetsim.result import Result

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=20000",
    "--window-size=1400,900",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def rendered(page: str, folder: Path) -> str:
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    words = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    assert "Uncaught" not in answer.stderr
    return answer.stdout


def test_the_map_draws_panel_legend_and_layers(small: Result, tmp_path: Path) -> None:
    dom = rendered(coverage_page(small, "zh"), tmp_path)

    assert re.search(r'<b id="year">2021</b>', dom)
    assert "的常住人口在标准距离内" in dom
    assert dom.count("leaflet-control-layers-selector") >= 8
    assert dom.count("district-name") >= 6
    assert "<canvas" in dom


def test_the_report_draws_every_chart(small: Result, tmp_path: Path) -> None:
    dom = rendered(report_page(small, coverage_page(small, "en"), "en"), tmp_path)

    charts = re.findall(r'<div class="chart[^"]*" id="chart\d+"[^>]*>(.{0,200})', dom)
    assert len(charts) == 6
    assert all("svg" in chart or "vega-embed" in chart for chart in charts)
