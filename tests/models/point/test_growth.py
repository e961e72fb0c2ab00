"""A larger network answers at first as the smaller one that it grew from."""

import torch

from common.models.point.growth import begin_from
from common.models.point.point_unet import PointUNet


@torch.inference_mode()
def test_a_grown_network_answers_alike():
    torch.manual_seed(0)
    common = {"encoder": "residual", "widths": (8, 8, 8, 8)}
    small = PointUNet(**common).eval()
    for module in small.modules():  # batch statistics that are not those of the start
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
    large = PointUNet(**common, instances=True, proximity=(0.1, 0.5), attending=2).eval()
    image, points = torch.rand(2, 3, 64, 64), torch.tensor([[[9.0, 40.0]], [[30.0, 30.0]]])
    click = points, torch.ones(2, 1)
    before = large.decode_clicks(large.encode_image(image), *click)["mask"]
    begin_from(large, small.state_dict())
    expected = small.decode_clicks(small.encode_image(image), *click)
    found = large.decode_clicks(large.encode_image(image), *click)
    torch.testing.assert_close(found["mask"], expected["mask"])
    torch.testing.assert_close(found["quality"], expected["quality"])
    assert not torch.allclose(before, expected["mask"])
    again = PointUNet(**common, instances=True, proximity=(0.1, 0.5), attending=2).eval()
    begin_from(again, large.state_dict())
    torch.testing.assert_close(
        again.decode_clicks(again.encode_image(image), *click)["mask"], found["mask"]
    )
