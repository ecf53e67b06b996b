"""Where training computes and in what precision; how this process treats memory.

Comes in: the settings' words. Goes out: ``Placement``. Never: falls back silently from what was asked for.
"""

from __future__ import annotations

import ctypes
import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from blinkd_models.settings import Device, Precision

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's ``mallopt`` names; the first as large as it goes and the second 0 keep freed memory in the process."""

LOSS_SCALE, LEAST_LOSS_SCALE = 2.0**12, 2.0**-8
"""Start of the fp16 loss scale, and where it is used up: the gradient norm of early steps can be 1e5."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A device with the precision of the network's body."""

    device: torch.device
    precision: Precision

    def autocast(self) -> AbstractContextManager[object]:
        """Within, the body computes in the chosen precision."""
        if self.precision == "fp32":
            return nullcontext()
        kind = torch.bfloat16 if self.precision == "bf16" else torch.float16
        return torch.autocast(device_type=self.device.type, dtype=kind)

    def scaler(self) -> torch.amp.GradScaler:
        """Loss scaling: for fp16, whose gradients would vanish; switched off otherwise."""
        return torch.amp.GradScaler(
            self.device.type, init_scale=LOSS_SCALE, growth_interval=200, enabled=self.precision == "fp16"
        )

    def generator(self, seed: int) -> torch.Generator:
        """The seeded source of all random numbers of a training, on the device that uses them."""
        return torch.Generator(device=self.device).manual_seed(seed)


def place(device: Device, *, precision: Precision) -> Placement:
    """The device asked for; ``auto`` is a GPU if there is one. Raises where it, or the precision, does not exist.

    TF32 stays allowed for fp32 bodies only: next to bf16 or fp16 bodies the few fp32 layers are exact.
    """
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise ValueError("device is cuda, but PyTorch sees no GPU; use --device cpu, or install PyTorch with CUDA")
    chosen = torch.device("cuda" if cuda and device in ("cuda", "auto") else "cpu")
    if chosen.type == "cuda":
        if precision == "bf16" and not torch.cuda.is_bf16_supported():
            raise ValueError("precision is bf16, but this GPU has none; use --precision fp16")
        torch.backends.cudnn.allow_tf32 = precision == "fp32"
        torch.backends.cudnn.benchmark = True
    else:
        torch.set_flush_denormal(True)
    return Placement(device=chosen, precision=precision)


def keep_memory() -> bool:
    """Lets glibc keep freed memory instead of returning it to the system after each step; whether it took it.

    The same as starting with ``MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=2147483647``.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(M_MMAP_MAX, 0)) and bool(libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
