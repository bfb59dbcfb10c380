"""What threads inside one Numba kernel need to share out work: a counter, a flag, a wait.

Numba has no atomics on the CPU; these are LLVM's own. All take an array of int64 and an index.
"""

from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

WORD = 8  # bytes of an int64


def _place(context, builder, signature, args):
    array_type = signature.args[0]
    view = context.make_array(array_type)(context, builder, args[0])
    index = context.cast(builder, args[1], signature.args[1], types.intp)
    return cgutils.get_item_pointer(context, builder, array_type, view, [index], wraparound=False)


@intrinsic
def fetch_add(typing_context, array, index, amount):
    """Add to array[index] and return what was there before."""

    def codegen(context, builder, signature, args):
        amount = context.cast(builder, args[2], signature.args[2], types.int64)
        return builder.atomic_rmw(
            "add", _place(context, builder, signature, args), amount, "acq_rel"
        )

    return types.int64(array, index, amount), codegen


@intrinsic
def publish(typing_context, array, index, value):
    """array[index] = value; whoever reads it sees all that this thread wrote before."""

    def codegen(context, builder, signature, args):
        value = context.cast(builder, args[2], signature.args[2], types.int64)
        builder.store_atomic(value, _place(context, builder, signature, args), "release", WORD)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@intrinsic
def read(typing_context, array, index):
    """array[index], and with it all that its publisher wrote before."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(_place(context, builder, signature, args), "acquire", WORD)

    return types.int64(array, index), codegen


@intrinsic
def _relax(typing_context):
    # Give the processor away for a moment.
    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@njit(_nrt=False)
def wait_for(array, index, value):
    """Return once array[index] >= value."""
    while read(array, index) < value:
        _relax()
