"""Sixteen numbers at a time inside Numba kernels, said outright instead of hoped for.

LLVM's vectoriser gives up, or works in steps too wide for a rank of 16, where it can't prove that
two rows differ. A `Vector` is LLVM's own `<16 x float>` or `<16 x double>`, which it maps to
whatever registers the machine has: one with AVX-512, two with AVX2, four with NEON. Kernels read
like their scalar form::

    for k in range(0, P.shape[1], LANES):
        store(P, u, k, load(P, u, k) + step * load(Q, i, k))

Rows are padded with zeros to a multiple of LANES (`padded`). Arithmetic may be contracted to fused
multiply-add and is otherwise done as written, so the same kernel gives the same bits everywhere.
"""

import operator

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

LANES = 16
CACHE_LINE = 64
# How much of a kernel's data registers can hold: it decides how far loops are unrolled, no result.
MANY_REGISTERS = bool(get_host_cpu_features().get("avx512f"))


def padded(X, dtype, multiple=LANES):
    """Copy X (n, rank) into rows of zeros that start on a cache line, (n, width >= rank)."""
    width = -(-X.shape[1] // multiple) * multiple
    table = aligned_zeros((len(X), width), dtype)
    table[:, : X.shape[1]] = X
    return table


def aligned_zeros(shape, dtype):
    """np.zeros whose first element starts a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(dtype).reshape(shape)


class Vector(types.Type):
    """LANES numbers, or so many, of one floating type."""

    def __init__(self, dtype, lanes=LANES):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype} x {lanes})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        element = dmm.lookup(fe_type.dtype).get_value_type()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.lanes))


def place(context, builder, array_type, array, row, column):
    """Address of array[row, column], an element's, without the check for negative indices."""
    view = context.make_array(array_type)(context, builder, array)
    index = [row, column]
    return cgutils.get_item_pointer(context, builder, array_type, view, index, wraparound=False)


def vector_place(context, builder, array_type, array, row, column):
    """The same address, as that of a Vector; it is aligned like an element."""
    vector = context.get_value_type(Vector(array_type.dtype))
    element = place(context, builder, array_type, array, row, column)
    return builder.bitcast(element, vector.as_pointer())


def _indexed(find, context, builder, signature, args):
    # The address by `find` of args[0][args[1], args[2]].
    kinds = signature.args[1:3]
    index = [context.cast(builder, a, k, types.intp) for a, k in zip(args[1:3], kinds)]
    return find(context, builder, signature.args[0], args[0], *index)


@intrinsic
def load(typing_context, array, row, column):
    """The LANES numbers array[row, column : column + LANES]."""

    def codegen(context, builder, signature, args):
        at = _indexed(vector_place, context, builder, signature, args)
        return builder.load(at, align=array.dtype.bitwidth // 8)

    return Vector(array.dtype)(array, row, column), codegen


@intrinsic
def store(typing_context, array, row, column, vector):
    """array[row, column : column + LANES] = vector."""

    def codegen(context, builder, signature, args):
        at = _indexed(vector_place, context, builder, signature, args)
        builder.store(args[3], at, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, row, column, vector), codegen


@intrinsic
def prefetch(typing_context, array, row, column):
    """Ask for the cache line of array[row, column]."""

    def codegen(context, builder, signature, args):
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        at = builder.bitcast(_indexed(place, context, builder, signature, args), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # Arguments: for reading, to the first-level cache, data.
        builder.call(function, [at, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, row, column), codegen


@intrinsic
def zeros(typing_context, array):
    """LANES zeros of the array's type."""

    def codegen(context, builder, signature, args):
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Vector(array.dtype)(array), codegen


@intrinsic
def spread(typing_context, array, row, column):
    """The one number array[row, column], LANES times."""

    def codegen(context, builder, signature, args):
        number = builder.load(_indexed(place, context, builder, signature, args))
        return fanned(context, builder, number, array.dtype, Vector(array.dtype))

    return Vector(array.dtype)(array, row, column), codegen


def word(k):
    return ir.Constant(ir.IntType(32), k)


def picked(builder, a, b, lanes):
    # The vector of those lanes of a and, counted on from its last, of b.
    return builder.shuffle_vector(
        a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    )


def fanned(context, builder, value, kind, vector):
    """A scalar becomes as many copies of itself as the type `vector` has lanes."""
    if isinstance(kind, Vector):
        return value
    element = context.cast(builder, value, kind, vector.dtype)
    nothing = ir.Constant(context.get_value_type(vector), ir.Undefined)
    one = builder.insert_element(nothing, element, word(0))
    return picked(builder, one, nothing, [0] * vector.lanes)


def _define(operation, instruction):
    @intrinsic
    def apply(typing_context, x, y):
        vector = x if isinstance(x, Vector) else y

        def codegen(context, builder, signature, args):
            x, y = (
                fanned(context, builder, value, kind, vector)
                for value, kind in zip(args, signature.args)
            )
            return getattr(builder, instruction)(x, y, flags=("contract",))

        return vector(x, y), codegen

    @overload(operation)
    def choose(x, y):
        if isinstance(x, Vector) or isinstance(y, Vector):
            return lambda x, y: apply(x, y)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
