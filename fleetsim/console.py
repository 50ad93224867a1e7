"""What every verb of the command line shares: the app, the two consoles, options, and reading a scenario."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from rich.console import Console

from networks.errors import FleetsimError

Language = Literal["zh", "en"]

app = typer.Typer(
    name="fleetsim",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Simulates how a city's vehicles become electric and hydrogen vehicles: stock, days, stations, targets.",
)
out = Console()
err = Console(stderr=True)

ScenarioArgument = Annotated[
    str, typer.Argument(help="A shipped scenario (outlook, plan), a TOML file, or a folder with scenario.toml.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value, e.g. run.seed=2. May be repeated."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
LangOption = Annotated[
    str, typer.Option("--lang", help="Language of screens: en or zh (default: FLEETSIM_LANG, else en).")
]
FolderArgument = Annotated[Path, typer.Argument(help="A result folder, as `fleetsim run` writes it.")]


def language_of(choice: str) -> Language:
    lang = choice or os.environ.get("FLEETSIM_LANG", "en")
    if lang not in ("zh", "en"):
        raise FleetsimError(f"--lang {lang!r}: is not a language of fleetsim; use zh or en")
    return cast(Language, lang)


@contextmanager
def stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        err.print("Stopped; nothing was written.")
        raise typer.Exit(130) from None


def scenario_path(scenario: str) -> Path:
    from fleetsim.scenario.load import shipped_path

    path = Path(scenario)
    inside = path / "scenario.toml"
    if inside.is_file() or len(path.parts) != 1:
        return inside if path.suffix != ".toml" else path
    return path if path.suffix == ".toml" else shipped_path(scenario)


def read_scenario(scenario: str, changes: list[str]) -> Any:
    from fleetsim.scenario.scenario import Scenario

    return Scenario.read(scenario_path(scenario), changes)
