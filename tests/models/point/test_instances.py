"""Training on one animal among several: who is meant, who clicks how, what a click's spot says."""

import torch

from common.models.point.click_maps import proximity_maps
from common.models.point.instances import (
    TARGETS,
    Targets,
    choose_targets,
    instance_clicks,
    obedience_loss,
    obeyed,
)
from common.models.point.point_unet import PointUNet

SIZE = 32


def scenes(count: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    """Two animals side by side, a cat and a dog; the last scene is bare ground."""
    mask = torch.zeros(count, SIZE, SIZE, dtype=torch.uint8)
    mask[:, 4:20, 2:12], mask[:, 4:20, 18:28], mask[:, 4:20, 12] = 1, 2, 255
    mask[-1] = 0
    species = torch.tensor([[0, 1, -1]]).repeat(count, 1)
    species[-1] = -1
    return mask, species


def test_both_animals_of_a_scene_are_meant():
    torch.manual_seed(0)
    mask, species = scenes()
    targets = choose_targets(mask, species, blank=0.0)
    assert targets.truth.shape == (TARGETS * len(mask), SIZE, SIZE)
    for i in range(len(mask) - 1):
        pair = slice(TARGETS * i, TARGETS * i + 2)
        clicked = ~targets.wrong[pair]
        one = targets.truth[pair] == 1
        assert not (one[0] & one[1]).any()
        assert set(targets.species[pair][clicked].tolist()) <= {0, 1}
    assert not (targets.truth[-TARGETS:] == 1).any() and (targets.species[-TARGETS:] == -1).all()
    assert (targets.truth[:-TARGETS, 10, 12] == 255).all()


def test_without_a_click_every_animal_is_meant():
    mask, species = scenes()
    targets = choose_targets(mask, species, blank=1.0)
    assert targets.blank.all() and not targets.wrong.any()
    assert torch.equal(targets.truth[::TARGETS] == 1, (mask > 0) & (mask < 255))
    assert (targets.species == -1).all()  # two species, or none


def test_clicks_of_all_kinds_of_users():
    torch.manual_seed(0)
    mask, species = scenes(200)
    targets = choose_targets(mask, species, blank=0.1)
    wrong = lambda points, labels, previous: torch.full((len(points), 1, SIZE, SIZE), -1.0)  # noqa: E731
    rounds = set()
    for _ in range(20):
        points, labels, previous = instance_clicks(
            wrong, targets.truth, targets.animals, targets, rounds=3
        )
        rounds.add(points.shape[1])
        assert (labels[targets.blank] == -1).all()
        for point, label, truth, lie in zip(
            points, labels, targets.truth, targets.wrong, strict=True
        ):
            for (x, y), kind in zip(point.long().tolist(), label.tolist(), strict=True):
                if kind >= 0 and not lie:
                    assert truth[y, x] == kind
        assert not (labels[targets.wrong, 2:] >= 0).any()
        assert previous is None or previous.shape[1:] == (1, SIZE, SIZE)
    assert {2, 3} < rounds <= {2, 3, 4, 5}


def test_a_clicks_spot_has_to_obey_it():
    truth = torch.zeros(2, 200, 200, dtype=torch.uint8)
    truth[:, 50:100, 50:100] = 1
    flags = torch.tensor([False, True])
    targets = Targets(truth, truth, ~flags & flags, flags, torch.zeros(2))
    points, labels = torch.tensor([[[150.0, 150.0]]] * 2), torch.tensor([[0], [1]])
    wanted, spot, no = obeyed(targets, points, labels)
    assert no[0, 150, 150] and not no[1].any() and spot[1, 150, 150] and not spot[0].any()
    assert wanted[1, 150, 150] == 1 and wanted[1, 150, 158] == 255 and wanted[1, 150, 170] == 0
    assert torch.equal(wanted[0], truth[0])
    sure = torch.where(spot, 20.0, -20.0)
    assert obedience_loss(sure, spot, no) < 1e-6 < obedience_loss(-sure, spot, no)


def test_proximity_falls_from_the_nearest_click():
    points, labels = torch.tensor([[[2.0, 3.0], [9.0, 3.0]]]), torch.tensor([[1, 1]])
    maps = proximity_maps(points, labels, (8, 16), (0.25, 1.0))
    assert maps.shape == (1, 4, 8, 16) and not maps[:, 2:].any()
    assert maps[0, 0, 3, 2] == maps[0, 0, 3, 9] == 1
    torch.testing.assert_close(maps[0, 0, 3, 6], torch.tensor(-3 / 4).exp())
    assert not proximity_maps(points[:, :0], labels[:, :0], (8, 16), (0.25,)).any()


def test_every_weight_is_trained():
    torch.manual_seed(0)
    model = PointUNet(
        encoder="residual",
        widths=(8, 8, 8, 8),
        instances=True,
        proximity=(0.0625, 0.25),
        attending=2,
    ).train()
    mask, species = scenes(6)
    loss = model.loss({"image": torch.rand(6, 3, SIZE, SIZE), "mask": mask, "species": species})
    loss.backward()
    assert loss.isfinite()
    trained = [value for value in model.parameters() if value.requires_grad]
    assert trained and all(value.grad is not None for value in trained)
    one = {"image": torch.rand(6, 3, SIZE, SIZE), "mask": mask, "species": species[:, 0]}
    assert model.loss(one).isfinite()  # a photo of one animal is a scene as well
