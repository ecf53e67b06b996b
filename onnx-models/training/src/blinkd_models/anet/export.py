"""Writes the bundle of a network of ANNA-PALM.

Comes in: a checkpoint. Goes out: a bundle folder that ONNX Runtime has been seen to agree with. Never: trains, or
judges.
"""

from __future__ import annotations

import io
import platform
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from blinkd_models import card, settings_file
from blinkd_models.anet.network import Anet, LowResolution
from blinkd_models.anet.pairs import make_pairs
from blinkd_models.anet.settings import AnetSettings
from blinkd_models.anet.structures import PIXEL_NM, SWITCH
from blinkd_models.bundle import finish, writing
from blinkd_models.export import OPSET, RECIPE
from blinkd_models.graphs import session

AGREEMENT = 2e-4
"""Largest difference between ONNX Runtime and PyTorch that passes, of pictures of 0 to 1."""
WINDOW_PX, OVERLAP_PX = 512, 64
GRAPH, WEIGHTS = "model.onnx", "weights.pt"
INPUTS = ("counts", "widefield", "control", "channel_mask")
OUTPUTS = ("picture", "estimate")
GOLDEN_SEED, GOLDEN_STEP = 77, 4
MASKS = {"sparse": (1.0, 0.0), "both": (1.0, 1.0), "widefield": (0.0, 1.0)}


class Painter(nn.Module):
    """Generator and low-resolution estimator as one graph of a fixed size."""

    def __init__(self, generator: Anet, estimator: LowResolution) -> None:
        super().__init__()
        self.generator, self.estimator = generator, estimator

    def forward(
        self, counts: Tensor, widefield: Tensor, control: Tensor, channel_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As the generator's; the picture, and the widefield image it would give at a quarter of the size."""
        picture = self.generator(counts, widefield, control, channel_mask)
        return picture, self.estimator(picture)


def load(content: dict[str, Any]) -> tuple[Painter, AnetSettings]:
    """Of a checkpoint or a bundle's ``weights.pt``: the moving average, rounded to the half precision that the latter
    keeps, so that graph and weights of a bundle are the same network."""
    settings = settings_file.build_as(AnetSettings, content["settings"], source="the checkpoint's settings")
    generator, estimator = Anet(settings.architecture), LowResolution(settings.architecture.discriminator_features * 4)
    for network, name in ((generator, "average"), (estimator, "estimator")):
        kept = content["networks"][name]
        network.load_state_dict({key: value.half().float() for key, value in kept.items()})
    return Painter(generator, estimator).eval(), settings


def write(
    content: dict[str, Any], *, bundle: Path, version: str = "1", note: str = "", window_px: int = WINDOW_PX
) -> float:  # fmt: skip
    """Writes the whole bundle, or nothing; returns the largest difference between ONNX Runtime and PyTorch."""
    painter, settings = load(content)
    if window_px % settings.architecture.grid_px:
        raise ValueError(f"windows of {window_px} px: this depth needs a multiple of {settings.architecture.grid_px}")
    with writing(bundle) as folder:
        _export(painter, path=folder / GRAPH, window_px=window_px)
        _save_weights(content, folder=folder)
        (folder / RECIPE).write_text(settings_file.text(settings), encoding="utf-8")
        worst, golden = _golden(painter, settings=settings, folder=folder, window_px=window_px)
        if not worst <= AGREEMENT:
            raise ValueError(f"ONNX Runtime differs from PyTorch by {worst:.2e}, allowed {AGREEMENT:.0e}")
        made = compose(content, painter=painter, settings=settings, window_px=window_px)
        made |= {"name": bundle.name, "version": version, "golden": golden}
        made["training"] |= {"note": note} if note else {}
        finish(made, files=[GRAPH], folder=folder)
    return worst


def compose(
    content: dict[str, Any], *, painter: Painter, settings: AnetSettings, window_px: int
) -> dict[str, Any]:  # fmt: skip
    """A card without name, version, checksums, metrics and golden files."""
    architecture = settings.architecture
    kinds = ", ".join(settings.kinds).replace("_", " ")
    fixed = architecture.input_norm == "fixed"
    start = "from " + settings.init if settings.init else "from random weights"
    return {
        "schema": 1,
        "name": "",
        "version": "",
        "engine": "a-net",
        "description": f"ANNA-PALM's picture from sparse localizations of {kinds}, widefield optional; "
        f"{architecture.features} features, {architecture.depth} levels.",
        "licence": "MIT OR Apache-2.0",
        "graphs": {"kind": "picture", "model": GRAPH, "precision": "fp32"},
        "sha256": {},
        "network": {
            "window_px": window_px,
            "overlap_px": min(OVERLAP_PX, window_px // 4),
            "pixel_nm": PIXEL_NM,
            "mflop_per_px": round(mflop_per_px(painter.generator), 4),
            "structures": {kind: SWITCH[kind] for kind in settings.kinds},
        },
        "input": {"counts": "localizations per pixel", "widefield": "0 to 1" if fixed else "adu"},
        "training": {
            "command": f"python -m blinkd_models anet train --run RUN --settings {RECIPE}",
            "seed": settings.seed,
            "recipe": f"Adam, cosine over the budget, batches of {settings.batch} windows of {settings.side_px} px, "
            f"weights {settings.similarity:g} MS-SSIM and L1, {settings.low_resolution:g} low resolution, "
            f"{settings.adversarial:g} adversarial, moving average {settings.average_decay:g}, "
            f"{settings.precision} bodies, {start}, simulated structures",
            "architecture": architecture.as_dict(),
            "steps": content["step"],
            "minutes": round(content["elapsed_s"] / 60.0, 1),
            "machine": f"{settings.device}, {platform.machine()}, shared with other work",
        },
    }


def mflop_per_px(network: Anet) -> float:
    """Two operations per multiplication, of the generator."""
    total, scale = 0.0, 1.0
    for encoder in network.encoders:
        scale /= 4.0
        total += 2.0 * scale * encoder.convolution.weight.numel()  # type: ignore[union-attr,operator]
    for decoder in network.decoders:
        scale *= 4.0
        total += 2.0 * scale * decoder.convolution.weight.numel()  # type: ignore[union-attr,operator]
    return (total + 2.0 * network.last.weight.numel()) / 1e6


def _export(painter: Painter, *, path: Path, window_px: int) -> None:
    """One graph of fixed size: what a window shows may depend on all of it, so windows are never made larger."""
    plane = torch.zeros(1, 1, window_px, window_px)
    torch.onnx.export(
        painter,
        (plane, plane, torch.zeros(1), torch.ones(1, 2)),
        str(path),
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def _save_weights(content: dict[str, Any], *, folder: Path) -> None:
    """What ``--init`` and :func:`load` need; without optimizers, and without the generator's last fluctuations."""
    networks = content["networks"]
    kept = {name: networks[name] for name in ("average", "estimator", "discriminator")}
    halves = {name: {key: value.half() for key, value in state.items()} for name, state in kept.items()}
    buffer = io.BytesIO()
    head = {name: content[name] for name in ("schema", "settings", "step", "elapsed_s")}
    torch.save({**head, "networks": halves}, buffer)
    (folder / WEIGHTS).write_bytes(buffer.getbuffer())


def _golden(
    painter: Painter, *, settings: AnetSettings, folder: Path, window_px: int
) -> tuple[float, dict[str, Any]]:  # fmt: skip
    """Inputs and outputs by PyTorch, and the largest difference of ONNX Runtime to them.

    counts and widefield: bytes, the latter 255 times; pictures: every ``GOLDEN_STEP``-th pixel of each axis.
    """
    counts, widefield, switch = golden_inputs(settings, side_px=window_px)
    runtime = session(folder / GRAPH)
    (folder / "golden").mkdir()
    arrays = {"counts": counts.numpy().astype(np.uint8)[0, 0]}
    arrays["widefield"] = (255.0 * widefield).round().numpy().astype(np.uint8)[0, 0]
    worst = 0.0
    for name, mask in MASKS.items():
        masks = torch.tensor([mask])
        with torch.no_grad():
            picture, estimate = painter(counts, widefield, switch, masks)
        given = (counts, widefield, switch, masks)
        answers = runtime.run(None, {key: value.numpy() for key, value in zip(INPUTS, given, strict=True)})
        for mine, theirs in zip((picture, estimate), answers, strict=True):
            worst = max(worst, float(np.abs(mine.numpy() - theirs).max()))
        arrays[f"{name}_picture"] = picture[0, 0, ::GOLDEN_STEP, ::GOLDEN_STEP].numpy()
        arrays[f"{name}_estimate"] = estimate[0, 0, ::GOLDEN_STEP, ::GOLDEN_STEP].numpy()
    sums = {}
    for name, array in arrays.items():
        np.save(folder / "golden" / f"{name}.npy", array)
        sums[f"{name}.npy"] = card.sha256(folder / "golden" / f"{name}.npy")
    return worst, {"switch": float(switch[0]), "sha256": sums}


def golden_inputs(settings: AnetSettings, *, side_px: int) -> tuple[Tensor, Tensor, Tensor]:
    """One window of the first kind, as bytes can hold it: counts, widefield of 0 to 1, switch."""
    numbers = torch.Generator().manual_seed(GOLDEN_SEED)
    pairs = make_pairs(
        settings.kinds[:1], count=1, side_px=side_px, structures=settings.structures, sampling=settings.sampling,
        generator=numbers,
    )  # fmt: skip
    return pairs.counts.clamp(max=255.0), (255.0 * pairs.widefield).round() / 255.0, pairs.switch
