"""Judges localizations against the truth: from tables, and from simulations made for it.

``match``, ``scores``, ``groups``, ``calibration``, ``bound`` are sums over pairs; ``comparison`` puts them together for
two tables. ``condition`` and ``simulated`` make the tables. Never: changes a network.
"""

from blinkd_models.evaluate.condition import Condition, grid, nominal_crlb_nm
from blinkd_models.evaluate.match import Matches, match
from blinkd_models.evaluate.simulated import Metrics, evaluate

__all__ = ["Condition", "Matches", "Metrics", "evaluate", "grid", "match", "nominal_crlb_nm"]
