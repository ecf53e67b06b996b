"""Which network shape buys the most accuracy for its cost: trains candidates alike and measures each.

Comes in: a list of candidates. Goes out: a folder with one run per candidate and its ``result.json``.
Never: chooses; the table and the picture (``pareto_table``) are for a person.
"""

from __future__ import annotations

import json
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from blinkd_models import checkpoint, export, settings_file, validation
from blinkd_models.evaluate.runner import SplitGraphs
from blinkd_models.network import Architecture, Decode
from blinkd_models.report import cost
from blinkd_models.settings import Settings, SettingsError, plain
from blinkd_models.train import Trainer
from blinkd_models.whole_file import replace_text

RESULT = "result.json"
LIST_TABLES = ("base", "candidate")
DENSITIES_PER_UM2 = (0.2, 1.0, 2.0)
PHOTONS = 2000.0
EMITTERS = 2000
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.monotonic, "process": time.process_time}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A name, which is that of its folder, and the whole recipe."""

    name: str
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the table. scores: :class:`blinkd_models.validation.Score` per density, as plain numbers.

    ms_per_frame: split graphs in ONNX Runtime, one thread, one frame of 128 x 128 px and its window, processor time.
    """

    name: str
    shape: str
    parameters: int
    mflop_per_px: float
    ms_per_frame: float
    steps: int
    minutes: float
    scores: tuple[Mapping[str, float], ...]

    def score(self, density_per_um2: float) -> Mapping[str, float]:
        """The score nearest to this density."""
        return min(self.scores, key=lambda s: abs(s["density_per_um2"] - density_per_um2))


def read_candidates(path: Path, *, minutes: float) -> list[Candidate]:
    """From TOML: ``[base]`` is common to all, each ``[[candidate]]`` has a ``name`` and what differs. All get
    ``minutes`` and the seed of ``[base]``. Raises with every problem of every candidate."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as reason:
        raise SettingsError([str(reason)], source=str(path)) from reason
    entries = content.get("candidate", [])
    problems = [f"there is no table {key}; there are base and candidate" for key in content if key not in LIST_TABLES]
    if not isinstance(entries, list) or not entries:
        raise SettingsError([*problems, "there is no [[candidate]]"], source=str(path))
    base, candidates, seen = content.get("base", {}), [], set[str]()
    for number, entry in enumerate(entries, start=1):
        own = dict(entry)
        name = own.pop("name", None)
        if not isinstance(name, str) or not name or Path(name).name != name or name in seen:
            problems.append(f"candidate {number} has the name {name!r}; it must be a folder name of its own")
            continue
        seen.add(name)
        problems += [f"{name}.{key}: only [base] can set this" for key in ("seed", "minutes", "steps") if key in own]
        try:
            layers = [settings_file.over_presets(layer, source=str(path)) for layer in (base, own)]
            settings = settings_file.build(settings_file.merge(*layers, {"minutes": minutes}), source=str(path))
        except SettingsError as reason:
            problems += [f"{name}: {problem}" for problem in reason.problems]
            continue
        candidates.append(Candidate(name=name, settings=settings))
    if problems:
        raise SettingsError(problems, source=str(path))
    return candidates


def search(
    candidates: Iterable[Candidate],
    *,
    out: Path,
    clock: Callable[[], float],
    report: Callable[[str], None],
    emitters: int = EMITTERS,
    after_each: Callable[[list[Result]], None] = lambda _results: None,
) -> list[Result]:
    """Trains and measures what is not measured yet; a search that was stopped goes on where it was.

    A candidate whose recipe changed since its result is trained on (more minutes) or refused (another shape).
    """
    results: list[Result] = []
    for candidate in candidates:
        folder = out / candidate.name
        result = _measured(candidate, folder=folder)
        if result is None:
            report(f"== {candidate.name}: {candidate.settings.minutes:g} min, {describe(candidate.settings)}")
            trainer = Trainer(candidate.settings, run=folder, clock=clock)
            trainer.run(report=report)
            result = measure(candidate, trainer=trainer, emitters=emitters)
            content = {"settings": plain(candidate.settings), "result": asdict(result)}
            replace_text(folder / RESULT, json.dumps(content, indent=1) + "\n")
        results.append(result)
        report(f"== {line(result)}")
        after_each(results)
    return results


def measure(candidate: Candidate, *, trainer: Trainer, emitters: int = EMITTERS) -> Result:
    """Accuracy of the averaged weights on fixed simulations, and what the network costs."""
    settings = candidate.settings
    model = trainer.average.eval()
    scores = []
    for density in DENSITIES_PER_UM2:
        fixed = validation.condition(settings.ranges, density_per_um2=density, photons=PHOTONS)
        recording = validation.record(fixed, emitters=emitters, run=trainer.folder)
        scores.append(validation.score(model, recording=recording, fixed=fixed, scales=settings.scales).as_dict())
    on_cpu = Decode(settings.architecture)
    on_cpu.load_state_dict(model.state_dict())
    return Result(
        name=candidate.name,
        shape=describe(settings),
        parameters=sum(p.numel() for p in on_cpu.parameters()),
        mflop_per_px=export.mflop_per_px(on_cpu),
        ms_per_frame=frame_ms(on_cpu),
        steps=trainer.step,
        minutes=trainer.elapsed_s / 60.0,
        scores=tuple(scores),
    )


def frame_ms(model: Decode) -> float:
    """What ``cost`` measures of a bundle, of the two graphs of a network."""
    with tempfile.TemporaryDirectory() as folder:
        frame, context = (Path(folder) / name for name in export.export_split(model, bundle=Path(folder)))
        return cost.frame_ms(SplitGraphs(frame=frame, context=context))


def describe(settings: Settings) -> str:
    """What differs from the default network, in a few words."""
    shape, usual = settings.architecture.as_dict(), Architecture().as_dict()
    words = [f"{name} {value}" for name, value in shape.items() if name == "features" or value != usual[name]]
    if settings.teacher:
        words.append(f"teacher {Path(settings.teacher).name} x {settings.teacher_weight:g}")
    return ", ".join(word for word in words if not word.startswith("z "))


def line(result: Result) -> str:
    """One line for the terminal, at a density of 1."""
    score = result.score(1.0)
    return (
        f"{result.name}: JI {score['ji']:.3f}, lateral {score['lateral_nm']:.1f} nm, axial {score['axial_nm']:.0f} nm "
        f"at 1/um2; {result.mflop_per_px:.3f} MFLOP/px, {result.ms_per_frame:.1f} ms, {result.parameters} parameters"
    )


def _measured(candidate: Candidate, *, folder: Path) -> Result | None:
    """The result of an earlier search for exactly this recipe."""
    path = folder / RESULT
    if not path.exists() or not (folder / checkpoint.NAME).exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["settings"] != plain(candidate.settings):
        return None
    values: dict[str, Any] = content["result"]
    result = Result(**values)
    return replace(result, scores=tuple(result.scores))
