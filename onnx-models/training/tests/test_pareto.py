"""The search: candidates trained alike, measured, drawn; a stopped one goes on."""

import csv
import xml.etree.ElementTree as ElementTree
from itertools import count
from pathlib import Path

import pytest

from blinkd_models import pareto, pareto_table
from blinkd_models.network import Architecture, Decode
from blinkd_models.pareto import Result
from blinkd_models.settings import SettingsError

LISTS = sorted(Path(__file__).parents[1].glob("pareto*.toml"))
LIST = """
[base]
presets = ["astigmatic"]
device = "cpu"
steps = 2
frames = 3
crop_px = 16
sequences = 2
validate_every_min = 0

[[candidate]]
name = "d4"
architecture.features = 4

[[candidate]]
name = "s8"
architecture = { features = 8, squeeze = 2, head_features = 4, shared_heads = true, separable = true }
"""


def _list(folder: Path, content: str = LIST) -> Path:
    path = folder / "list.toml"
    path.write_text(content)
    return path


def _result(name: str, *, mflop: float, ji: float, lateral: float) -> Result:
    scores = [
        {"density_per_um2": d, "ji": ji, "lateral_nm": lateral, "axial_nm": 2.0 * lateral}
        for d in pareto.DENSITIES_PER_UM2
    ]
    return Result(
        name=name, shape="features 4", parameters=10, mflop_per_px=mflop, ms_per_frame=1.0, steps=5, minutes=20.0,
        scores=tuple(scores),
    )  # fmt: skip


def test_a_search_trains_and_measures_each_candidate_and_does_nothing_twice(tmp_path: Path) -> None:
    candidates = pareto.read_candidates(_list(tmp_path), minutes=1e6)
    out, lines = tmp_path / "out", []
    ticks = count()

    def search() -> list[Result]:
        return pareto.search(
            candidates, out=out, clock=lambda: float(next(ticks)), report=lines.append, emitters=40,
            after_each=lambda results: pareto_table.write(results, out=out),
        )  # fmt: skip

    results = search()
    assert [(r.name, r.steps) for r in results] == [("d4", 2), ("s8", 2)]
    assert [r.parameters for r in results] == [
        sum(p.numel() for p in Decode(c.settings.architecture).parameters()) for c in candidates
    ]
    assert all(r.ms_per_frame > 0.0 and r.mflop_per_px > 0.0 for r in results)
    assert all([s["density_per_um2"] for s in r.scores] == list(pareto.DENSITIES_PER_UM2) for r in results)
    rows = list(csv.DictReader((out / "pareto.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["d4", "s8"]
    assert all(0.0 <= float(row["ji_1"]) <= 1.0 for row in rows)
    lines.clear()
    assert str(search()) == str(results)
    assert not any("step" in text for text in lines), "a measured candidate is not trained again"


def test_every_problem_of_every_candidate_is_named(tmp_path: Path) -> None:
    broken = LIST + (
        '[[candidate]]\nname = "d4"\n[[candidate]]\nname = "../up"\n[[candidate]]\nname = "x"\nseed = 3\n'
        "architecture.features = 5.5\narchitecture.colour = 1\n[other]\n"
    )
    with pytest.raises(SettingsError) as caught:
        pareto.read_candidates(_list(tmp_path, broken), minutes=1.0)
    assert caught.value.problems == [
        "there is no table other; there are base and candidate",
        "candidate 3 has the name 'd4'; it must be a folder name of its own",
        "candidate 4 has the name '../up'; it must be a folder name of its own",
        "x.seed: only [base] can set this",
        "x: there is no setting architecture.colour",
        "x: architecture.features is 5.5; it must be a whole number",
    ]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_the_lists_that_come_with_the_package_can_be_read(path: Path) -> None:
    candidates = pareto.read_candidates(path, minutes=20.0)
    assert len({(c.settings.architecture, c.settings.teacher) for c in candidates}) == len(candidates)
    assert all(candidate.settings.minutes == 20.0 for candidate in candidates)


def test_the_front_holds_what_nothing_undercuts() -> None:
    points = [(1.0, 9.0), (2.0, 9.0), (2.0, 5.0), (3.0, 6.0), (4.0, 1.0), (0.5, float("nan"))]
    assert pareto_table.front(points) == [0, 2, 4]


def test_table_and_picture_name_each_network_and_mark_the_front() -> None:
    results = [
        _result("good", mflop=0.1, ji=0.9, lateral=20.0),
        _result("worse & dearer", mflop=0.4, ji=0.8, lateral=30.0),
        _result("best", mflop=1.0, ji=0.95, lateral=15.0),
    ]
    report = pareto_table.report(results)
    assert [row.split("|")[1].strip() for row in report.splitlines() if "features 4" in row] == ["*", "", "*"]
    drawing = ElementTree.fromstring(pareto_table.picture(results))
    words = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("worse & dearer") == 3


def test_a_squeezed_network_is_timed_through_its_graphs() -> None:
    assert pareto.frame_ms(Decode(Architecture(features=4, squeeze=2))) > 0.0
