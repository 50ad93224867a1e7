"""The geometry of road courses: curves through entered points, lengths, crossings, street grids."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

STEP_KM = 0.25
LATITUDE_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Course:
    """A road as a line of closely spaced points.

    Parameters
    ----------
    name
        Identifier of the course.
    lonlat
        Points along the road [deg], one row a point; a closed road repeats its first point at the end.
    along_km
        Distance of each point from the first one [km].
    """

    name: str
    lonlat: Floats
    along_km: Floats

    @property
    def length_km(self) -> float:
        """Length from the first point to the last [km]."""
        return float(self.along_km[-1])

    @property
    def closed(self) -> bool:
        """Whether the road ends where it begins."""
        return bool(np.array_equal(self.lonlat[0], self.lonlat[-1]))

    def at(self, along_km: Floats) -> Floats:
        """Return the points [deg] at these distances from the first point [km]."""
        lon = np.interp(along_km, self.along_km, self.lonlat[:, 0])
        lat = np.interp(along_km, self.along_km, self.lonlat[:, 1])
        return np.column_stack([lon, lat])


@dataclass(frozen=True)
class Meetings:
    """Where courses meet: one row a meeting of two courses.

    Parameters
    ----------
    lonlat
        The meeting points [deg].
    first, second
        Numbers of the two courses.
    first_km, second_km
        Distance of the meeting point along each course [km].
    """

    lonlat: Floats
    first: Ints
    second: Ints
    first_km: Floats
    second_km: Floats


def km_per_degree(lat: Floats) -> tuple[Floats, Floats]:
    """Return the length of a degree of longitude and of latitude [km/deg] on the WGS-84 ellipsoid.

    Parameters
    ----------
    lat
        Latitude [deg].

    Notes
    -----
    The usual series in cosines of multiples of the latitude (for example Snyder, Map Projections: A Working
    Manual, USGS 1395, 1987), cut where terms fall below 2 m a degree.
    """
    phi = np.radians(lat)
    east = 111.41288 * np.cos(phi) - 0.09350 * np.cos(3 * phi)
    north = 111.13295 - 0.55982 * np.cos(2 * phi)
    return east, north


def distance_km(a: Floats, b: Floats) -> Floats:
    """Return the distance [km] between points of `a` and of `b` [deg], row by row, for up to some 200 km."""
    east, north = km_per_degree((a[..., 1] + b[..., 1]) / 2)
    return np.asarray(np.hypot((b[..., 0] - a[..., 0]) * east, (b[..., 1] - a[..., 1]) * north))


def plane_km(lonlat: Floats, lat0: float) -> Floats:
    """Return the points [deg] as plane coordinates [km] true at latitude `lat0` [deg]."""
    east, north = km_per_degree(np.asarray(lat0))
    return np.asarray(lonlat * np.array([float(east), float(north)]))


def trace(name: str, points: Floats, *, closed: bool, smooth: bool) -> Course:
    """Return the course through the points, with a point at least every 250 m.

    Parameters
    ----------
    name
        Identifier of the course.
    points
        Entered points [deg], one row a point.
    closed
        Whether the last point is joined to the first.
    smooth
        Whether the road bends through the points (centripetal Catmull-Rom curve) or runs straight between them.
    """
    ring = np.vstack([points, points[:1]]) if closed else points
    line = _curve(ring, closed) if smooth and len(ring) > 2 else ring
    return measured(name, _densified(line))


def measured(name: str, lonlat: Floats) -> Course:
    """Return the line as a course with the distance along it."""
    steps = distance_km(lonlat[:-1], lonlat[1:])
    return Course(name, lonlat, np.concatenate([[0.0], np.cumsum(steps)]))


def _curve(line: Floats, closed: bool) -> Floats:
    """Return the centripetal Catmull-Rom curve through the line (Yuksel et al. 2011), 8 steps a piece."""
    before = line[-2] if closed else 2 * line[0] - line[1]
    after = line[1] if closed else 2 * line[-1] - line[-2]
    control = np.vstack([before, line, after])
    pieces = [_piece(control[i : i + 4]) for i in range(len(line) - 1)]
    return np.vstack([*pieces, line[-1:]])


def _piece(control: Floats, steps: int = 8) -> Floats:
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(distance_km(control[:-1], control[1:])))])
    t = np.linspace(knots[1], knots[2], steps, endpoint=False)[:, None]
    level = list(control)
    for width in (1, 2, 3):
        level = [_mix(level[i], level[i + 1], _span(knots, i, width), t) for i in range(len(level) - 1)]
    return np.vstack([control[1], level[0][1:]])


def _span(knots: Floats, i: int, width: int) -> tuple[float, float]:
    # Barry-Goldman pyramid: the middle level blends over two knots, the last over the piece alone.
    first, last = {1: (i, i + 1), 2: (i, i + 2), 3: (1, 2)}[width]
    return float(knots[first]), float(knots[last])


def _mix(a: Floats, b: Floats, span: tuple[float, float], t: Floats) -> Floats:
    start, end = span
    return np.asarray(((end - t) * a + (t - start) * b) / (end - start))


def _densified(line: Floats) -> Floats:
    steps = distance_km(line[:-1], line[1:])
    parts = np.maximum(1, np.ceil(steps / STEP_KM)).astype(int)
    pieces = [a + (b - a) * (np.arange(n) / n)[:, None] for a, b, n in zip(line[:-1], line[1:], parts, strict=True)]
    return np.vstack([*pieces, line[-1:]])


def crossings(courses: list[Course]) -> Meetings:
    """Return every point where two different courses cross."""
    start, end, owner, along = _segments(courses)
    lat0 = float(start[:, 1].mean())
    a, b = plane_km(start, lat0), plane_km(end, lat0)
    pairs = _near_pairs(a, b, owner)
    i, j = pairs[:, 0], pairs[:, 1]
    share_i, share_j, hit = _intersections(a[i], b[i], a[j], b[j])
    i, j, share_i, share_j = i[hit], j[hit], share_i[hit], share_j[hit]
    length = distance_km(start, end)
    return Meetings(
        start[i] + (end[i] - start[i]) * share_i[:, None],
        owner[i],
        owner[j],
        along[i] + length[i] * share_i,
        along[j] + length[j] * share_j,
    )


def _segments(courses: list[Course]) -> tuple[Floats, Floats, Ints, Floats]:
    start = np.vstack([course.lonlat[:-1] for course in courses])
    end = np.vstack([course.lonlat[1:] for course in courses])
    counts = [len(course.lonlat) - 1 for course in courses]
    owner = np.repeat(np.arange(len(courses)), counts)
    along = np.concatenate([course.along_km[:-1] for course in courses])
    return start, end, owner, along


def _near_pairs(a: Floats, b: Floats, owner: Ints) -> Ints:
    longest = float(np.hypot(*(b - a).T).max())
    pairs = cKDTree((a + b) / 2).query_pairs(longest, output_type="ndarray").astype(np.int64)
    pairs = pairs[owner[pairs[:, 0]] != owner[pairs[:, 1]]]
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def _intersections(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return the shares along a-b and c-d at which the lines meet, and whether both lie on the segments."""
    u, v, w = b - a, d - c, c - a
    cross = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    parallel = np.abs(cross) < LATITUDE_TOLERANCE
    safe = np.where(parallel, 1.0, cross)
    s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / safe
    t = (w[:, 0] * u[:, 1] - w[:, 1] * u[:, 0]) / safe
    hit = ~parallel & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
    return s, t, hit


def touches(courses: list[Course], crossed: Meetings, snap_km: float, entered: int) -> Meetings:
    """Return where the open end of a course comes within `snap_km` [km] of another: the nearest one.

    An end that crosses another course no farther back than `snap_km` needs no second meeting. The first `entered`
    courses join only one another; the streets by rule after them join any course.
    """
    start, end, owner, along = _segments(courses)
    lat0 = float(start[:, 1].mean())
    tree = cKDTree(plane_km((start + end) / 2, lat0))
    rows = []
    for number, tip_km in open_ends(courses, crossed, snap_km, entered):
        tip = courses[number].at(np.array([tip_km]))
        near = np.array(sorted(tree.query_ball_point(plane_km(tip[0], lat0), snap_km + STEP_KM)), dtype=np.int64)
        near = near[(owner[near] != number) & ((owner[near] < entered) | (number >= entered))]
        if not len(near):
            continue
        foot, share = _feet_on(tip[0], start[near], end[near])
        gap = distance_km(np.broadcast_to(tip, foot.shape), foot)
        best = int(np.argmin(gap))
        if gap[best] <= snap_km:
            chosen = near[best]
            foot_km = along[chosen] + share[best] * distance_km(start[chosen], end[chosen])
            rows.append((*foot[best].tolist(), number, int(owner[chosen]), tip_km, float(foot_km)))
    return _stacked(rows)


def open_ends(courses: list[Course], crossed: Meetings, snap_km: float, entered: int) -> list[tuple[int, float]]:
    """Return course number and place [km] of each end without a crossing within `snap_km` [km] along its course.

    For one of the first `entered` courses only crossings with one another count.
    """
    owner = np.concatenate([crossed.first, crossed.second])
    other = np.concatenate([crossed.second, crossed.first])
    along = np.concatenate([crossed.first_km, crossed.second_km])
    counts = (owner >= entered) | (other < entered)
    owner, along = owner[counts], along[counts]
    ends = [(n, km) for n, course in enumerate(courses) if not course.closed for km in (0.0, course.length_km)]
    return [(n, km) for n, km in ends if not (np.abs(along[owner == n] - km) <= snap_km).any()]


def _feet_on(tip: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats]:
    a, b, p = (plane_km(x, float(tip[1])) for x in (start, end, tip))
    span = b - a
    share = np.clip(((p - a) * span).sum(axis=1) / np.maximum((span**2).sum(axis=1), 1e-18), 0.0, 1.0)
    return start + (end - start) * share[:, None], share


def _stacked(rows: list[tuple[float, float, int, int, float, float]]) -> Meetings:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Meetings(table[:, :2], table[:, 2].astype(np.int64), table[:, 3].astype(np.int64), table[:, 4], table[:, 5])


def inside(points: Floats, outline: Floats) -> NDArray[np.bool_]:
    """Return which points [deg] lie inside the closed outline [deg] (even-odd rule)."""
    x, y = points[:, :1], points[:, 1:]
    x1, y1 = outline[:, 0], outline[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    spans = (y1 > y) != (y2 > y)
    rise = np.where(y2 == y1, 1.0, y2 - y1)
    return np.asarray((spans & (x < x1 + (y - y1) / rise * (x2 - x1))).sum(axis=1) % 2 == 1)


def street_lines(name: str, outline: Floats, holes: list[Floats], spacing_km: float) -> list[Course]:
    """Return straight streets every `spacing_km` [km], west-east and south-north, inside the outline but in no hole."""
    lines = []
    for axis in (0, 1):
        for row in _lattice_rows(outline, spacing_km, axis):
            kept = inside(row, outline)
            for hole in holes:
                kept &= ~inside(row, hole)
            lines += [row[run] for run in _runs(kept)]
    return [measured(f"{name}_{number}", _densified(line)) for number, line in enumerate(lines)]


def _lattice_rows(outline: Floats, spacing_km: float, axis: int) -> list[Floats]:
    low, high = outline.min(axis=0), outline.max(axis=0)
    step = spacing_km / np.array([float(x) for x in km_per_degree(np.asarray((low[1] + high[1]) / 2))])
    fixed = np.arange(np.ceil(low[axis] / step[axis]), np.floor(high[axis] / step[axis]) + 1) * step[axis]
    other = 1 - axis
    run = np.arange(low[other], high[other], step[other] * STEP_KM / spacing_km)
    rows = []
    for value in fixed:
        row = np.empty((len(run), 2))
        row[:, axis], row[:, other] = value, run
        rows.append(row)
    return rows


def _runs(kept: NDArray[np.bool_]) -> list[Ints]:
    numbers = np.flatnonzero(kept)
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    return [run for run in np.split(numbers, breaks) if len(run) > 1]


def lattice(outline: Floats, spacing_km: float) -> Floats:
    """Return the points [deg] of a square lattice of `spacing_km` [km] inside the outline."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    step = spacing_km / np.array([float(x) for x in km_per_degree(np.asarray((low[1] + high[1]) / 2))])
    axes = [np.arange(np.ceil(low[k] / step[k]), np.floor(high[k] / step[k]) + 1) * step[k] for k in (0, 1)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(points[inside(points, outline)])
