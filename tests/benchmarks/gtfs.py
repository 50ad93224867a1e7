"""CPU seconds and memory of bringing a timetable: reading, checking, building blocks.

    python tests/benchmarks/gtfs.py [--json] [--lines 60 --trips 100 --stops 22]

The feed is random and has no blocks; a trip may be followed by any other, so it is harder to chain than a real one.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

import feeds  # noqa: E402

from networks.gtfs import Choice, check, convert, read_feed  # noqa: E402


def cpu_s() -> float:
    return time.process_time()


def measure(lines: int, trips: int, stops: int) -> dict[str, float]:
    """Return what a feed of so many lines, trips a line and stops a trip costs."""
    with tempfile.TemporaryDirectory() as folder:
        convert(read_feed(feeds.zipped(feeds.city(2, 4), Path(folder) / "warm.zip")), Choice())
        path = feeds.zipped(feeds.city(lines, trips, stops_a_line=stops), Path(folder) / "feed.zip")
        clock = [cpu_s()]
        feed = read_feed(path)
        clock.append(cpu_s())
        faults = check(feed)
        clock.append(cpu_s())
        made = convert(feed, Choice())
        clock.append(cpu_s())
    spans = [round(end - start, 2) for start, end in pairwise(clock)]
    seconds = dict(zip(("read_s", "check_s", "convert_s"), spans, strict=True))
    return seconds | {
        "stop_times": feed.tables["stop_times"].height,
        "trips_a_day": made.days["weekday"].trips.height,
        "buses": made.days["weekday"].buses,
        "faults": len(faults),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    for name, default in (("lines", 60), ("trips", 100), ("stops", 22)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    result = measure(options.lines, options.trips, options.stops)
    print(json.dumps(result) if options.json else "\n".join(f"{name:12} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
