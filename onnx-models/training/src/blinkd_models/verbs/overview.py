"""``overview``: the tables of all bundles, from their cards into a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from blinkd_models.report import overview


def add(verbs: Any) -> None:
    tables = verbs.add_parser("overview", help="write the tables of all bundles, from their cards, into a page")
    tables.add_argument("--bundles", type=Path, required=True, help="folder of the bundles' folders")
    tables.add_argument("--page", type=Path, required=True, help="Markdown with the two marks the tables go between")
    tables.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        page = arguments.page.read_text(encoding="utf-8")
        tables = overview.markdown(overview.judged(arguments.bundles))
        arguments.page.write_text(overview.inserted(page, tables=tables), encoding="utf-8")
    except (OSError, ValueError, KeyError) as error:
        print(f"overview: {error}", file=sys.stderr)
        return 2
    return 0
