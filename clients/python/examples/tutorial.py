"""What can be done with a running blinkd, from the first look to a table, cell by cell.

blinkd serve --config microscope.toml      # and something that sends frames, or `blinkd simulate`
python examples/tutorial.py --address 127.0.0.1:5767 --out tutorial
"""

# %% Connect
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from blinkd import Client, ColourBy, LocalizationFilter, Look, Rendering, Viewport

parser = argparse.ArgumentParser()
parser.add_argument("--address", default="127.0.0.1:5767")
parser.add_argument("--out", type=Path, default=Path("tutorial"))
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)
client = Client(options.address)
print(f"blinkd {client.status().version} runs {client.status().model}")

# %% What is there: the newest series, and what became of its frames
series = client.acquisitions.get()
account = series.account
print(f"'{series.name}': {account.received} frames received, {account.processed} processed, {account.waiting} waiting")
print(f"lost: {dict(account.lost) or 'none'}; missing: {dict(account.missing) or 'none'}")
assert account.received == account.processed + account.waiting + sum(account.lost.values())

# %% Watch it grow: pictures come as they change, at most four a second
for number, picture in enumerate(client.pictures(series, look=Look(gamma=0.6))):
    height, width, _ = picture.rgb.shape
    print(f"{width} x {height} px of {picture.pixel_size_nm:g} nm hold {picture.localizations} localizations")
    if number == 0:
        break

# %% The same as a file: a region of 2 x 2 um, coloured by time; and all of it as numbers, for Fiji or napari
corner = Viewport(x_min_nm=0, y_min_nm=0, x_max_nm=2000, y_max_nm=2000)
client.save_picture(options.out / "corner.png", series, viewport=corner, look=Look(colour_by=ColourBy.TIME))
client.save_picture(options.out / "counts.tif", series, look=Look(rendering=Rendering.HISTOGRAM))

# %% Localizations as numpy columns: those of the first hundred frames with at least 500 photons
bright = client.query(series, frames=(0, 99), filter=LocalizationFilter(photons_min=500))
x_nm = (bright.x_px + 0.5) * series.pixel_size_x_nm
print(f"{len(bright)} localizations")
if len(bright):
    print(f"photons {np.median(bright.photons):.0f} (median), x up to {x_nm.max():.0f} nm")

# %% What they are like, over the whole series
statistics = client.statistics(series)
for histogram in statistics.histograms:
    if histogram.counts.any():
        print(f"{histogram.quantity}: median {histogram.median:.3g} {histogram.unit}")
if statistics.drift is not None and len(statistics.drift.x_nm):
    print(f"drift so far: {statistics.drift.x_nm[-1]:.1f} nm in x, {statistics.drift.y_nm[-1]:.1f} nm in y")
if statistics.resolution is not None and statistics.resolution.frc_nm:
    print(f"resolution: {statistics.resolution.frc_nm:.0f} nm (FRC)")

# %% A table on the daemon's machine, during the recording or after it
export = client.export(series, format="csv", file_name="tutorial.csv")
print(f"{export.localizations} localizations in {export.path}")
client.close()
