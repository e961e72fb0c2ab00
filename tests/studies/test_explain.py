"""What networks show when asked: mask tokens, painted photos."""

import numpy as np
import pytest
import torch

from common.checkpoint import Card
from common.data.cache import PetCache
from common.models import create_model
from common.models.pretraining.mae import MaskedAutoencoder
from common.studies.explain import KINDS, explain_photo, painted_at, painted_by, token_classes


def test_tokens_are_averaged_over_photos(cache: PetCache):
    torch.manual_seed(0)
    model = create_model("lite0_query", random=True, queries=5, width=32).eval()
    table = token_classes(model, cache)
    assert table["token"].tolist() == list(range(5))
    assert table[list(KINDS)].sum(1).to_numpy() == pytest.approx(np.ones(5))
    assert table["area"].between(0, 1).all()
    image = torch.from_numpy(cache.images[cache.rows("val")]).permute(0, 3, 1, 2) / 255
    told = model.explain(image)["classes"].mean(0)
    torch.testing.assert_close(torch.tensor(table[list(KINDS)].to_numpy()).float(), told)


def test_tokens_are_explained_at_the_photos_size():
    torch.manual_seed(0)
    model = create_model("lite0_query", random=True, queries=5, width=32)
    told = explain_photo(model, Card("x", size=64), np.zeros((30, 50, 3), np.uint8))
    assert told["classes"].shape == (5, 4) and told["masks"].shape == (5, 30, 50)
    assert told["attention"].shape == (5, 4, 4)
    assert told["attention"].sum((1, 2)) == pytest.approx(np.ones(5), abs=1e-5)


def test_every_network_is_shown_the_same_patches():
    torch.manual_seed(0)
    models = {
        name: MaskedAutoencoder(size=32, patch=8, width=32, depth=1, heads=1)
        for name in ("early", "late")
    }
    photos = torch.rand(2, 3, 32, 32)
    columns = painted_by(models, photos)
    assert list(columns) == ["what it sees", "early", "late"]
    seen, early, late = (np.stack(pictures) for pictures in columns.values())
    visible = (
        seen == np.stack([p for p in (photos * 255).round().byte().permute(0, 2, 3, 1).numpy()])
    ).all(-1)
    assert (early[visible] == late[visible]).all() and (early != late).any()
    ratios = painted_at(models["early"], photos, (0.25, 0.75))
    grey = [(np.stack(pictures) == (214, 214, 210)).all(-1).mean() for pictures in ratios.values()]
    assert grey[::2] == pytest.approx([0.25, 0.75])
