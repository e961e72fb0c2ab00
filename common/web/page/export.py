"""The point-prompted UNet and what a click makes of its answers, as ONNX graphs.

The graphs are exported from the functions that `clicks.zoom.ZoomPredictor` calls, so that the page
says what Python says; what is left to its scripts is which graph is asked, and where.

Shapes: S the model's square, s the mask's grid (half of it), H W a part of the photo as it is
shown, K the classifier's classes, h w its grid, D_i h_i w_i channels and grid of level i.
"""

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from onnxscript import optimizer
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks import first, zoom
from common.clicks.looks import resized, seen_at
from common.clicks.settle import REACH, after_click
from common.config import PET, UserError
from common.models.folding import folded
from common.models.point.click_sampling import NO_CLICK
from common.models.point.point_unet import GRID, PointUNet
from common.models.point.species import cat_or_dog
from common.web.page.weights import halved, rounded, shortened

FEWEST = 2  # clicks that a graph takes, be some of them none
STEPS = ("look", "near", "again", "later")  # of `_Answer`
NOTHING = -100.0  # logit where no mask was before
LARGEST = 2**22  # numbers in a constant that is worked out beforehand

Inputs = tuple[Tensor, ...]


class _Encoder(nn.Module):
    """Image (1, 3, S, S) in [0, 1] -> the levels of the pyramid, finest first."""

    def __init__(self, net: PointUNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Inputs:
        return tuple(self.net.features(image)["pyramid"])


class _Answer(nn.Module):
    """What clicks give in a view.

    Args:
        points, labels: (1, M, 2) in pixels of the view's square and (1, M), the newest first, -1
            where there is none.
        before: (1, 1, S, S) logits of the whole photo.
        place: (6,) of `seen_at`, where the view lies.
        step: () what becomes of the logits of before, by its number in `STEPS`: nothing at a first
            look; a second one, from near, is averaged with them; the network sees them again, and
            after a later click they count as well (`after_click`).

    Returns:
        The mask (1, 1, s, s), the same (1, 1, S, S), and its quality (1,).
    """

    def __init__(self, net: PointUNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        points: Tensor,
        labels: Tensor,
        before: Tensor,
        place: Tensor,
        step: Tensor,
        pyramid: list[Tensor],
    ) -> Inputs:
        size = before.shape[-1]
        seen = seen_at(before, place, size // GRID)
        given = torch.where(step >= STEPS.index("again"), seen, NOTHING)
        new, quality = self.net.decoder(
            pyramid, self.net.prompt_maps(before, points, labels, given)
        )
        newest, positive = (points[0, 0] + 0.5) / size, labels[0, 0] == PET
        weights = zoom.FAR, zoom.AGAINST
        settled = after_click(new[0], seen[0], newest, positive, REACH, weights)[None]
        mask = torch.where(step == STEPS.index("near"), new.lerp(seen, first.FAR), new)
        mask = torch.where(step == STEPS.index("later"), settled, mask)
        return mask, resized(mask, size), quality


class _Part(nn.Module):
    """Logits of a square of any edge at the size (H, W) of a frame, whose values do not matter."""

    def forward(self, square: Tensor, frame: Tensor) -> Tensor:
        return F.interpolate(square, frame.shape, mode="bilinear")


class _Classifier(nn.Module):
    """Image (1, 3, S, S) in [0, 1] -> its classes (1, K, h, w)."""

    def __init__(self, net: PointUNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        return self.net.classes(image)


class _Namer(nn.Module):
    """Classes (1, K, h, w), mask logits (1, 1, S, S) -> probabilities (2,) of cat and dog."""

    def forward(self, classes: Tensor, mask: Tensor) -> Tensor:
        return cat_or_dog(classes, mask)[0].softmax(0)


@torch.no_grad()
def export_graphs(model: nn.Module, card: Card) -> dict[str, bytes]:
    """ONNX files by what they do: encoder, answer, part, classifier, namer.

    The levels between encoder and answer are level_0, the finest, and so on.

    Args:
        model, card: as `load_checkpoint` returns them.

    Raises:
        UserError: the page cannot run this model, or not fit a photo to it.
    """
    if not isinstance(model, PointUNet) or model.join is not None or not model.instances:
        raise UserError(
            f"{card.model} {card.kwargs}: the page runs point-prompted UNets that know one animal "
            "among several and whose clicks join the decoder; choose another checkpoint"
        )
    pyramid: Any = model.encoder
    if card.fit != "stretch" or card.size % max(pyramid.strides):
        raise UserError(f"the page stretches photos to a square that {card.size} px does not fit")
    net: Any = shortened(model.eval().float().cpu())
    image, square = (torch.zeros(1, channels, card.size, card.size) for channels in (3, 1))
    levels = _Encoder(net)(image)
    names = tuple(f"level_{index}" for index in range(len(levels)))
    labels = torch.full((1, 5), NO_CLICK, dtype=torch.int32)
    clicks = torch.zeros(1, 5, 2), labels, square, torch.ones(6), torch.tensor(0).int()
    many = {1: torch.export.Dim("clicks", min=FEWEST)}
    few = (many, many, *[None] * 3, [None] * len(levels))
    asked = ("points", "labels", "before", "place", "step", *names)
    rows, columns, height, width = map(torch.export.Dim, ("rows", "columns", "height", "width"))
    frame, any_size = (
        torch.zeros(5, 7, dtype=torch.uint8),
        ({2: rows, 3: columns}, (height, width)),
    )
    named = _Classifier(folded(net))
    return {
        "encoder": halved(_graph(_Encoder(net), (image,), ("image",), names)),
        "answer": halved(
            _graph(_Answer(net), (*clicks, [*levels]), asked, ("mask", "square", "quality"), few)
        ),
        "part": halved(_graph(_Part(), (square, frame), ("square", "frame"), ("part",), any_size)),
        "classifier": rounded(_graph(named, (image,), ("image",), ("classes",))),
        "namer": halved(
            _graph(_Namer(), (named(image), square), ("classes", "mask"), ("chances",))
        ),
    }


def _graph(
    module: nn.Module,
    inputs: tuple[Any, ...],
    takes: tuple[str, ...],
    gives: tuple[str, ...],
    shapes: Any = None,
) -> Any:
    """A module as an ONNX model; ``shapes`` say what varies in those of its inputs.

    Batch normalisation stays apart from the convolutions, which the runtime joins when it loads
    them: weights of a checkpoint in half precision then pack to two thirds of the size.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that what varies keeps a name of torch's
        program = torch.onnx.export(
            module.eval(),
            inputs,
            input_names=list(takes),
            output_names=list(gives),
            dynamic_shapes=shapes,
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    limits = {"input_size_limit": LARGEST, "output_size_limit": LARGEST}
    optimizer.fold_constants(program.model, onnx_shape_inference=True, **limits)
    optimizer.remove_unused_nodes(program.model)
    for node in program.model.graph:  # where in which file each was called: paths of this machine
        node.metadata_props.clear()
    return program.model_proto
