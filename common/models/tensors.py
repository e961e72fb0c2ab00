"""Which tensor of a file belongs where in a network: all that are expected, and no others.

Files written before a tensor got its present name are not rewritten, since their sha256 is part of
keys; `RENAMED` says what their names stand for.
"""

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from common.config import UserError

RENAMED: dict[str, str | Callable[[re.Match], str]] = {  # before (regular expression) -> today
    r"decoder\.names": "decoder.mask_tokens",  # of the query decoder
    r"(decoder\.layers\.\d+)\.among": r"\1.self_attn",
    r"(decoder\.layers\.\d+)\.to_image": r"\1.cross_attn_token_to_image",
    r"(decoder\.layers\.\d+)\.to_tokens": r"\1.cross_attn_image_to_token",
    r"decoder\.hidden": "mask_token",  # of the masked autoencoder
    r"decoder\.(embed|blocks|norm)": r"decoder_\1",
    r"decoder\.paint": "decoder_pred",
    r"encoder\.levels\.0\.0": "encoder.stem",  # of the residual pyramid
    r"encoder\.levels\.(\d+)\.0": lambda found: f"encoder.down.{int(found[1]) - 1}",
    r"encoder\.levels\.(\d+)\.(\d+)": (
        lambda found: f"encoder.stages.{found[1]}.{int(found[2]) - 1}"
    ),
}


def present_name(name: str) -> str:
    """What a tensor is called today, ``name`` itself unless `RENAMED` knows better.

    >>> present_name("decoder.layers.1.among.to_q.bias"), present_name("head.weight")
    ('decoder.layers.1.self_attn.to_q.bias', 'head.weight')
    """
    for before, today in RENAMED.items():
        renamed, count = re.subn(rf"^{before}(?=\.|$)", today, name)
        if count:
            return renamed
    return name


def matched(
    expected: Mapping[str, Tensor], stored: Mapping[str, Tensor], origin: object, whole: str
) -> dict[str, Tensor]:
    """The stored tensors by their present names, in the order in which they are expected.

    Args:
        expected: by name, tensors of the shapes wanted; they may be on the meta device.
        stored: what a file holds, by present names or by those of before.
        origin, whole: for messages, where it is from and what else it may be of, as "model".

    Raises:
        UserError: a tensor is missing, surplus, of another shape or of another kind of number.
    """
    found = {name if name in expected else present_name(name): x for name, x in stored.items()}
    both = [(name, x, found[name]) for name, x in expected.items() if name in found]
    for what, names in (
        ("missing", expected.keys() - found.keys()),
        ("surplus", found.keys() - expected.keys()),
        ("of another shape", {name for name, x, y in both if x.shape != y.shape}),
        (
            "of another kind of number",
            {name for name, x, y in both if x.is_floating_point() != y.is_floating_point()},
        ),
    ):
        if names:
            raise UserError(
                f"{origin}: {len(names)} tensors {what}, as {min(names)}; "
                f"the file is of another {whole}"
            )
    return {name: found[name] for name in expected}
