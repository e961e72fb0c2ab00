"""What ours are measured against: `segmentation_models_pytorch`'s UNet on a ResNet-34.

Its weights are random: what a network costs does not depend on them.
"""

import torch
from torch import Tensor, nn

from common.config import CLASSES, UserError
from common.models.losses import segmentation_loss


class SmpUnet(nn.Module):
    """That network behind the interface of ours.

    Raises:
        UserError: the package is not installed.
    """

    inputs = ("image", "mask")

    def __init__(self) -> None:
        super().__init__()
        try:
            from segmentation_models_pytorch import Unet
        except ModuleNotFoundError:
            raise UserError(
                "segmentation-models-pytorch is missing, which the benchmark compares with; "
                "pip install -r requirements-dev.txt, or leave it out with --alone"
            ) from None
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = Unet("resnet34", encoder_weights=None, classes=len(CLASSES))

    def forward(self, image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) of photos (B, 3, H, W); the strides divide H and W by 32."""
        return self.net(image)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy + Dice of ``image`` and ``mask`` (B, H, W), as for ours."""
        return segmentation_loss(self(batch["image"]), batch["mask"])
