"""A graph's weights in fewer bytes; the runtime widens them once, when it loads them."""

import copy
from collections.abc import Callable

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from torch import nn

LARGE = 256  # numbers from which on a weight is packed
FEW = 32  # numbers in a filter of one channel, which is the most easily hurt
MANY = 200_000  # numbers in the last layers' weights, which are the least so
BITS = 8  # of a weight, after the first: masks of the samples keep an IoU of .994 and more
FINE, COARSE = 1 / 12, 1 / 4  # of the deviation of a filter's weights: what they are rounded to

Packed = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]  # what gives a weight, and how


@torch.no_grad()
def shortened(net: nn.Module) -> nn.Module:
    """A copy whose large weights have `BITS` bits of half precision's ten: they zip better."""
    short = copy.deepcopy(net)
    for weight in short.parameters():
        if weight.numel() >= LARGE:
            mantissa, exponent = torch.frexp(weight)  # its first bit is worth a half
            weight.copy_(torch.ldexp(torch.round(mantissa * 2 ** (BITS + 1)), exponent - BITS - 1))
    return short


def halved(proto: onnx.ModelProto) -> bytes:
    """The same graph, its large weights in half precision where that loses nothing (those of our
    checkpoints are).
    """
    return _packed(proto, _half)


def rounded(proto: onnx.ModelProto) -> bytes:
    """The same graph, its large filters rounded to bytes: of use where a class is all it tells."""
    return _packed(proto, _bytes)


def _packed(proto: onnx.ModelProto, pack: Callable[[str, np.ndarray], Packed | None]) -> bytes:
    graph = proto.graph
    kept, first = list[onnx.TensorProto](), list[onnx.NodeProto]()
    for weight in graph.initializer:
        packed = None
        if weight.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(weight)
            packed = pack(weight.name, values) if values.size >= LARGE else None
        tensors, nodes = packed or ([weight], [])
        kept += tensors
        first += nodes
    first += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(first)
    return proto.SerializeToString()


def _half(name: str, values: np.ndarray) -> Packed | None:
    half = values.astype(np.float16)
    if not np.array_equal(half.astype(np.float32), values):
        return None
    return [onnx.numpy_helper.from_array(half, f"{name}_half")], [_cast(f"{name}_half", name)]


def _bytes(name: str, values: np.ndarray) -> Packed | None:
    """Whole numbers times one step a filter; small numbers are many, so that they zip well."""
    if values.ndim < 2:
        return None
    filters = values.reshape(len(values), -1)
    kind, most = (np.int16, 1023) if filters.shape[1] <= FEW else (np.int8, 127)
    step = np.abs(filters).max(1) / most
    if kind is np.int8:
        step = np.maximum(step, filters.std(1) * (COARSE if values.size > MANY else FINE))
    step = np.maximum(step, 1e-12).reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    whole = np.round(values / step).astype(kind)
    tensors = [
        onnx.numpy_helper.from_array(whole, f"{name}_whole"),
        onnx.numpy_helper.from_array(step, f"{name}_step"),
    ]
    wide = f"{name}_wide"
    times = onnx.helper.make_node("Mul", [wide, f"{name}_step"], [name])
    return tensors, [_cast(f"{name}_whole", wide), times]


def _cast(narrow: str, wide: str) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [narrow], [wide], to=onnx.TensorProto.FLOAT)
