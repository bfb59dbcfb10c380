"""What a PyTorch backend needs of its device: orders that nobody waits for, idleness at a yield."""

from __future__ import annotations

import torch


def wait(device):
    """Return once the device is idle, so that the clock sees all of an epoch's work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def on_device(order, device):
    """An epoch's order (n,) int64 as a tensor; to CUDA it is copied while the device works."""
    order = torch.from_numpy(order)
    if device.type == "cuda":
        return order.pin_memory().to(device, non_blocking=True)
    return order
