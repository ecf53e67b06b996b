"""Where the pairs of a training come from: made in place, or by other processes and shown several times.

Comes in: a recipe. Goes out: ``Pairs`` on the training's device, the same for the same seed. Never: trains.
"""

from __future__ import annotations

import multiprocessing as mp
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from blinkd_models.anet.pairs import Pairs, make_pairs
from blinkd_models.anet.recorded import Recorded
from blinkd_models.anet.settings import AnetSettings

WAITING = 4
"""Batches that one process makes ahead; then it waits."""
PATIENCE_S = 120.0
"""After which a process that sends nothing is asked whether it still lives."""
POOL_BATCHES = 48
"""Batches of which ``reuse`` mixes new ones."""


class Source(Protocol):
    """Gives pairs without end."""

    def next(self) -> Pairs: ...

    def close(self) -> None: ...


class InPlace:
    """Makes a batch when it is asked for."""

    def __init__(self, settings: AnetSettings, *, generator: torch.Generator) -> None:
        self.settings, self.numbers = settings, generator
        pixel_nm = settings.table_pixel_nm
        self.recorded = [Recorded.read(Path(table), pixel_nm=pixel_nm) for table in settings.tables]

    def next(self) -> Pairs:
        """Of a table or of simulated structures, by the table's share."""
        settings, numbers = self.settings, self.numbers
        coin, which = torch.rand(2, generator=numbers, device=numbers.device).tolist()
        if self.recorded and coin < settings.table_share:
            table = self.recorded[int(which * len(self.recorded))]
            return table.pairs(
                settings.batch, side_px=settings.side_px, kind=settings.table_kind, sampling=settings.sampling,
                generator=numbers,
            )  # fmt: skip
        return make_pairs(
            settings.kinds, count=settings.batch, side_px=settings.side_px, structures=settings.structures,
            sampling=settings.sampling, generator=numbers,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing runs."""


class Workers:
    """Processes that make batches ahead, asked in turn, so that the order does not depend on their speed.

    Every batch goes into a pool, of which each is shown ``reuse`` times on average, turned and mirrored at random.
    """

    def __init__(self, settings: AnetSettings, *, generator: torch.Generator, seed: int) -> None:
        self.settings, self.numbers = settings, generator
        context = mp.get_context("spawn")
        self.queues = [context.Queue(WAITING) for _ in range(settings.workers)]
        self.processes = [
            context.Process(target=_work, args=(settings, seed + 7919 * (1 + at), queue), daemon=True)
            for at, queue in enumerate(self.queues)
        ]
        for process in self.processes:
            process.start()
        self.taken, self.asked = 0, 0
        self.pool: list[Pairs] = []

    def next(self) -> Pairs:
        """A batch of the pool, which gets a new one every ``reuse`` calls."""
        numbers = self.numbers
        if self.settings.reuse == 1:
            return self._fresh()
        if self.asked % self.settings.reuse == 0:
            if len(self.pool) < POOL_BATCHES:
                self.pool.append(self._fresh())
            else:
                self.pool[self.taken % POOL_BATCHES] = self._fresh()
        self.asked += 1
        pick, turns, mirror = torch.rand(3, generator=numbers, device=numbers.device).tolist()
        return turned(self.pool[int(pick * len(self.pool))], quarters=int(4 * turns), mirrored=mirror < 0.5)

    def close(self) -> None:
        """Ends the processes."""
        for process in self.processes:
            process.terminate()
            process.join()

    def _fresh(self) -> Pairs:
        at = self.taken % len(self.queues)
        self.taken += 1
        while True:
            with suppress(Empty):
                arrays = self.queues[at].get(timeout=PATIENCE_S)
                return Pairs(**{name: torch.from_numpy(array).to(self.numbers.device) for name, array in arrays})
            if not self.processes[at].is_alive():
                raise RuntimeError("a process that makes pictures has ended; its error stands above")


def turned(pairs: Pairs, *, quarters: int, mirrored: bool) -> Pairs:
    """All pictures of a batch, turned by quarters and then mirrored."""

    def turn(picture: Tensor) -> Tensor:
        out = torch.rot90(picture, quarters, dims=(-2, -1))
        return (out.flip(-1) if mirrored else out).contiguous()

    return Pairs(
        counts=turn(pairs.counts), widefield=turn(pairs.widefield), target=turn(pairs.target), switch=pairs.switch
    )


def source_of(settings: AnetSettings, *, generator: torch.Generator, seed: int) -> Source:
    """As the recipe's ``workers`` say."""
    if settings.workers:
        return Workers(settings, generator=generator, seed=seed)
    return InPlace(settings, generator=generator)


def _work(settings: AnetSettings, seed: int, queue: Any) -> None:
    """One process: one thread, and batches until it is ended."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    own = InPlace(settings, generator=torch.Generator().manual_seed(seed))
    put: Callable[[list[tuple[str, np.ndarray]]], None] = queue.put
    while True:
        made = own.next()
        put([(name, getattr(made, name).numpy()) for name in ("counts", "widefield", "target", "switch")])
