"""The tables that people read are the numbers of the cards."""

from pathlib import Path

import pytest

from blinkd_models.report import overview

BUNDLES = Path(__file__).resolve().parents[2]


def test_the_page_of_the_bundles_shows_what_their_cards_say() -> None:
    page = (BUNDLES / "README.md").read_text(encoding="utf-8")
    cards = overview.judged(BUNDLES)
    assert {"decode-2d-lite", "decode-astig-lite"} <= {content["name"] for content in cards}
    assert page == overview.inserted(page, tables=overview.markdown(cards))


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        overview.inserted("# Models\n", tables="| a |")
