"""The point-prompted UNet as two ONNX graphs: one runs once a photo, the other once a click.

Shapes: S the model's square, h w the mask's grid (half of it), D_i h_i w_i channels and grid of
the encoder's level i. The clicks' maps are drawn by whoever runs the graphs (`clicks.click_maps`,
`predictor.js`), so that every shape is fixed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from onnxscript import optimizer
from torch import Tensor, nn

from common.checkpoint import Card
from common.config import UserError
from common.models.point.point_unet import GRID, PointUNet

LARGE = 256  # numbers from which on a weight is packed


@dataclass(frozen=True)
class Graphs:
    """ONNX files, in memory.

    Attributes:
        encoder: image (1, 3, S, S) in [0, 1] -> the levels: the pyramid's, level_0 … level_n
            (1, D_i, h_i, w_i) and, of a network of instances, what its classifier sees.
        decoder: prompt (1, P, h, w), which is `PointUNet.prompt_maps`, and the levels ->
            mask (1, 1, h, w) logits, quality (1,) and species (1, 2), the probabilities of cat
            and dog.
        levels: their names, finest first.
        grid: edge of the mask's grid, h = w.
    """

    encoder: bytes
    decoder: bytes
    levels: tuple[str, ...]
    grid: int


class _Encoder(nn.Module):
    def __init__(self, net: PointUNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        seen = self.net.encode_image(image)
        return (*seen["pyramid"], *([seen["classes"]] if "classes" in seen else []))


class _Decoder(nn.Module):
    def __init__(self, net: PointUNet) -> None:
        super().__init__()
        self.net, self.depth = net, len(net.encoder.channels)

    def forward(self, prompt: Tensor, *levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pyramid, classes = levels[: self.depth], levels[-1]
        mask, quality = self.net.decoder(pyramid, prompt)
        return mask, quality, self.net.species_of(pyramid[-1], classes, mask).softmax(1)


@torch.no_grad()
def export_graphs(model: nn.Module, card: Card) -> Graphs:
    """Both graphs of a trained model.

    Args:
        model, card: as `load_checkpoint` returns them.

    Raises:
        UserError: the page could not draw this model's prompts, or not fit a photo to it.
    """
    if not isinstance(model, PointUNet) or model.join is not None or model.kind != "disk":
        raise UserError(
            f"{card.model} {card.kwargs}: the page runs point-prompted UNets whose clicks are "
            "disks that join the decoder; choose another checkpoint"
        )
    pyramid: Any = model.encoder
    if card.fit != "stretch" or card.size % max(pyramid.strides):
        raise UserError(f"the page stretches photos to a square that {card.size} px does not fit")
    net = model.eval().float().cpu()
    grid = card.size // GRID
    image = torch.zeros(1, 3, card.size, card.size)
    prompt = torch.zeros(1, 3 + 2 * len(net.proximity), grid, grid)
    levels, gives = _Encoder(net)(image), ("mask", "quality", "species")
    names = tuple(f"level_{index}" for index in range(len(levels)))
    encoder = _graph(_Encoder(net), (image,), ("image",), names)
    decoder = _graph(_Decoder(net), (prompt, *levels), ("prompt", *names), gives)
    return Graphs(encoder, decoder, names, grid)


def _graph(
    module: nn.Module, inputs: tuple[Tensor, ...], takes: tuple[str, ...], gives: tuple[str, ...]
) -> bytes:
    """A module as an ONNX file.

    Batch normalisation stays apart from the convolutions, which the runtime joins when it loads
    them: weights of a checkpoint in half precision then pack to two thirds of the size.
    """
    program = torch.onnx.export(
        module.eval(),
        inputs,
        input_names=list(takes),
        output_names=list(gives),
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    assert program is not None
    optimizer.fold_constants(program.model, onnx_shape_inference=True)
    optimizer.remove_unused_nodes(program.model)
    for node in program.model.graph:  # where in which file each was called: paths of this machine
        node.metadata_props.clear()
    return _halved(program.model_proto).SerializeToString()


def _halved(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, its large weights in half precision where that loses nothing (those of our
    checkpoints are); the runtime widens them once, when it loads them.
    """
    graph, casts = proto.graph, []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(weight)
        half = values.astype(np.float16)
        if values.size < LARGE or not np.array_equal(half.astype(np.float32), values):
            continue
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_half"))
        casts.append(
            onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return proto
