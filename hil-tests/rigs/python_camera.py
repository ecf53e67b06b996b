"""A camera in a process of its own: ENDPOINT SIDE FPS SECONDS FORM. Prints its account as one JSON line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

import numpy as np
from blinkd import Frame, FramePublisher, Series


def main(endpoint: str, side: int, fps: float, seconds: float, form: str) -> None:
    bank = np.random.default_rng(1).integers(100, 400, (8, side, side), dtype=np.uint16)
    with FramePublisher(endpoint, form="json" if form == "json" else "protobuf") as publisher:
        deadline = time.monotonic() + 10
        while not publisher.connected and time.monotonic() < deadline:
            time.sleep(0.005)  # polled, against the deadline above
        publisher.start(Series(name="python camera", pixel_size_nm=(100.0, 100.0)))
        began, slowest = time.perf_counter(), 0.0
        for number in range(int(fps * seconds)):
            due = began + number / fps
            time.sleep(max(0.0, due - time.perf_counter()))  # the camera's own pace
            called = time.perf_counter()
            publisher.send_frame(bank[number % 8], Frame(camera_image_number=number))
            slowest = max(slowest, time.perf_counter() - called)
        took = time.perf_counter() - began
        counts = publisher.end(wait_s=10)
    account = {
        "captured": counts.captured,
        "sent": counts.sent,
        "dropped": counts.dropped,
        "frames_per_second": counts.captured / took,
        "slowest_call_ms": slowest * 1e3,
    }
    print(json.dumps(account))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
