"""The page's own label modules against numpy and scipy, on drawn and random maps."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from facesynth.core.labels import PALETTE
from tests.serving.browser.studio_page import StudioPage, ids_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIDE = 24
_MAP = (
    "const { LabelMap } = await import('/labels/label_map.js');"
    "const map = new LabelMap(%d, Uint8Array.from(atob(given.ids), (letter) => letter.charCodeAt(0)));"
)


def packed(ids: NDArray[np.uint8]) -> str:
    """Ids as `_MAP` unpacks them."""
    return base64.b64encode(ids.tobytes()).decode()


@pytest.fixture(scope="module")
def studio(laptop: Page, address: str) -> Iterator[StudioPage]:
    """Opened once for all: only its modules are used."""
    studio = StudioPage.on(laptop, address)
    yield studio
    studio.leave(1366, 768)


def run(
    studio: StudioPage, ids: NDArray[np.uint8], script: str, **given: Any
) -> tuple[NDArray[np.uint8], dict[str, int]]:
    """The ids after a script that changes `map` and returns a rectangle, and that rectangle."""
    body = f"{_MAP % len(ids)} const rect = await (async () => {{ {script} }})(); return {{ ids: [...map.ids], rect }};"
    told = studio.module(body, {"ids": packed(ids), **given})
    changed: NDArray[np.uint8] = np.array(told["ids"], dtype=np.uint8).reshape(ids.shape)
    return changed, told["rect"]


def blobs(seed: int, side: int = SIDE, labels: int = 4) -> NDArray[np.uint8]:
    """Smooth areas of a few labels."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), 1.5)
    drawn: NDArray[np.uint8] = np.digitize(noise, np.quantile(noise, np.linspace(0, 1, labels + 1)[1:-1])).astype(
        np.uint8
    )
    return drawn


def inside(rect: dict[str, int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    mask[rect["y"] : rect["y"] + rect["height"], rect["x"] : rect["x"] + rect["width"]] = True
    return mask


def test_flood_fills_the_connected_area_and_tells_its_rectangle(studio: StudioPage) -> None:
    random = np.random.default_rng(0)
    for seed in range(12):
        ids = blobs(seed)
        x, y = (int(value) for value in random.integers(0, SIDE, 2))
        script = (
            "const { flood } = await import('/labels/areas.js'); return flood(map, given.x + 0.4, given.y + 0.6, 9);"
        )
        filled, rect = run(studio, ids, script, x=x, y=y)
        areas, _ = ndimage.label(ids == ids[y, x])
        area = areas == areas[y, x]
        assert np.array_equal(filled, np.where(area, 9, ids))
        rows, columns = np.nonzero(area)
        assert rect == {
            "x": columns.min(), "y": rows.min(),
            "width": np.ptp(columns) + 1, "height": np.ptp(rows) + 1,
        }  # fmt: skip


def test_stroke_covers_the_centres_within_its_radius(studio: StudioPage) -> None:
    random = np.random.default_rng(1)
    script = (
        "const { stroke } = await import('/labels/shapes.js');"
        "return stroke(map, given.from, given.to, given.radius, 7);"
    )
    y, x = np.indices((SIDE, SIDE)) + 0.5
    for _ in range(12):
        a, b = random.uniform(-4, SIDE + 4, (2, 2))
        radius = float(random.uniform(1, 6))
        drawn, rect = run(
            studio, blobs(2), script, **{"from": {"x": a[0], "y": a[1]}, "to": {"x": b[0], "y": b[1]}}, radius=radius
        )
        t = np.clip(((x - a[0]) * (b - a)[0] + (y - a[1]) * (b - a)[1]) / ((b - a) ** 2).sum(), 0, 1)
        near = np.hypot(x - a[0] - t * (b - a)[0], y - a[1] - t * (b - a)[1]) <= radius
        assert np.array_equal(drawn, np.where(near, 7, blobs(2)))
        assert not (near & ~inside(rect, near.shape)).any()


def test_a_stroke_grows_from_one_radius_to_the_other(studio: StudioPage) -> None:
    script = (
        "const { stroke } = await import('/labels/shapes.js');"
        "return stroke(map, { x: 12, y: 32 }, { x: 52, y: 32 }, 2, 7, 10);"
    )
    drawn, rect = run(studio, np.zeros((64, 64), dtype=np.uint8), script)
    heights = (drawn == 7).sum(axis=0)
    assert (np.diff(heights[10:52]) >= 0).all() and heights[12] <= 5 and heights[52] == 20
    assert not ((drawn == 7) & ~inside(rect, drawn.shape)).any()


def test_a_trail_bends_where_samples_turn_and_keeps_sharp_corners(studio: StudioPage) -> None:
    script = """
        const { Trail } = await import('/input/trail.js');
        const trail = new Trail(given[0]);
        return [given[0], ...trail.add(given.slice(1)), ...trail.end()];
    """

    def trail(points: NDArray[np.float64]) -> NDArray[np.float64]:
        way = studio.module(script, [{"x": x, "y": y, "force": 1} for x, y in points])
        return np.array([(point["x"], point["y"]) for point in way])

    def turns(way: NDArray[np.float64]) -> NDArray[np.float64]:
        steps = np.diff(way, axis=0)
        angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
        return np.abs(np.rad2deg(np.diff(angles)))

    round_ = np.deg2rad(np.arange(0, 360, 30))
    circle = 256 + 150 * np.stack([np.cos(round_), np.sin(round_)], axis=1)
    way = trail(circle)
    assert turns(circle).max() == pytest.approx(30) and turns(way).max() < 8
    assert way[0].tolist() == circle[0].tolist() and way[-1].tolist() == circle[-1].tolist()
    assert np.abs(np.hypot(*(way - 256).T) - 150).max() < 150 * (1 - np.cos(np.deg2rad(15))) + 0.5
    square = np.array([[100.0, 100.0], [300, 100], [300, 300], [100, 300]])
    assert {tuple(point) for point in square} <= {tuple(point) for point in trail(square)}
    line = np.stack([np.linspace(3, 400, 9), np.linspace(7, 99, 9)], axis=1)
    beside = (trail(line) - line[0]) @ ((line[-1] - line[0])[::-1] * (1, -1))
    assert len(trail(line)) <= 10 and np.abs(beside).max() < 1e-6


def test_the_thinnest_stroke_has_no_gap(studio: StudioPage) -> None:
    ids = np.zeros((SIDE, SIDE), dtype=np.uint8)
    script = (
        "const { stroke } = await import('/labels/shapes.js');"
        "return stroke(map, { x: 2.1, y: 3.3 }, { x: 21.7, y: 14.9 }, 0.1, 5);"
    )
    drawn, _ = run(studio, ids, script)
    assert ndimage.label(drawn, structure=np.ones((3, 3)))[1] == 1
    assert np.ptp(np.nonzero(drawn)[1]) >= 19


def test_polygon_follows_the_even_odd_rule(studio: StudioPage) -> None:
    random = np.random.default_rng(3)
    y, x = np.indices((SIDE, SIDE)) + 0.5
    script = "const { polygon } = await import('/labels/shapes.js'); return polygon(map, given.points, 6);"
    for _ in range(10):
        points = random.uniform(-3, SIDE + 3, (int(random.integers(3, 8)), 2))
        drawn, _ = run(studio, blobs(4), script, points=[{"x": px, "y": py} for px, py in points])
        odd = np.zeros((SIDE, SIDE), dtype=bool)
        for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
            crosses = (ay <= y) != (by <= y)
            odd ^= crosses & (x >= ax + (y - ay) / (by - ay) * (bx - ax))
        assert np.array_equal(drawn, np.where(odd, 6, blobs(4)))


def test_warp_moves_the_disc_as_it_is_and_folds_nothing(studio: StudioPage) -> None:
    side, radius, start, end = 96, 10.0, (40.0, 40.0), (52.0, 45.0)
    ids = (np.arange(side) // 8 % 19).astype(np.uint8)[None, :].repeat(side, axis=0)
    script = (
        "const { warp } = await import('/labels/warp.js');"
        "return warp(map, map.ids.slice(), given.from, given.to, given.radius);"
    )
    given = {"from": {"x": start[0], "y": start[1]}, "to": {"x": end[0], "y": end[1]}}
    moved, rect = run(studio, ids, script, radius=radius, **given)
    y, x = np.indices((side, side)) + 0.5
    disc = np.hypot(x - end[0], y - end[1]) < radius - 1
    source = np.roll(ids, (5, 12), axis=(0, 1))
    assert np.array_equal(moved[disc], source[disc])
    assert np.array_equal(moved[~inside(rect, ids.shape)], ids[~inside(rect, ids.shape)])
    steps = np.diff(moved.astype(int), axis=1)
    assert (steps >= 0).all(), "stripes keep their order: nothing folds over"


@pytest.mark.parametrize("side", [8, 33, 512])
def test_png_is_written_and_read_exactly(studio: StudioPage, side: int) -> None:
    ids = np.random.default_rng(side).integers(0, 19, (side, side)).astype(np.uint8)
    told = studio.module(
        f"""{_MAP % side}
        const {{ encodePng, decodePng }} = await import('/labels/png.js');
        const blob = await encodePng(map, given.palette);
        const read = await decodePng(blob, given.palette);
        const same = read.ids.every((id, i) => id === map.ids[i]);
        const {{ base64 }} = await import('/net/painter.js');
        return {{ png: await base64(blob), same }};
        """,
        {"ids": packed(ids), "palette": PALETTE.tolist()},
    )
    assert told["same"]
    assert np.array_equal(ids_of(base64.b64decode(told["png"])), ids)


def test_any_steps_are_undone_and_done_again(studio: StudioPage) -> None:
    maps = [blobs(seed, labels=6) for seed in range(20)]
    told = studio.module(
        """
        const { LabelMap } = await import('/labels/label_map.js');
        const { History } = await import('/history.js');
        const { whole } = await import('/labels/rects.js');
        const map = new LabelMap(given.side, Uint8Array.from(given.maps[0]));
        const history = new History();
        for (const next of given.maps.slice(1)) {
            const before = map.ids.slice();
            map.ids.set(next);
            history.record(map, 'x', whole(given.side), before);
        }
        const back = [], forth = [];
        while (history.undo(map)) back.push([...map.ids]);
        while (history.redo(map)) forth.push([...map.ids]);
        return { back, forth };
        """,
        {"side": SIDE, "maps": [ids.ravel().tolist() for ids in maps]},
    )
    flat = [ids.ravel().tolist() for ids in maps]
    assert told["back"] == flat[-2::-1]
    assert told["forth"] == flat[1:]


def test_a_map_of_another_side_takes_the_nearest(studio: StudioPage) -> None:
    ids = blobs(5, 16)
    told = studio.module(f"{_MAP % 16} return [...map.resized(given.side).ids];", {"ids": packed(ids), "side": 32})
    assert np.array_equal(np.reshape(told, (32, 32)), ids.repeat(2, axis=0).repeat(2, axis=1))
