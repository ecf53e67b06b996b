"""Trains A-net on fresh pictures until the budget is spent.

Comes in: settings, perhaps a checkpoint. Goes out: checkpoints and log lines. Never: exports, or judges beyond an
estimate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from blinkd_models import checkpoint, progress, schedule, settings_file
from blinkd_models.anet import losses
from blinkd_models.anet.network import Anet, AnetArchitecture, Discriminator, LowResolution
from blinkd_models.anet.pairs import make_pairs
from blinkd_models.anet.settings import AnetSettings
from blinkd_models.anet.similarity import ms_ssim
from blinkd_models.anet.source import source_of
from blinkd_models.device import place
from blinkd_models.moving_average import follow
from blinkd_models.settings import plain
from blinkd_models.train import TrainingStoppedError
from blinkd_models.whole_file import replace_text

SCHEMA = "a-net 1"
MEASURES = ("similarity", "low_resolution", "fooled", "told_apart", "estimator", "gradient_norm")
VALIDATION_SEED, VALIDATION_PICTURES = 1234, 6
NETWORKS = ("generator", "average", "estimator", "discriminator")


class AnetTrainer:
    """Holds generator, its moving average, low-resolution estimator, discriminator and their optimizers."""

    def __init__(self, settings: AnetSettings, *, run: Path, clock: Callable[[], float] = time.monotonic) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.run_folder, self.clock = settings, run, clock
        self.path = run / checkpoint.NAME
        self.placement = place(settings.device, precision=settings.precision)
        self.generator_of_numbers = self.placement.generator(settings.seed)
        shape, device = settings.architecture, self.placement.device
        self.generator, self.average = Anet(shape), Anet(shape)
        self.estimator = LowResolution(shape.discriminator_features * 4)
        self.discriminator = Discriminator(shape.discriminator_features)
        networks = (self.generator, self.average, self.estimator, self.discriminator)
        self.networks: dict[str, nn.Module] = dict(zip(NETWORKS, networks, strict=True))
        for network in self.networks.values():
            network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        found = checkpoint.last_good(run, read=take)
        if found is None and settings.init:
            self._put(take(source(Path(settings.init))))
        self.average.load_state_dict(self.generator.state_dict())
        self.optimizers = {
            "generator": self._adam("generator", settings.learning_rate),
            "estimator": self._adam("estimator", settings.learning_rate),
            "discriminator": self._adam("discriminator", settings.discriminator_rate),
        }
        self.step, self.elapsed_s = 0, 0.0
        self.history: list[dict[str, float]] = []
        self.scores: list[dict[str, float]] = []
        self.stop_requested = False
        if found is not None:
            self._restore(found[0])
        self.source = source_of(settings, generator=self.generator_of_numbers, seed=settings.seed + self.step)

    def fraction(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        return schedule.fraction(self.settings, step=self.step, elapsed_s=self.elapsed_s)

    def run(self, *, report: Callable[[str], None] = print) -> None:
        """Trains to the end of the budget or until ``stop_requested``; saves at intervals and then."""
        checkpoint.check_room(self.run_folder, model=nn.ModuleDict(self.networks))
        (self.run_folder / settings_file.NAME).write_text(settings_file.text(self.settings), encoding="utf-8")
        last_save = last_tick = self.clock()
        sums, judged_s = dict.fromkeys(MEASURES, 0.0), self.elapsed_s
        while self.fraction() < 1.0 and not self.stop_requested:
            for name, value in self.train_step().items():
                sums[name] += value / self.settings.log_every_steps
            now = self.clock()
            self.elapsed_s += now - last_tick
            last_tick = now
            if self.step % self.settings.log_every_steps == 0:
                self._log(sums, report)
                sums = dict.fromkeys(MEASURES, 0.0)
            if self.elapsed_s - judged_s > 60.0 * self.settings.validate_every_min:
                self._validate(report)
                judged_s = self.elapsed_s
                last_tick = self.clock()
            if now - last_save >= self.settings.save_every_s:
                self.save()
                last_save = now
        self.source.close()
        self._validate(report)
        self.save()

    def train_step(self) -> dict[str, float]:
        """One update of each network; returns :data:`MEASURES`."""
        pairs = self.source.next()
        mask = self._mask(len(pairs.switch), device=pairs.counts.device)
        generator, estimator, discriminator = self.generator, self.estimator, self.discriminator
        shown = generator.shown(pairs.counts, pairs.widefield, mask)
        with self.placement.autocast():
            logits = generator.logits(shown, pairs.switch)
            picture = torch.sigmoid(logits)
            scores = discriminator(shown, picture).float()
            seen = estimator(picture).float()
        similarity = losses.super_resolution(picture, pairs.target)
        low = losses.low_resolution(seen, pairs.widefield, there=mask[:, 1])
        fooled = losses.fooled(scores)
        settings = self.settings
        total = settings.similarity * similarity + settings.low_resolution * low + settings.adversarial * fooled
        if self.step < settings.beginning_steps:
            fading = 1.0 - self.step / settings.beginning_steps
            total = total + settings.beginning * fading * losses.beginning(logits, pairs.target)
        norm = self._update("generator", total)
        with self.placement.autocast():
            dense = discriminator(shown, pairs.target).float()
            made = discriminator(shown, picture.detach()).float()
            true = estimator(pairs.target).float()
        apart = losses.told_apart(dense, made)
        self._update("discriminator", apart)
        estimated = losses.low_resolution(true, pairs.widefield, there=torch.ones_like(pairs.switch))
        self._update("estimator", estimated)
        self.step += 1
        follow(self.average, network=self.generator, decay=self.settings.average_decay, step=self.step)
        numbers = torch.stack([similarity, low, fooled, apart, estimated, norm]).detach().tolist()
        if not all(math.isfinite(number) for number in numbers):
            kept = f"last good checkpoint: {self.path}" if self.path.exists() else "no checkpoint was written yet"
            raise TrainingStoppedError(f"a loss is not finite at step {self.step}; {kept}; try a smaller learning_rate")
        return dict(zip(MEASURES, numbers, strict=True))

    def _mask(self, count: int, *, device: torch.device) -> Tensor:
        """Which inputs are there: [N, 2]."""
        coins = torch.rand(count, generator=self.generator_of_numbers, device=device)
        both = coins < self.settings.both_share
        widefield_only = coins > 1.0 - self.settings.alone_share
        return torch.stack([~widefield_only, both | widefield_only], dim=1).float()

    def _adam(self, name: str, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.networks[name].parameters(), lr=rate, betas=(0.5, 0.999), fused=True)

    def _update(self, name: str, loss: Tensor) -> Tensor:
        """One step of one network; the gradient's norm before clipping."""
        optimizer, network = self.optimizers[name], self.networks[name]
        high = self.settings.discriminator_rate if name == "discriminator" else self.settings.learning_rate
        low = min(high, self.settings.final_learning_rate)
        rate = schedule.warm(self.settings, step=self.step) * schedule.cosine(high, low, spent=self.fraction())
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=list(network.parameters()))  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(network.parameters(), self.settings.clip_norm)
        optimizer.step()
        return norm

    def _log(self, sums: dict[str, float], report: Callable[[str], None]) -> None:
        row = {"step": float(self.step), "elapsed_s": self.elapsed_s, **sums}
        self.history.append(row)
        said = " ".join(f"{name} {row[name]:.3f}" for name in MEASURES)
        report(f"step {self.step} {self.elapsed_s:.0f} s {100 * self.fraction():.1f} % {said}")

    @torch.no_grad()
    def _validate(self, report: Callable[[str], None]) -> None:
        """MS-SSIM on pictures that are the same each time, with localizations only and with widefield."""
        numbers = self.placement.generator(VALIDATION_SEED)
        pairs = make_pairs(
            self.settings.kinds, count=VALIDATION_PICTURES, side_px=256, structures=self.settings.structures,
            sampling=self.settings.sampling, generator=numbers,
        )  # fmt: skip
        average = self.average.eval()
        row = {"step": float(self.step), "elapsed_s": self.elapsed_s}
        for name, mask in (("sparse", (1.0, 0.0)), ("both", (1.0, 1.0)), ("widefield", (0.0, 1.0))):
            masks = torch.tensor([mask], device=pairs.counts.device).expand(VALIDATION_PICTURES, 2)
            picture = average(pairs.counts, pairs.widefield, pairs.switch, masks)
            row[name] = float(ms_ssim(picture, pairs.target).mean())
        self.scores.append(row)
        report(f"step {self.step} MS-SSIM " + " ".join(f"{n} {row[n]:.4f}" for n in ("sparse", "both", "widefield")))
        rows = progress.rows(history=self.history, scores=self.scores)
        replace_text(self.run_folder / progress.ROWS, rows)

    def save(self) -> None:
        """Writes the checkpoint."""
        content = {
            "schema": SCHEMA,
            "settings": plain(self.settings),
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "rng": self.generator_of_numbers.get_state(),
            "device": self.placement.device.type,
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "history": self.history,
            "scores": self.scores,
        }
        checkpoint.put(content, path=self.path)

    def _put(self, content: dict[str, Any]) -> None:
        """A bundle's weights hold the average alone, which is then the generator's start."""
        kept = content["networks"]
        for name in NETWORKS:
            self.networks[name].load_state_dict(kept.get(name, kept["average"]))

    def _restore(self, content: dict[str, Any]) -> None:
        if architecture_of(content) != self.settings.architecture:
            raise ValueError(f"{self.path} holds another architecture than asked for; give another --run")
        self._put(content)
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(content["optimizers"][name])
        self.step, self.elapsed_s = content["step"], content["elapsed_s"]
        self.history, self.scores = content["history"], content["scores"]
        if content["device"] == self.placement.device.type:
            self.generator_of_numbers.set_state(content["rng"])
        else:
            self.generator_of_numbers.manual_seed(self.settings.seed + self.step)


def take(path: Path) -> dict[str, Any]:
    """A checkpoint of A-net; refuses others."""
    content = checkpoint.take(path)
    if content.get("schema") != SCHEMA:
        raise ValueError(f"{path} is no checkpoint of A-net (schema {content.get('schema')!r}, expected {SCHEMA!r})")
    return content


def architecture_of(content: dict[str, Any]) -> AnetArchitecture:
    """Of a checkpoint or a bundle's weights."""
    return AnetArchitecture(**content["settings"]["architecture"])


def source(named: Path) -> Path:
    """The file with weights in a run or a bundle, or the file itself."""
    for name in (checkpoint.NAME, "weights.pt"):
        if (named / name).exists():
            return named / name
    return named
