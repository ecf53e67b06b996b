"""blinkd in napari: the growing picture, localizations on demand, scans, and readers for what the daemon writes.

Comes in: a daemon's answers, its Parquet tables and OME-Zarr pictures. Goes out: napari layers, all in one world of µm.
Never: a wait in napari's own thread. `napari.yaml` lists what napari finds here; nothing is imported before it is used.
"""
