"""Vectors of float32 inside numba functions, as many numbers as suit the processor.

numba vectorizes a loop, but between two loops every number goes through memory. Matrix
products need the running sums of several rows to stay in registers, and that takes
vectors as variables: `load`, `fma`, `store` and the few others below work on values of
one type, `LANES` numbers wide, that live in functions compiled by `jit` only.

Four rows of vectors are meant to be summed at a time; `LANES` is such that these take
half of the registers or less. LLVM splits the vectors to what the processor has, so any
processor gives the same numbers up to rounding.
"""

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from imgfeat.kernels._jit import njit

_HAS_AVX512 = llvmlite.binding.get_host_cpu_features().get("avx512f", False)
LANES = 32 if _HAS_AVX512 else 16

# Sums may be reordered and fused, nothing is approximated. Callers refuse NaN.
jit = njit(fastmath={"contract", "nnan", "nsz", "reassoc"})

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)


class _Lanes(types.Type):
    def __init__(self):
        super().__init__(name=f"float32x{LANES}")


lanes = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, frontend_type):
        super().__init__(manager, frontend_type, _FLOATS)


def _integers(value):
    return ir.Constant(_INTS, [value] * LANES)


def _address(context, builder, array_type, array, index):
    """Of a number of a C-contiguous array, counted from its first."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _FLOATS.as_pointer())


def _call(builder, name, result, args, **flags):
    """Call an LLVM function that has a version for our vectors."""
    name = f"llvm.{name}.v{LANES}f32"
    function = builder.module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(result, [arg.type for arg in args])
        function = ir.Function(builder.module, kind, name)
    return builder.call(function, args, **flags)


@intrinsic
def load(typing, array, index):
    """The numbers from `index` on, of an array counted as if it were flat."""

    def generate(context, builder, signature, args):
        address = _address(context, builder, signature.args[0], *args)
        return builder.load(address, align=4)

    return lanes(array, types.intp), generate


@intrinsic
def store(typing, array, index, vector):
    """Write a vector to an array from `index` on, counted as if it were flat."""

    def generate(context, builder, signature, args):
        address = _address(context, builder, signature.args[0], *args[:2])
        builder.store(args[2], address, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@intrinsic
def splat(typing, number):
    """One number in all lanes."""

    def generate(context, builder, signature, args):
        nothing = ir.Constant(_FLOATS, ir.Undefined)
        first = builder.insert_element(nothing, args[0], ir.IntType(32)(0))
        return builder.shuffle_vector(first, nothing, _integers(0))

    return lanes(types.float32), generate


@intrinsic
def fma(typing, a, b, c):
    """``a * b + c``, rounded once."""

    def generate(context, builder, signature, args):
        return _call(builder, "fma", _FLOATS, args)

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def multiply(typing, a, b):
    """``a * b``"""

    def generate(context, builder, signature, args):
        return builder.fmul(*args)

    return lanes(lanes, lanes), generate


@intrinsic
def add(typing, a, b):
    """``a + b``"""

    def generate(context, builder, signature, args):
        return builder.fadd(*args)

    return lanes(lanes, lanes), generate


@intrinsic
def maximum(typing, a, b):
    """The larger, lane by lane."""

    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return lanes(lanes, lanes), generate


@intrinsic
def minimum(typing, a, b):
    """The smaller, lane by lane."""

    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return lanes(lanes, lanes), generate


@intrinsic
def square_root(typing, a):
    """Of numbers that are not negative."""

    def generate(context, builder, signature, args):
        return _call(builder, "sqrt", _FLOATS, args)

    return lanes(lanes), generate


@intrinsic
def floor(typing, a):
    """Rounded down to whole numbers."""

    def generate(context, builder, signature, args):
        return _call(builder, "floor", _FLOATS, args)

    return lanes(lanes), generate


@intrinsic
def nearest_integer(typing, a):
    """Rounded to whole numbers."""

    def generate(context, builder, signature, args):
        return _call(builder, "rint", _FLOATS, args)

    return lanes(lanes), generate


@intrinsic
def two_to_the(typing, exponents):
    """Powers of two, for whole numbers from -126 to 127."""

    def generate(context, builder, signature, args):
        # The exponent field of a float32, which is offset by 127.
        biased = builder.add(builder.fptosi(args[0], _INTS), _integers(127))
        return builder.bitcast(builder.shl(biased, _integers(23)), _FLOATS)

    return lanes(lanes), generate


@intrinsic
def highest(typing, a):
    """The largest of the lanes, a float32."""

    def generate(context, builder, signature, args):
        name, number = "vector.reduce.fmax", ir.FloatType()
        return _call(builder, name, number, args, fastmath=("nnan",))

    return types.float32(lanes), generate


@intrinsic
def total(typing, a):
    """The sum of the lanes, a float32."""

    def generate(context, builder, signature, args):
        args = [ir.FloatType()(0.0), *args]
        name, number = "vector.reduce.fadd", ir.FloatType()
        return _call(builder, name, number, args, fastmath=("reassoc",))

    return types.float32(lanes), generate


@intrinsic
def where_above(typing, a, b):
    """A bit for each lane with ``a > b``, the first lane's the lowest."""

    def generate(context, builder, signature, args):
        above = builder.fcmp_ordered(">", *args)
        bits = builder.bitcast(above, ir.IntType(LANES))
        return builder.zext(bits, ir.IntType(64))

    return types.uint64(lanes, lanes), generate


@intrinsic
def lowest_bit(typing, bits):
    """Number of the lowest bit that is set; there must be one."""

    def generate(context, builder, signature, args):
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.intp(types.uint64), generate


@intrinsic
def transpose(typing, source, first, row, target, first_out, row_out):
    """Write a square of `LANES` rows and columns with its columns as rows.

    Its rows begin at `first` and every `row` numbers further in `source`, of pixels or
    of float32, and every `row_out` numbers from `first_out` on in `target`.
    """

    def generate(context, builder, signature, args):
        source_type, target_type = signature.args[0], signature.args[3]
        vectors = []
        for k in range(LANES):
            place = builder.add(args[1], builder.mul(args[2], args[2].type(k)))
            vectors.append(_load_floats(context, builder, source_type, args[0], place))
        # Blocks of a row and a column, of two, of four...: each time the blocks that
        # lie above the diagonal change places with those below.
        for step in (2**k for k in range(LANES.bit_length() - 1)):
            upper = [c if not c & step else LANES + c - step for c in range(LANES)]
            lower = [c + step if not c & step else LANES + c for c in range(LANES)]
            for k in (k for k in range(LANES) if not k & step):
                pair = vectors[k], vectors[k + step]
                vectors[k] = builder.shuffle_vector(*pair, _places(upper))
                vectors[k + step] = builder.shuffle_vector(*pair, _places(lower))
        for k, vector in enumerate(vectors):
            place = builder.add(args[4], builder.mul(args[5], args[5].type(k)))
            address = _address(context, builder, target_type, args[3], place)
            builder.store(vector, address, align=4)
        return context.get_dummy_value()

    places = first, row, first_out, row_out
    if not all(isinstance(place, types.Integer) for place in places):
        return None
    whole = types.intp
    return types.void(source, whole, whole, target, whole, whole), generate


def _places(numbers):
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)


def _load_floats(context, builder, array_type, array, index):
    """Numbers of a C-contiguous array of pixels or float32, as float32."""
    if array_type.dtype == types.float32:
        address = _address(context, builder, array_type, array, index)
        return builder.load(address, align=4)
    kind = ir.VectorType(ir.IntType(array_type.dtype.bitwidth), LANES)
    data = context.make_array(array_type)(context, builder, array).data
    address = builder.bitcast(builder.gep(data, [index]), kind.as_pointer())
    return builder.uitofp(builder.load(address, align=1), _FLOATS)
