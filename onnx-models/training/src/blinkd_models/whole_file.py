"""Text files that others read while they are rewritten.

Comes in: a path and its new text. Goes out: the old file or the new one, never a half. Never: outlives a power cut for
certain; checkpoints, which must, sync what they write.
"""

from __future__ import annotations

import os
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Writes beside ``path`` and renames."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
