"""Qt without a screen, napari without the user's settings, and waiting for what is observable."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
DEADLINE_S = 20.0


@pytest.fixture(scope="session", autouse=True)
def settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The user's settings are neither read nor written."""
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")


@pytest.fixture(autouse=True)
def no_error_in_qt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is raised in a slot fails the test; without a hook, PyQt would end the process."""
    raised: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: raised.append(error))
    yield
    for error in raised:
        raise error


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits for a condition against a deadline, and lets Qt work meanwhile."""

    def wait(holds: Callable[[], bool], *, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
            process_events()
            time.sleep(0.005)  # polled, against the deadline above

    return wait


def process_events() -> None:
    """Qt's, where there is Qt."""
    try:
        from qtpy.QtWidgets import QApplication
    except ImportError:
        return
    if (application := QApplication.instance()) is not None:
        application.processEvents()
