"""SMAP's bead calibration, ``*_3dcal.mat``, in both containers MATLAB writes: version 5, and 7.3 (HDF5).

Comes in: a file. Goes out: a ``CubicSpline``, and back. Never: runs anything from the file, or guesses a missing field.

``SXY`` (or at the top level of old files) holds ``cspline`` with ``coeff`` [rows, columns, planes, 64], an array or a
cell of one array per channel; ``dz`` in nm; ``x0``, the row and column, and ``z0``, the plane of the emitter, counted
from one. MATLAB's first axis is the image's row. SMAP fits P(:, 1) along it and reports it as y; DECODE calls it x.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import torch
from numpy.typing import NDArray

from blinkd_models.psf.spline import CubicSpline

Array = NDArray[Any]
HDF5_BEGIN = b"\x89HDF\r\n\x1a\n"
HDF5_OFFSET = 512
COEFFICIENTS_MAX = 1 << 28


class CalibrationFileError(ValueError):
    """A calibration that cannot be used; the message names the file, the field and the remedy."""


def read_3dcal(path: Path, *, part: int = 0, channel: int = 0, transpose: bool = False) -> CubicSpline:
    """The spline of a ``_3dcal.mat``; its z = 0 is plane ``z0``.

    part: which element of the struct array ``SXY``, counted from zero (regions of the field, MATLAB's order).
    channel: which element of the cell ``coeff``. transpose: for files whose first axis is the image's column.
    """
    if not path.is_file():
        raise CalibrationFileError(f"{path}: no such file; export it from SMAP's calibrate3DsplinePSF")
    try:
        with path.open("rb") as file:
            is_hdf5 = HDF5_BEGIN in (file.read(8), file.read(HDF5_OFFSET)[HDF5_OFFSET - 8 :])
        if is_hdf5:
            with h5py.File(path, "r") as root:
                return _spline(_Hdf5(root, root), path=path, part=part, channel=channel, transpose=transpose)
        tree = _Struct(_variables(path))
    except CalibrationFileError:
        raise
    except Exception as error:
        raise CalibrationFileError(f"{path}: not a MATLAB file that can be read ({error}); export it again") from error
    return _spline(tree, path=path, part=part, channel=channel, transpose=transpose)


def write_3dcal(spline: CubicSpline, path: Path) -> None:
    """Writes version 5, readable by :func:`read_3dcal`, SMAP and DECODE; row0 and col0 must agree (one ``x0``)."""
    if spline.row0 != spline.col0:
        raise CalibrationFileError(
            f"{path}: cspline.x0 holds one number, but the emitter sits at row {spline.row0}, column {spline.col0}; "
            "cut the stack so that both are equal"
        )
    coefficients = spline.coefficients.detach().cpu().float().permute(1, 2, 0, 3).numpy()
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = coefficients
    samples = np.empty((1, 1), dtype=object)
    samples[0, 0] = coefficients[..., 0]
    cspline = {
        "coeff": cell,
        "dz": float(spline.dz_nm),
        "z0": spline.z0 + 1.0,
        "x0": spline.row0 + 1.0,
        "mirror": 0.0,
    }
    everywhere = np.array([[-np.inf, np.inf]])
    tree = {"SXY": {"cspline": cspline, "PSF": samples, "Xrangeall": everywhere, "Yrangeall": everywhere}}
    scipy.io.savemat(path, {**tree, "parameters": {"dz": float(spline.dz_nm)}}, do_compression=True)


def _variables(path: Path) -> dict[str, Any]:
    """What concerns the PSF; real files also hold figures and objects, which are not parsed. Else only the names."""
    found: dict[str, Any] = scipy.io.loadmat(path, variable_names=("SXY", "cspline"))
    if "SXY" in found or "cspline" in found:
        return found
    return {name: None for name, _, _ in scipy.io.whosmat(path)}


class _Struct:
    """A MATLAB struct of version 5: a dictionary at the top level, a record array below."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def names(self) -> tuple[str, ...]:
        if isinstance(self.value, dict):
            return tuple(self.value)
        return tuple(getattr(self.value, "dtype", np.dtype(float)).names or ())

    def get(self, name: str, *, element: int = 0) -> _Struct:
        if isinstance(self.value, dict):
            return _Struct(self.value[name])
        return _Struct(self.value.flatten(order="F")[element][name])

    def count(self) -> int:
        return 1 if isinstance(self.value, dict) else int(self.value.size)

    def array(self, *, element: int = 0) -> Array:
        """A numeric array, or the array in a cell."""
        value = np.asarray(self.value)
        return np.asarray(value.flatten(order="F")[element]) if value.dtype == object else value


class _Hdf5:
    """A MATLAB struct of version 7.3: a group; of a struct array, each field is a list of references."""

    def __init__(self, node: Any, root: h5py.File) -> None:
        self.node, self.root = node, root

    def names(self) -> tuple[str, ...]:
        return tuple(self.node) if isinstance(self.node, h5py.Group) else ()

    def get(self, name: str, *, element: int = 0) -> _Hdf5:
        child = self.node[name]
        if _is_cell(child) and child.attrs.get("MATLAB_class", b"") != b"cell":
            child = self.root[child[()].flatten()[element]]
        return _Hdf5(child, self.root)

    def count(self) -> int:
        children = list(self.node.values()) if isinstance(self.node, h5py.Group) else []
        spread = [c for c in children if _is_cell(c) and c.attrs.get("MATLAB_class", b"") != b"cell"]
        return int(spread[0].size) if spread and len(spread) == len(children) else 1

    def array(self, *, element: int = 0) -> Array:
        """A numeric array, or the array in a cell; HDF5 holds MATLAB's axes in reverse."""
        node = self.root[self.node[()].flatten()[element]] if _is_cell(self.node) else self.node
        return np.asarray(node[()]).T


def _is_cell(node: Any) -> bool:
    return isinstance(node, h5py.Dataset) and h5py.check_ref_dtype(node.dtype) is h5py.Reference


_Tree = _Struct | _Hdf5


def _spline(tree: _Tree, *, path: Path, part: int, channel: int, transpose: bool) -> CubicSpline:
    """Every field checked, counted from zero."""

    def field(parent: _Tree, name: str, *, within: str, element: int = 0) -> _Tree:
        if name not in parent.names():
            raise CalibrationFileError(
                f"{path}: {within}{name} is missing (there is: {', '.join(parent.names()) or 'nothing'}); "
                "save the calibration again with SMAP's calibrate3DsplinePSF"
            )
        return parent.get(name, element=element)

    prefix = ""
    if "SXY" in tree.names():
        tree, prefix = tree.get("SXY"), "SXY."
        if not 0 <= part < tree.count():
            raise CalibrationFileError(f"{path}: SXY has {tree.count()} elements, number {part} was asked for")
    elif "cspline" not in tree.names():
        field(tree, "SXY", within="")
    cspline = field(tree, "cspline", within=prefix, element=part)
    prefix += "cspline."

    def number(name: str) -> float:
        values = field(cspline, name, within=prefix).array()
        if values.size != 1 or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
            raise CalibrationFileError(f"{path}: {prefix}{name} must be one finite number, not {values.shape} values")
        return float(values.reshape(()))

    coefficients = _coefficients(
        lambda: field(cspline, "coeff", within=prefix).array(element=channel), path=path, name=f"{prefix}coeff"
    )
    dz, x0, z0 = number("dz"), number("x0"), number("z0")
    for name, value, limit in (("x0", x0, min(coefficients.shape[:2])), ("z0", z0, coefficients.shape[2])):
        if not 1.0 <= value <= limit + 1:
            raise CalibrationFileError(f"{path}: {prefix}{name} = {value} lies outside coeff {coefficients.shape}")
    if not dz > 0.0:
        raise CalibrationFileError(f"{path}: {prefix}dz = {dz}; the distance of planes in nm must be positive")
    volume = torch.from_numpy(np.ascontiguousarray(coefficients.transpose(2, 0, 1, 3), dtype=np.float32))
    if transpose:
        cubes = volume.reshape(*volume.shape[:3], 4, 4, 4)
        volume = cubes.permute(0, 2, 1, 3, 5, 4).flatten(3).contiguous()
    return CubicSpline(coefficients=volume, dz_nm=dz, z0=z0 - 1.0, row0=x0 - 1.0, col0=x0 - 1.0)


def _coefficients(read: Callable[[], Array], *, path: Path, name: str) -> Array:
    """[rows, columns, planes, 64], finite."""
    try:
        coefficients = read()
    except (IndexError, KeyError) as error:
        raise CalibrationFileError(f"{path}: {name} has no such channel ({error})") from error
    if coefficients.ndim != 4 or coefficients.shape[3] != 64 or coefficients.dtype.kind != "f":
        raise CalibrationFileError(
            f"{path}: {name} is {coefficients.dtype} {coefficients.shape}, expected numbers [rows, columns, planes, 64]"
        )
    if coefficients.size > COEFFICIENTS_MAX:
        raise CalibrationFileError(f"{path}: {name} {coefficients.shape} is larger than any calibration")
    if not np.isfinite(coefficients).all():
        raise CalibrationFileError(f"{path}: {name} holds values that are not finite; calibrate again")
    return coefficients
