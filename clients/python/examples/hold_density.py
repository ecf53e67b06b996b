"""Holds the density of emitters constant by setting the power of the activation laser, as long as a series runs.

    python examples/hold_density.py --config MMConfig.cfg --device Laser405 --property PowerPercent --density 0.8

Needs a running daemon and `pip install 'blinkd[micromanager]'`. Where another program owns the microscope, give its
core to `hold` instead of loading a configuration here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from blinkd.client import Acquisition, Client


@dataclass(slots=True, kw_only=True)
class DensityHold:
    """A careful hand on a laser: small steps, rarely, within limits, and none for nothing."""

    target_per_um2: float
    """Localizations per um2 and frame."""
    lowest: float
    highest: float
    """Of the property, in its own unit."""
    power: float
    dead_band: float = 0.1
    """No change while the density is within so much of the target, relative."""
    most_step: float = 1.5
    """The power changes by at most this factor at once."""
    settle_frames: int = 100
    """Between two changes: what was found before the last one says nothing."""
    _changed_at: int | None = None

    def __post_init__(self) -> None:
        """Refuses what no laser could do."""
        if self.target_per_um2 <= 0 or not 0 < self.lowest <= self.power <= self.highest:
            raise ValueError(
                f"target {self.target_per_um2} must be above 0, and 0 < lowest {self.lowest} <= power {self.power} "
                f"<= highest {self.highest}"
            )

    def next_power(self, density_per_um2: float, frames: int) -> float | None:
        """The power to set, or None to leave it. `frames`: processed so far."""
        if self._changed_at is not None and frames - self._changed_at < self.settle_frames:
            return None
        ratio = self.target_per_um2 / max(density_per_um2, 1e-9)
        if abs(density_per_um2 / self.target_per_um2 - 1) <= self.dead_band:
            return None
        # The root: density answers late, and more than in proportion where it was low.
        factor = min(max(ratio**0.5, 1 / self.most_step), self.most_step)
        power = min(max(self.power * factor, self.lowest), self.highest)
        if power == self.power:
            return None
        self.power, self._changed_at = power, frames
        return power


def hold(states: Iterable[Acquisition], hand: DensityHold, set_power: Callable[[float], object]) -> None:
    """Follows a series until it is done."""
    for state in states:
        if state.is_done:
            return
        processed = state.account.processed
        power = hand.next_power(state.statistics.density_per_um2, processed) if processed else None
        if power is not None:
            set_power(power)
            print(f"{processed} frames: {state.statistics.density_per_um2:.2f} per um2, power {power:.3g}")


def main() -> None:
    """Sets a property of a device of Micro-Manager."""
    from pymmcore_plus import CMMCorePlus

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="MMConfig_demo.cfg", help="Micro-Manager's configuration file")
    parser.add_argument("--address", default="127.0.0.1:5767", help="where the daemon answers clients")
    parser.add_argument("--device", required=True, help="label of the laser")
    parser.add_argument("--property", required=True, help="its power")
    parser.add_argument("--density", type=float, default=0.8, help="localizations per um2 and frame")
    parser.add_argument("--lowest", type=float, default=0.5, help="in the property's unit")
    parser.add_argument("--highest", type=float, default=50.0, help="in the property's unit")
    options = parser.parse_args()
    core = CMMCorePlus()
    core.loadSystemConfiguration(options.config)
    now = min(max(float(core.getProperty(options.device, options.property)), options.lowest), options.highest)
    hand = DensityHold(target_per_um2=options.density, lowest=options.lowest, highest=options.highest, power=now)

    def set_power(power: float) -> None:
        core.setProperty(options.device, options.property, power)

    with Client(options.address) as client:
        hold(client.acquisitions.watch(interval_s=0.25), hand, set_power)


if __name__ == "__main__":
    main()
