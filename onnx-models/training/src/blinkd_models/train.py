"""Trains the network on freshly simulated recordings until the budget is spent.

Comes in: settings, perhaps a checkpoint. Goes out: checkpoints, log lines and a page of curves.
Never: judges beyond early estimates, or exports.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from blinkd_models import checkpoint, progress, schedule, settings_file, validation, warm_start
from blinkd_models.device import LEAST_LOSS_SCALE, place
from blinkd_models.distil import Teacher
from blinkd_models.health import CollapseWatch, detections
from blinkd_models.loss import decode_loss
from blinkd_models.moving_average import follow
from blinkd_models.network import Architecture, Decode
from blinkd_models.settings import Settings, plain
from blinkd_models.simulate import Ranges, draw_scene, simulate
from blinkd_models.target import Scales, make_target

__all__ = ["Architecture", "Ranges", "Scales", "Settings", "Trainer", "TrainingStoppedError"]

MEASURES = ("count", "localization", "background", "distillation", "gradient_norm", "expected", "asked", "saturated")
"""What a log row averages: loss terms, gradient norm before clipping, and :func:`blinkd_models.health.detections`."""
LEFT_OUT = "left_out"
"""Also in a row: the part of the updates that fp16 left out for an infinite gradient; the norm is without them."""


class TrainingStoppedError(RuntimeError):
    """Training cannot go on; the message says why, which checkpoint is the last good one and what to try."""


class Trainer:
    """Holds the network, its moving average, the optimizer and the random state.

    ``clock`` counts seconds: ``time.monotonic``, or ``time.process_time`` on a machine shared with other work.
    """

    def __init__(self, settings: Settings, *, run: Path, clock: Callable[[], float] = time.monotonic) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.folder = run
        self.path = run / checkpoint.NAME
        self.clock = clock
        self.placement = place(settings.device, precision=settings.precision)
        device = self.placement.device
        self.generator = self.placement.generator(settings.seed)
        self.scaler = self.placement.scaler()
        self.model = Decode(settings.architecture)
        self.notes: list[str] = []
        found = checkpoint.load_last_good(run)
        if settings.init and found is None:
            self.notes += warm_start.copy_into(self.model, source=Path(settings.init))
        self.average = Decode(settings.architecture).to(device)
        self.model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average.load_state_dict(self.model.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.teacher = Teacher.load(Path(settings.teacher), device=device) if settings.teacher else None
        self.watch = CollapseWatch(intervals=settings.collapse_intervals)
        self.validation = validation.Validation(settings, run=run)
        self.step = 0
        self.elapsed_s = 0.0
        self.history: list[dict[str, float]] = []
        self.scores: list[dict[str, float]] = []
        self.sums, self.summed = _nothing(), 0
        self.stop_requested = False
        if settings.precision == "fp16" and device.type == "cpu":
            self.notes.append("fp16 on a CPU is slow; bf16 is not")
        if found is not None:
            self._restore(*found)

    def fraction(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        return schedule.fraction(self.settings, step=self.step, elapsed_s=self.elapsed_s)

    def learning_rate(self) -> float:
        """The next update's learning rate."""
        return schedule.learning_rate(self.settings, step=self.step, spent=self.fraction())

    def run(self, *, stop_after_steps: int | None = None, report: Callable[[str], None] = print) -> None:
        """Trains to the end of the budget, for some steps, or until ``stop_requested``; saves at intervals and then."""
        self._begin(report)
        last_save = last_tick = self.clock()
        goal = None if stop_after_steps is None else self.step + stop_after_steps
        while self.fraction() < 1.0 and (goal is None or self.step < goal) and not self.stop_requested:
            for name, value in self.train_step().items():
                self.sums[name] += value
            self.summed += 1
            if self.validation.due(elapsed_s=self.elapsed_s):
                self._validate(report)
            now = self.clock()
            self.elapsed_s += now - last_tick
            last_tick = now
            if self.step % self.settings.log_every_steps == 0:
                self._log(report)
            if now - last_save >= self.settings.save_every_s:
                self.save()
                last_save = now
        if self.fraction() >= 1.0 and self.settings.validate_every_min > 0.0:
            self._validate(report)
        self.save()
        progress.write(self.folder, history=self.history, scores=self.scores, settings=self.settings, running=False)

    def train_step(self) -> dict[str, float]:
        """One update; returns :data:`MEASURES` and :data:`LEFT_OUT`."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        total, measures = self._loss()
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        measures["gradient_norm"] = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        numbers = torch.stack([total.detach(), *(measures[name] for name in MEASURES)]).tolist()
        values = dict(zip(MEASURES, numbers[1:], strict=True))
        self._check_finite(numbers[0], norm=values["gradient_norm"])
        values[LEFT_OUT] = float(not math.isfinite(values["gradient_norm"]))
        if values[LEFT_OUT]:
            values["gradient_norm"] = 0.0
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        follow(self.average, network=self.model, decay=self.settings.average_decay, step=self.step)
        return values

    def _loss(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of a fresh batch, and its parts. Either the first or the last frame of the sequences is left out, so
        that one window per sequence lacks a neighbour; now and then all frames stand alone (live view)."""
        settings = self.settings
        scene = draw_scene(settings.ranges, sequences=settings.sequences, generator=self.generator, run=self.folder)
        recording = simulate(
            scene, frames=settings.frames, height=settings.crop_px, width=settings.crop_px, generator=self.generator
        )
        coin = torch.rand(2, generator=self.generator, device=self.generator.device).tolist()
        first, alone = int(coin[0] < 0.5), coin[1] < settings.alone_share
        last = settings.frames - 1 + first
        target = make_target(recording, scales=settings.scales, first=first, last=last)
        with self.placement.autocast():
            frames = settings.scales.to_input(recording.photons)
            output = self.model.windows(frames, first=first, last=last, alone=alone)
        loss = decode_loss(
            output, target=target, z=settings.architecture.z, per_emitter=settings.localization_per_emitter
        )
        pull = torch.zeros((), device=output.device)
        if self.teacher is not None:
            with self.placement.autocast():
                shown = self.teacher.show(
                    recording.photons, scales=settings.scales, first=first, last=last, alone=alone
                )
            pull = settings.teacher_weight * self.teacher.pull(output, shown=shown, z=settings.architecture.z)
        expected, asked, saturated = detections(output, target=target)
        return loss.total + pull, {
            "count": loss.count.detach(),
            "localization": loss.localization.detach(),
            "background": loss.background.detach(),
            "distillation": pull.detach(),
            "expected": expected,
            "asked": asked,
            "saturated": saturated,
        }

    def _check_finite(self, loss: float, *, norm: float) -> None:
        """Raises on a loss or gradient that is not finite. In fp16 an infinite gradient is normal (the step is left
        out and the loss scale halved) until the scale is used up."""
        if math.isfinite(loss) and (math.isfinite(norm) or self._may_rescale()):
            return
        kept = f"last good checkpoint: {self.path}" if self.path.exists() else "no checkpoint was written yet"
        remedy = f"try a smaller --learning-rate (it was {self.learning_rate():.1e}) or --precision fp32"
        raise TrainingStoppedError(f"loss {loss} with gradient norm {norm} at step {self.step + 1}; {kept}; {remedy}")

    def _may_rescale(self) -> bool:
        return self.scaler.is_enabled() and self.scaler.get_scale() > LEAST_LOSS_SCALE

    def _begin(self, report: Callable[[str], None]) -> None:
        checkpoint.check_room(self.folder, model=self.model)
        (self.folder / settings_file.NAME).write_text(settings_file.text(self.settings), encoding="utf-8")
        for note in self.notes:
            report(note)
        self.notes.clear()

    def _validate(self, report: Callable[[str], None]) -> None:
        started = self.clock()
        score = self.validation.score(self.average)
        self.scores.append({"step": float(self.step), "elapsed_s": self.elapsed_s, **score.as_dict()})
        self.validation.done(elapsed_s=self.elapsed_s, cost_s=self.clock() - started)
        report(f"step {self.step} estimate: {score}")

    def _log(self, report: Callable[[str], None]) -> None:
        row = {
            "step": float(self.step),
            "elapsed_s": self.elapsed_s,
            "learning_rate": self.learning_rate(),
            **{name: total / self.summed for name, total in self.sums.items()},
        }
        row["gradient_norm"] /= max(1.0 - row[LEFT_OUT], 1.0 / self.summed)
        self.history.append(row)
        self.sums, self.summed = _nothing(), 0
        report(progress.line(row, spent=self.fraction()))
        if warning := self.watch.look(row):
            report(warning)
        progress.write(self.folder, history=self.history, scores=self.scores, settings=self.settings, running=True)

    def save(self) -> None:
        """Writes the checkpoint, unless a weight is not finite."""
        if not all(bool(torch.isfinite(value).all()) for value in self.model.state_dict().values()):
            raise TrainingStoppedError(f"a weight is not finite at step {self.step}; last good checkpoint: {self.path}")
        state = checkpoint.State(
            architecture=self.settings.architecture.as_dict(),
            model=self.model.state_dict(),
            average=self.average.state_dict(),
            optimizer=self.optimizer.state_dict(),
            rng=self.generator.get_state(),
            step=self.step,
            elapsed_s=self.elapsed_s,
            settings=plain(self.settings),
            history=self.history,
            scores=self.scores,
            device=self.placement.device.type,
            torch_rng=torch.get_rng_state(),
            scaler=self.scaler.state_dict(),
            sums=self.sums,
            summed=self.summed,
        )
        checkpoint.save(state, path=self.path)

    def _restore(self, state: checkpoint.State, path: Path) -> None:
        if state.network() != self.settings.architecture:
            raise ValueError(
                f"{path} holds {state.network()}, asked for {self.settings.architecture}; give another --run"
            )
        self.model.load_state_dict(state.model)
        self.average.load_state_dict(state.average)
        self.optimizer.load_state_dict(state.optimizer)
        self.step, self.elapsed_s = state.step, state.elapsed_s
        self.history, self.scores = state.history, state.scores
        self.sums, self.summed = {**self.sums, **state.sums}, state.summed
        self.notes.append(f"going on at step {state.step} from {path}")
        self.notes += [f"  changed since: {d}" for d in settings_file.differences(state.settings, plain(self.settings))]
        if state.scaler and self.scaler.is_enabled():
            self.scaler.load_state_dict(state.scaler)
        if state.torch_rng is not None:
            torch.set_rng_state(state.torch_rng)
        if state.device == self.placement.device.type:
            self.generator.set_state(state.rng)
        else:
            self.generator.manual_seed(self.settings.seed + state.step)
            self.notes.append(f"was on {state.device}, now on {self.placement.device}: the random numbers start anew")
        if self.scores:
            self.validation.done(elapsed_s=self.elapsed_s, cost_s=0.0)


def _nothing() -> dict[str, float]:
    return dict.fromkeys((*MEASURES, LEFT_OUT), 0.0)
