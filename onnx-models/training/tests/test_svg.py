"""Charts: round ticks inside the frame, whatever the numbers."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from blinkd_models import svg
from blinkd_models.svg import Axis, Series


@pytest.mark.parametrize(
    ("low", "high", "log"), [(0.0, 1.0, False), (-3.0, 8.0, False), (0.2, 9e4, True), (195, 240, True)]
)
def test_ticks_are_a_few_round_values_between_the_ends(low: float, high: float, log: bool) -> None:
    ticks = Axis(low=low, high=high, start=0.0, end=100.0, log=log).ticks()
    assert 3 <= len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(ticks)


def test_a_logarithmic_axis_draws_decades_equally_far_apart() -> None:
    axis = Axis(low=1.0, high=100.0, start=0.0, end=50.0, log=True)
    assert [axis.at(v) for v in (1.0, 10.0, 100.0, 0.0)] == pytest.approx([0.0, 25.0, 50.0, 0.0])


@pytest.mark.parametrize("values", [[], [math.nan], [0.0], [5.0, 5.0], [1e-9, 1e9], [-1.0, math.inf, 2.0]])
@pytest.mark.parametrize("log_y", [False, True])
def test_a_chart_of_any_numbers_is_whole_and_inside_its_frame(values: list[float], log_y: bool) -> None:
    drawn = svg.chart(
        [Series(name="a < b", points=list(enumerate(values)), labels=["x & y"])], title="<t>", x_label="s", log_y=log_y
    )
    root = ElementTree.fromstring(drawn)
    assert "nan" not in drawn
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert svg.TOP - 0.1 <= float(circle.attrib["cy"]) <= 260.0 - svg.BOTTOM + 0.1
    assert re.search("&lt;t&gt;", drawn)
