"""Puts a bundle's folder in its place, whole or not at all.

Comes in: the folder wanted. Goes out: a folder beside it to write into, renamed at the end.
Never: half a bundle, or another folder's content thrown away.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blinkd_models import card

PLAIN_NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,127}")
MAX_FILE_BYTES = 64 << 20
"""Largest file that the daemon reads from a bundle."""


class BundleError(ValueError):
    """A bundle cannot be written; the message names the folder and the remedy."""


@contextmanager
def writing(bundle: Path) -> Iterator[Path]:
    """A fresh folder beside ``bundle`` that takes its place when the block ends well, and vanishes otherwise.

    An older bundle at that place is replaced; any other folder that is not empty is refused.
    """
    bundle = bundle.absolute()
    if not PLAIN_NAME.fullmatch(bundle.name):
        raise BundleError(f"{bundle}: a bundle's name is made of letters, digits and ._+- only; choose another folder")
    if bundle.exists() and not _replaceable(bundle):
        raise BundleError(
            f"{bundle} is not empty and holds no {card.NAME}; name a new folder, or empty this one yourself"
        )
    try:
        bundle.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{bundle.name}.", suffix=".partial", dir=bundle.parent))
    except OSError as error:
        raise BundleError(f"{bundle.parent}: {error.strerror}; name a folder that you may write to") from error
    try:
        beside.chmod(0o755)
        yield beside
        _take_place(beside, bundle=bundle)
    except OSError as error:
        raise BundleError(f"{bundle} was not written: {error}; free space or name another folder") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def finish(content: dict[str, Any], *, files: list[str], folder: Path) -> None:
    """Adds the checksums of ``files`` to the card and writes it; refuses files that the daemon would refuse."""
    for name in files:
        size = (folder / name).stat().st_size
        if size > MAX_FILE_BYTES:
            raise BundleError(f"{name} has {size >> 20} MiB; a bundle's file has at most {MAX_FILE_BYTES >> 20}")
    card.write({**content, "sha256": {name: card.sha256(folder / name) for name in files}}, bundle=folder)


def _replaceable(bundle: Path) -> bool:
    return bundle.is_dir() and ((bundle / card.NAME).exists() or not any(bundle.iterdir()))


def _take_place(beside: Path, *, bundle: Path) -> None:
    """Two renames: between them the older bundle waits under another name, never under none."""
    if not bundle.exists():
        os.replace(beside, bundle)
        return
    older = beside.with_suffix(".older")
    os.replace(bundle, older)
    try:
        os.replace(beside, bundle)
    except OSError:
        os.replace(older, bundle)
        raise
    shutil.rmtree(older, ignore_errors=True)
