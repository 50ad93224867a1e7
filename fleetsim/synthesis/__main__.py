"""`python -m fleetsim.synthesis FOLDER`: write the synthetic places, stations and lines of a city folder anew."""

import sys
from pathlib import Path

from charging.tables import PileRecord, Station
from fleetsim.synthesis.city import synthesise
from networks.io import read_table
from networks.tables import Place, Zone


def main(folder: Path) -> None:
    """Read the real rows, zones and pile counts of the folder; write places, stations and lines."""
    made = synthesise(
        read_table(folder / "places.csv", Place),
        read_table(folder / "stations.csv", Station),
        read_table(folder / "zones.csv", Zone),
        read_table(folder / "piles.csv", PileRecord),
    )
    made.places.write_csv(folder / "places.csv")
    made.stations.write_csv(folder / "stations.csv")
    made.lines.write_csv(folder / "lines.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
