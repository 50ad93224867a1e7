"""Progress of a run where there is no terminal."""

import io

from rich.console import Console

from fleetsim import screens

STAGES = [("reading", 0.0), ("2020: stock", 0.03), ("2020: duties", 0.05), ("2021: stock", 0.5), ("2021: siting", 0.9)]


def lines_of(*, quiet: bool) -> list[str]:
    log = io.StringIO()
    with screens.progress(Console(file=log), quiet=quiet) as tell:
        for stage, share in STAGES:
            tell(stage, share)
    return log.getvalue().splitlines()


def test_without_a_terminal_a_run_tells_one_line_a_year() -> None:
    assert lines_of(quiet=False) == ["  0% reading", "  3% 2020", " 50% 2021"]


def test_a_quiet_run_tells_nothing() -> None:
    assert lines_of(quiet=True) == []
