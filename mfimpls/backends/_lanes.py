"""What a kernel does across the lanes of a `Vector`: sums, and four numbers that go through the
same arithmetic together.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from mfimpls.backends._vector import Vector, picked, word


def _fold(builder, vector, lanes):
    # Add upper half to lower half until so many lanes are left.
    while (width := vector.type.count // 2) >= lanes:
        low = picked(builder, vector, vector, list(range(width)))
        high = picked(builder, vector, vector, list(range(width, 2 * width)))
        vector = builder.fadd(low, high)
    return vector


@intrinsic
def total(typing_context, vector):
    """Sum of the LANES numbers, halves first."""

    def codegen(context, builder, signature, args):
        return builder.extract_element(_fold(builder, args[0], 1), word(0))

    return vector.dtype(vector), codegen


@intrinsic
def totals(typing_context, a, b, c):
    """The four numbers total(a), total(b), total(c), total(c); their last additions are shared."""

    def codegen(context, builder, signature, args):
        a, b, c = (_fold(builder, vector, 4) for vector in args)
        ab, cc = (
            builder.fadd(picked(builder, x, y, [0, 4, 1, 5]), picked(builder, x, y, [2, 6, 3, 7]))
            for x, y in ((a, b), (c, c))
        )
        low, high = picked(builder, ab, cc, [0, 1, 4, 5]), picked(builder, ab, cc, [2, 3, 6, 7])
        return builder.fadd(low, high)

    return Vector(a.dtype, 4)(a, b, c), codegen


def _four_place(context, builder, signature, args):
    view = context.make_array(signature.args[0])(context, builder, args[0])
    four = context.get_value_type(Vector(signature.args[0].dtype, 4)).as_pointer()
    return builder.bitcast(builder.gep(view.data, [args[1]]), four)


@intrinsic
def load_four(typing_context, array, start):
    """The vector of array[start : start + 4], of a contiguous array (n,) and an int64 or uint64."""

    def codegen(context, builder, signature, args):
        place = _four_place(context, builder, signature, args)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return Vector(array.dtype, 4)(array, start), codegen


@intrinsic
def store_four(typing_context, array, start, four):
    """array[start : start + 4] = four."""

    def codegen(context, builder, signature, args):
        place = _four_place(context, builder, signature, args)
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, start, four), codegen


@intrinsic
def pick(typing_context, a, b, i, j, k, l):
    """The vector of four lanes of a and b, literals: 0 to 3 are a's, 4 to 7 b's."""

    def codegen(context, builder, signature, args):
        return picked(builder, args[0], args[1], [n.literal_value for n in (i, j, k, l)])

    literal = all(isinstance(n, types.IntegerLiteral) for n in (i, j, k, l))
    return (a(a, b, i, j, k, l), codegen) if literal else None


@intrinsic
def lane(typing_context, vector, k):
    """Element k, a literal."""

    def codegen(context, builder, signature, args):
        return builder.extract_element(args[0], word(k.literal_value))

    return (vector.dtype(vector, k), codegen) if isinstance(k, types.IntegerLiteral) else None


@intrinsic
def root(typing_context, vector):
    """Square roots."""

    def codegen(context, builder, signature, args):
        name = f"llvm.sqrt.v{vector.lanes}f{vector.dtype.bitwidth}"
        kind = ir.FunctionType(args[0].type, [args[0].type])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

    return vector(vector), codegen
