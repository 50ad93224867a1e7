import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleetsim.cli import app
from networks.errors import FleetsimError

VERBS = ("run", "check", "map", "report", "sources", "init")


def test_help_names_every_verb() -> None:
    text = CliRunner().invoke(app, ["--help"]).output

    assert all(verb in text for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    answer = CliRunner().invoke(app, [verb, "--help"])

    assert answer.exit_code == 0
    assert "Usage" in answer.output


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from fleetsim.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "print([name for name in ('pandas', 'geopandas', 'folium', 'numba', 'scipy', 'simpy') if name in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


def command(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fleetsim", *words], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_a_missing_scenario_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    answer = command("run", "nowhere.toml", cwd=tmp_path)

    assert answer.returncode == 2
    assert "nowhere.toml: no such scenario file" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_init_writes_a_folder_that_check_accepts(tmp_path: Path) -> None:
    assert command("init", "mine", cwd=tmp_path).returncode == 0

    answer = command("check", "mine", cwd=tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert "nothing wrong" in answer.stdout


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    command("init", "mine", cwd=tmp_path)

    answer = command("init", "mine", cwd=tmp_path)

    assert answer.returncode == 2
    assert "exists already" in answer.stderr


def test_sources_answers_as_json(tmp_path: Path) -> None:
    answer = command("sources", "census", "--json", cwd=tmp_path)

    rows = json.loads(answer.stdout)
    assert rows
    assert {"file", "item", "publisher", "kind"} <= set(rows[0])


def test_an_unknown_language_is_refused() -> None:
    answer = CliRunner().invoke(app, ["map", "x", "--lang", "fr"])

    assert isinstance(answer.exception, FleetsimError)
    assert "'fr'" in str(answer.exception)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "fleetsim", "run", "--sample", "0.01", "--years", "2020-2021", "-o", "out"]
    started = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    assert started.stderr
    next(line for line in started.stderr if "2020" in line)
    started.send_signal(signal.SIGINT)
    told = started.communicate(timeout=60)[1]

    assert started.returncode == 130
    assert "Stopped; nothing was written." in told
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_happens_to_bear_a_shipped_name_does_not_hide_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()

    answer = command("check", "plan", cwd=tmp_path)

    assert answer.returncode == 0, answer.stderr
