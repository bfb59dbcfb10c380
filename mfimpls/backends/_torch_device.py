"""What every PyTorch backend needs to keep its promise of an idle device."""

from __future__ import annotations

import torch


def wait(device):
    """Return once the device is idle, so that the clock sees all of an epoch's work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
