import tomllib
from pathlib import Path

import pytest

from fleetsim.scenario.load import shipped_path
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.scenario.stations import SitingSection
from fleetsim.scenario.template import resolved, template
from networks.errors import ScenarioError


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_takes_what_it_does_not_say_from_the_one_it_extends(tmp_path: Path) -> None:
    write(tmp_path, 'title_en = "Base"\n[run]\nseed = 7\nlast_year = 2027\n', "base.toml")
    path = write(tmp_path, 'extends = "base.toml"\n[run]\nlast_year = 2026\n')

    scenario = Scenario.read(path)

    assert (scenario.run.seed, scenario.run.last_year, scenario.title_en) == (7, 2026, "Base")
    assert scenario.name == "mine"


def test_a_shipped_scenario_can_be_extended_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, 'extends = "outlook.toml"\n')

    assert Scenario.read(path).run == Scenario.shipped("outlook").run


def test_overrides_come_last(tmp_path: Path) -> None:
    path = write(tmp_path, "[run]\nseed = 7\n")

    assert Scenario.read(path, ["run.seed=9"]).run.seed == 9


def test_all_mistakes_are_named_at_once_with_file_line_and_remedy(tmp_path: Path) -> None:
    path = write(tmp_path, '[run]\nsede = 1\nlast_year = "soon"\nsample = 2.0\n\n[stok]\nx = 1\n')

    with pytest.raises(ScenarioError) as caught:
        Scenario.read(path)

    problems = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    assert f"{path}, line 2: run.sede is unknown; did you mean 'seed'?" in problems
    assert f"{path}, line 3: run.last_year = 'soon'" in problems
    assert f"{path}, line 4: run.sample = 2.0" in problems
    assert f"{path}, line 6: stok is unknown; did you mean 'stock'?" in problems


def test_a_file_that_is_not_toml_says_where_it_breaks(tmp_path: Path) -> None:
    path = write(tmp_path, "[run\n")

    with pytest.raises(ScenarioError, match="is not valid TOML"):
        Scenario.read(path)


def test_scenarios_that_extend_each_other_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, 'extends = "b.toml"\n', "a.toml")
    write(tmp_path, 'extends = "a.toml"\n', "b.toml")

    with pytest.raises(ScenarioError, match="circle"):
        Scenario.read(tmp_path / "a.toml")


def test_set_checks_the_new_value() -> None:
    scenario = Scenario().set({"run.last_year": 2027})

    assert scenario.run.last_year == 2027
    with pytest.raises(ScenarioError, match=r"run\.last_yaer is unknown"):
        scenario.set({"run.last_yaer": 2027})


def test_convert_adds_a_line_to_the_schedule() -> None:
    scenario = Scenario().convert("sanitation_light", to="BEV", share={2026: 0.5, 2028: 1.0})

    line = scenario.schedule.convert[-1]
    assert (line.fleet, line.to, line.share) == ("sanitation_light", "BEV", {2026: 0.5, 2028: 1.0})


@pytest.mark.parametrize("name", ["outlook", "plan"])
def test_the_resolved_scenario_reads_back_as_itself(tmp_path: Path, name: str) -> None:
    scenario = Scenario.shipped(name)

    path = write(tmp_path, resolved(scenario))

    assert Scenario.read(path) == scenario


def test_the_template_is_valid_as_written_and_explains_every_key() -> None:
    text = template("outlook", "mine")

    assert set(tomllib.loads(text)) >= {"extends", "name", "run", "modes"}
    for section in ("RunSection", "ModesSection"):
        assert section not in text
    assert "# seed = 1" in text
    assert "# Seed of every random draw" in text


@pytest.mark.parametrize(("year", "value"), [(2010, 1.0), (2020, 1.0), (2025, 2.0), (2030, 3.0), (2050, 3.0)])
def test_values_by_year_are_linear_between_and_flat_outside(year: int, value: float) -> None:
    assert at_year({2020: 1.0, 2030: 3.0}, year) == pytest.approx(value)


def test_an_override_of_one_entry_leaves_the_others_of_a_table_that_no_file_gives() -> None:
    scenario = Scenario.read(shipped_path("outlook"), ["siting.largest_plugs.swap=1", "siting.power_kw.public.2025=90"])

    assert scenario.siting.largest_plugs == {**SitingSection().largest_plugs, "swap": 1}
    assert scenario.siting.power_kw["public"] == {2020: 60.0, 2025: 90.0, 2030: 180.0}
    assert scenario.siting.power_kw["swap"] == SitingSection().power_kw["swap"]
