"""Trains the network on freshly simulated recordings until the time budget is spent.

Comes in: settings, perhaps a checkpoint. Goes out: checkpoints and a log line now and then.
Never: evaluates or exports.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from blinkd_models import checkpoint
from blinkd_models.loss import Loss, decode_loss
from blinkd_models.network import Architecture, Decode
from blinkd_models.simulate import Ranges, draw_scene, simulate
from blinkd_models.target import Scales, make_target


class TrainingStoppedError(RuntimeError):
    """Training cannot go on; the message says why and which checkpoint is the last good one."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A recipe. The learning rate falls with the spent fraction of the budget: ``minutes``, or ``steps`` if sooner."""

    minutes: float = 110.0
    steps: int | None = None
    seed: int = 0
    learning_rate: float = 2e-3
    final_learning_rate: float = 3e-5
    warmup_steps: int = 500
    weight_decay: float = 1e-4
    clip_norm: float = 0.03
    average_decay: float = 0.999
    sequences: int = 4
    frames: int = 10
    crop_px: int = 40
    alone_share: float = 0.03
    autocast: bool = True
    save_every_s: float = 120.0
    log_every_steps: int = 200
    architecture: Architecture = field(default_factory=Architecture)
    ranges: Ranges = field(default_factory=Ranges)
    scales: Scales = field(default_factory=Scales)


class Trainer:
    """Holds the network, its moving average, the optimizer and the random state."""

    def __init__(self, settings: Settings, *, run: Path, clock: Callable[[], float] = time.monotonic) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.path = run / "checkpoint.pt"
        self.clock = clock
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.model = Decode(settings.architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Decode(settings.architecture)
        self.average.load_state_dict(self.model.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.step = 0
        self.elapsed_s = 0.0
        self.history: list[dict[str, float]] = []
        if self.path.exists():
            self._restore()

    def fraction(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        spent = self.elapsed_s / (60.0 * self.settings.minutes)
        if self.settings.steps is not None:
            spent = max(spent, self.step / self.settings.steps)
        return min(spent, 1.0)

    def learning_rate(self) -> float:
        """Linear warm-up over the first steps, then half a cosine over the budget."""
        warm = min(1.0, (self.step + 1) / self.settings.warmup_steps)
        high, low = self.settings.learning_rate, self.settings.final_learning_rate
        return warm * (low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * self.fraction())))

    def run(self, *, stop_after_steps: int | None = None, report: Callable[[str], None] = print) -> None:
        """Trains to the end of the budget, or for some steps; saves at intervals and at the end."""
        last_save, last_tick = self.clock(), self.clock()
        goal = None if stop_after_steps is None else self.step + stop_after_steps
        sums, summed = [0.0, 0.0, 0.0, 0.0], 0
        while self.fraction() < 1.0 and (goal is None or self.step < goal):
            losses = self.train_step()
            sums, summed = [total + value for total, value in zip(sums, losses, strict=True)], summed + 1
            now = self.clock()
            self.elapsed_s += now - last_tick
            last_tick = now
            if self.step % self.settings.log_every_steps == 0:
                self._log([total / summed for total in sums], report=report)
                sums, summed = [0.0, 0.0, 0.0, 0.0], 0
            if now - last_save >= self.settings.save_every_s:
                self.save()
                last_save = now
        self.save()

    def train_step(self) -> tuple[float, float, float, float]:
        """One update; returns the three loss terms and the gradient norm before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        loss = self._loss()
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        if not bool(torch.isfinite(loss.total.detach())) or not bool(torch.isfinite(norm)):
            kept = f"last good checkpoint: {self.path}" if self.path.exists() else "no checkpoint was written yet"
            raise TrainingStoppedError(
                f"loss {float(loss.total.detach())} with gradient norm {float(norm)} at step {self.step + 1}; {kept}"
            )
        self.optimizer.step()
        self.step += 1
        self._update_average()
        return (
            float(loss.count.detach()),
            float(loss.localization.detach()),
            float(loss.background.detach()),
            float(norm),
        )

    def _loss(self) -> Loss:
        """Loss of a fresh batch. Either the first or the last frame of the sequences is left out, so that a
        ninth of the windows lacks a neighbour; now and then all frames stand alone (live view)."""
        settings = self.settings
        scene = draw_scene(settings.ranges, sequences=settings.sequences, generator=self.generator)
        recording = simulate(
            scene, frames=settings.frames, height=settings.crop_px, width=settings.crop_px, generator=self.generator
        )
        coin = torch.rand(2, generator=self.generator)
        first = int(coin[0] < 0.5)
        last = settings.frames - 1 + first
        target = make_target(recording, scales=settings.scales, first=first, last=last)
        frames = settings.scales.to_input(recording.photons)
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16, enabled=settings.autocast):
            output = self.model.windows(frames, first=first, last=last, alone=bool(coin[1] < settings.alone_share))
        return decode_loss(output, target=target, z=settings.architecture.z)

    def _update_average(self) -> None:
        decay = min(self.settings.average_decay, (1.0 + self.step) / (10.0 + self.step))
        with torch.no_grad():
            averages: list[Tensor] = list(self.average.parameters())
            values: list[Tensor] = list(self.model.parameters())
            torch._foreach_lerp_(averages, values, 1.0 - decay)

    def _log(self, means: list[float], *, report: Callable[[str], None]) -> None:
        count, localization, background, norm = means
        row = {
            "step": float(self.step),
            "elapsed_s": self.elapsed_s,
            "learning_rate": self.learning_rate(),
            "count": count,
            "localization": localization,
            "background": background,
            "gradient_norm": norm,
        }
        self.history.append(row)
        report(
            f"step {self.step} {self.elapsed_s:.0f} s lr {row['learning_rate']:.1e} "
            f"count {count:.3f} localization {localization:.2f} background {background:.3f} norm {norm:.1f}"
        )

    def save(self) -> None:
        """Writes the checkpoint."""
        state = checkpoint.State(
            architecture=self.settings.architecture.as_dict(),
            model=self.model.state_dict(),
            average=self.average.state_dict(),
            optimizer=self.optimizer.state_dict(),
            rng=self.generator.get_state(),
            step=self.step,
            elapsed_s=self.elapsed_s,
            settings=asdict(self.settings),
            history=self.history,
        )
        checkpoint.save(state, path=self.path)

    def _restore(self) -> None:
        state = checkpoint.load(self.path)
        if state.network() != self.settings.architecture:
            raise ValueError(f"{self.path} holds {state.architecture}, asked for {self.settings.architecture}")
        self.model.load_state_dict(state.model)
        self.average.load_state_dict(state.average)
        self.optimizer.load_state_dict(state.optimizer)
        self.generator.set_state(state.rng)
        self.step, self.elapsed_s, self.history = state.step, state.elapsed_s, state.history
