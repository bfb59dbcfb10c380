"""The inner loop of a Gram matrix: a tile of it stays in registers while the ratings stream by.

Written in LLVM's words: the number of registers, and so of sums, is the machine's. No result
depends on it, since each element of a tile is a sum of its own.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mfimpls.backends._vector import MANY_REGISTERS, Vector, fanned, place, vector_place

HEIGHT = 8 if MANY_REGISTERS else 4  # rows of a tile; both divide LANES


@intrinsic
def add_tile(typing_context, S, i, j, X, start, stop, scale):
    """S[i:i+HEIGHT, j:j+LANES] += scale * X[start:stop, i:i+HEIGHT]' X[start:stop, j:j+LANES]."""

    def codegen(context, builder, signature, args):
        to, i, j, data, start, stop, scale = args
        vector = Vector(S.dtype)
        words = context.get_value_type(vector)
        align = S.dtype.bitwidth // 8
        step = [context.get_constant(types.intp, h) for h in range(HEIGHT)]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(words, None)) for _ in step]
        with cgutils.for_range_slice(builder, start, stop, step[1]) as (t, _):
            y = builder.load(vector_place(context, builder, X, data, t, j), align=align)
            for h, total in zip(step, sums):
                at = place(context, builder, X, data, t, builder.add(i, h))
                x = fanned(context, builder, builder.load(at), S.dtype, vector)
                _add_product(builder, total, x, y)
        scale = fanned(context, builder, scale, S.dtype, vector)
        for h, total in zip(step, sums):
            at = vector_place(context, builder, S, to, builder.add(i, h), j)
            old = builder.load(at, align=align)
            builder.store(_multiply_add(builder, scale, builder.load(total), old), at, align=align)
        return context.get_dummy_value()

    n = types.intp
    return types.void(S, n, n, X, n, n, S.dtype), codegen


def _add_product(builder, total, x, y):
    builder.store(_multiply_add(builder, x, y, builder.load(total)), total)


def _multiply_add(builder, x, y, z):
    product = builder.fmul(x, y, flags=("contract",))
    return builder.fadd(z, product, flags=("contract",))
