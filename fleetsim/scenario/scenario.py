"""The scenario as one frozen object, and the changes a script makes to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from fleetsim.scenario import load
from fleetsim.scenario.accounts import CarbonSection, FreightSection, GridSection, ModesSection, SolarSection
from fleetsim.scenario.operation import OperationSection
from fleetsim.scenario.schedule import ScheduleSection
from fleetsim.scenario.sections import (
    CalibrationSection,
    CarsSection,
    DutiesSection,
    PolicySection,
    RunSection,
    Section,
    StockSection,
)
from fleetsim.scenario.sites import SitesSection
from fleetsim.scenario.stations import ChargingSection, SitingSection


class Scenario(Section):
    """A whole scenario: a name, a title and one section a subject.

    Notes
    -----
    Built from TOML by `Scenario.read` or `Scenario.shipped`; every change (`set`, `convert`) gives a new
    scenario that has been checked again.
    """

    name: str = "unnamed"
    """Short name; the result folder is called after it."""
    title_zh: str = ""
    """Title in Chinese, shown on the report."""
    title_en: str = ""
    """Title in English, shown on the report."""
    run: RunSection = Field(default_factory=RunSection)
    calibration: CalibrationSection = Field(default_factory=CalibrationSection)
    stock: StockSection = Field(default_factory=StockSection)
    cars: CarsSection = Field(default_factory=CarsSection)
    policy: PolicySection = Field(default_factory=PolicySection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    duties: DutiesSection = Field(default_factory=DutiesSection)
    charging: ChargingSection = Field(default_factory=ChargingSection)
    operation: OperationSection = Field(default_factory=OperationSection)
    siting: SitingSection = Field(default_factory=SitingSection)
    sites: SitesSection = Field(default_factory=SitesSection)
    modes: ModesSection = Field(default_factory=ModesSection)
    freight: FreightSection = Field(default_factory=FreightSection)
    grid: GridSection = Field(default_factory=GridSection)
    solar: SolarSection = Field(default_factory=SolarSection)
    carbon: CarbonSection = Field(default_factory=CarbonSection)

    @classmethod
    def read(cls, path: Path | str, changes: list[str] | None = None) -> Scenario:
        """Return the scenario of a TOML file.

        Parameters
        ----------
        path
            The file; `extends` in it names another one, relative to it.
        changes
            Overrides such as `"cars.quota_nev.2026=120000"`, applied last.

        Raises
        ------
        ScenarioError
            With one line a mistake, all at once.
        """
        return load.validate(cls, load.read(Path(path), changes or [], cls))

    @classmethod
    def shipped(cls, name: str) -> Scenario:
        """Return a scenario that ships with fleetsim: `outlook` or `plan`."""
        return cls.read(load.shipped_path(name))

    def set(self, changes: dict[str, Any]) -> Scenario:
        """Return a copy with values changed.

        Parameters
        ----------
        changes
            Dotted key to value, e.g. `{"run.last_year": 2027}`.

        Raises
        ------
        ScenarioError
            For an unknown key or a value outside its bounds.
        """
        tree = self.model_dump()
        for key, value in changes.items():
            load.put(tree, key.split("."), value)
        return load.validate(type(self), load.Source(tree, {}, f"scenario {self.name}"))

    def convert(
        self,
        fleet: str,
        *,
        to: str,
        share: dict[int, float] | None = None,
        number: dict[int, int] | None = None,
        district: str | None = None,
    ) -> Scenario:
        """Return a copy in which a fleet is converted by a scripted path.

        Parameters
        ----------
        fleet
            Fleet to convert, e.g. `"sanitation_light"`.
        to
            Powertrain it is converted to, e.g. `"BEV"`.
        share
            Year to the share of the fleet that has the powertrain at year end [0 to 1].
        number
            Year to the vehicles of the powertrain bought in the year, instead of `share`.
        district
            District the step holds for; all of them when left out.
        """
        line = {"fleet": fleet, "to": to, "share": share, "number": number, "district": district}
        given = {key: value for key, value in line.items() if value is not None}
        return self.set({"schedule.convert": [*self.model_dump()["schedule"]["convert"], given]})
