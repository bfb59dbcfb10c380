"""Dropout masks are data too: which components a seed keeps, for every backend alike.

In epoch t, the component f of the training rating at place j is kept where

    mix((j * rank + f) ^ mix(mix(seed + 0x9E3779B9) ^ t)) >= dropout * 2**32

all modulo 2**32. A mask depends on the rating and not on the order of visits, the batch, the number
of threads or the device, so two backends with dropout can be compared number by number. `mix` is a
32-bit finaliser (Wellons 2018, github.com/skeeto/hash-prospector) with both factors below 2**31, so
that the same lines serve the signed 64-bit integers of any array library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfimpls.contract import Array, Hyper

BITS = 0xFFFFFFFF
RATINGS_AT_A_TIME = 4096


def mix(x: Any) -> Any:
    """A bijection of 0 .. 2**32 - 1 that looks random; `x` is an int or an int64 array of any
    library.
    """
    x = x ^ (x >> 16)
    x = x * 0x21F0AAAD & BITS
    x = x ^ (x >> 15)
    x = x * 0x735A2D97 & BITS
    return x ^ (x >> 15)


def kept(hyper: Hyper, epoch: int, places: Any, components: Any) -> Any:
    """Which components of p_u * q_i training keeps in `epoch` (from 0), boolean (B, rank).

    places (B, 1) int64 index problem.train, components (rank,) int64 count from 0; both are arrays
    of one library, NumPy's or another's, on any device.
    """
    salt = mix(mix((hyper.seed + 0x9E3779B9) & BITS) ^ epoch)
    return mix((places * hyper.rank + components & BITS) ^ salt) >= int(hyper.dropout * 2**32)


class Masks:
    """The masks of an epoch in its order of visits, made as they are sliced or iterated over.

    A slice is (B, rank) and an element (rank,), in hyper.dtype: 0 where dropped, else
    1 / (1 - dropout). Without dropout both are None.
    """

    def __init__(self, hyper: Hyper, epoch: int, order: NDArray[np.int64]) -> None:
        self.hyper, self.epoch, self.order = hyper, epoch, order
        self.components = np.arange(hyper.rank)

    def __getitem__(self, visits: slice) -> Array | None:
        if not self.hyper.dropout:
            return None
        mask = kept(self.hyper, self.epoch, self.order[visits, None], self.components)
        scaled: Array = mask.astype(self.hyper.dtype) / (1 - self.hyper.dropout)
        return scaled

    def __iter__(self) -> Iterator[Array | None]:
        for start in range(0, len(self.order), RATINGS_AT_A_TIME):
            visits = slice(start, start + RATINGS_AT_A_TIME)
            masks = self[visits]
            yield from [None] * len(self.order[visits]) if masks is None else masks
