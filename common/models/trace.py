"""Follow one batch through a network: which part makes which shape, with how many weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


@torch.no_grad()
def trace(model: nn.Module, image: Tensor, parts: list[str]) -> list[dict]:
    """Rows of part, output shape and parameters, in the order of the forward pass.

    Args:
        model: any network of the registry.
        image: (B, 3, H, W).
        parts: prefixes of submodule names to report, as "encode." for its children.
    """
    rows, hooks = [], []
    for name, module in model.named_modules():
        if any(name == part or name.rpartition(".")[0] + "." == part for part in parts):
            hooks.append(module.register_forward_hook(_recorder(rows, name)))
    model.eval()(image)
    for hook in hooks:
        hook.remove()
    return rows


def _recorder(rows: list[dict], name: str):
    def record(module: nn.Module, _: tuple, output: Tensor | Sequence[Tensor | None]) -> None:
        weights = sum(value.numel() for value in module.parameters())
        outputs = [output] if isinstance(output, Tensor) else output
        shapes = [" × ".join(map(str, x.shape)) for x in outputs if isinstance(x, Tensor)]
        rows.append({"part": name, "shape": "; ".join(shapes), "parameters": weights})

    return record
