"""Localizations as columns. Names and units are those of `localizations.proto`."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from blinkd.client.convert import column, own

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Numbers = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]


class TableFormat(enum.Enum):
    """What `export` writes."""

    PARQUET = "parquet"
    CSV = "csv"
    """ThunderSTORM's."""
    PICASSO = "picasso"
    """HDF5 and YAML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizationBatch:
    """n localizations; every column has shape (n,) and is read-only.

    Pixel coordinates are those of the camera's region: x along columns, y along rows, pixel centres at integers, so
    that `x_nm = (x_px + 0.5) * pixel_size_x_nm` counts from the corner of the first pixel. Frames count from 0.
    """

    series_id: bytes
    true_for_seq: int
    """The last frame that this batch is about."""
    frame: Numbers = column(np.uint32)
    tile: Numbers = column(np.uint32)
    x_px: Floats = column(np.float32)
    y_px: Floats = column(np.float32)
    z_nm: Floats = column(np.float32)
    photons: Floats = column(np.float32)
    background: Floats = column(np.float32)
    """Photons per pixel."""
    sigma_x_px: Floats = column(np.float32)
    sigma_y_px: Floats = column(np.float32)
    sigma_z_nm: Floats = column(np.float32)
    sigma_photons: Floats = column(np.float32)
    probability: Floats = column(np.float32)
    lagged: int
    """Localizations that this client missed just before because it read too slowly."""
    after_gap: bool = own(False)
    """The connection broke just before: what the daemon found meanwhile is not in the stream; `query` has it."""

    def __len__(self) -> int:
        return len(self.frame)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Name to array."""
        return {name: getattr(self, name) for name in COLUMNS}

    def to_arrow(self) -> pa.Table:
        """The columns as a table of pyarrow, which `pip install 'blinkd[arrow]'` brings."""
        try:
            import pyarrow
        except ImportError as error:
            raise ImportError("to_arrow needs pyarrow: pip install 'blinkd[arrow]'") from error
        return pyarrow.table(self.columns())

    def to_pandas(self) -> pd.DataFrame:
        """The columns as a data frame, where pandas is installed."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install pandas") from error
        return pandas.DataFrame(self.columns())

    @staticmethod
    def joined(batches: Sequence[LocalizationBatch], *, series_id: bytes = b"") -> LocalizationBatch:
        """All of them in their order; none: an empty one."""
        if not batches:
            return replace(EMPTY, series_id=series_id)
        columns: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in batches]) for name in COLUMNS}
        last = batches[-1]
        lagged = sum(batch.lagged for batch in batches)
        return LocalizationBatch(
            series_id=last.series_id, true_for_seq=last.true_for_seq, lagged=lagged, after_gap=False, **columns
        )


def after_a_gap(batch: LocalizationBatch) -> LocalizationBatch:
    """The same, marked."""
    return replace(batch, after_gap=True)


def of_frame_0(batch: LocalizationBatch) -> LocalizationBatch:
    """Without what later frames gave."""
    columns: dict[str, Any] = {name: column[batch.frame == 0] for name, column in batch.columns().items()}
    return replace(batch, **columns)


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(LocalizationBatch) if "dtype" in field.metadata)
_NOTHING: dict[str, Any] = {
    field.name: np.empty(0, field.metadata["dtype"]) for field in fields(LocalizationBatch) if "dtype" in field.metadata
}
EMPTY = LocalizationBatch(series_id=b"", true_for_seq=0, lagged=0, after_gap=False, **_NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A table that the daemon wrote, on its own machine."""

    path: str
    localizations: int
    bytes: int
