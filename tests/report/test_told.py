"""Every claim of notebook 07, so of the report's first screen: numbers and models, told again."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from common.config import RESULTS
from common.wording import LABELS, label
from tests.notebook_cells import notebooks, read
from tests.report import told_again as again

CELLS = read(notebooks()[6]).cells
NAMES = "|".join(sorted(map(re.escape, LABELS.values()), key=len, reverse=True))
TOKEN = re.compile(rf"{NAMES}|[+-]?\d+(?:,\d{{3}})*(?:\.\d+)?%?")
Facts = list[str | float]

pytestmark = pytest.mark.long  # ten seconds: 20,000 resamples of photos and as many of breeds


def outputs(mime: str) -> list[tuple[str, str]]:
    found = [o for c in CELLS if c.cell_type == "code" for o in c.outputs if "data" in o]
    return [(o.metadata.get("name", ""), o.data[mime]) for o in found if mime in o.data]


def facts(text: str) -> list[str]:
    """Models and numbers in their order; what numbers the items of a list is none."""
    return TOKEN.findall(re.sub(r"^\d+\. ", "", text, flags=re.M))


def named(*rows: pd.DataFrame) -> list[str]:
    return [x for r in rows for a, b, by, *_ in r.to_numpy() for x in (a, b, f"{by:+.3f}")]


def verdict(kind: str) -> pd.DataFrame:
    table = again.named()
    return table[table["verdict"] == kind]


def best() -> str:
    return next(iter(again.photos()))


def own() -> str:
    """The best of those that saw nothing but these photos."""
    return next(m for m in again.photos() if m in again.NAMED["own_photos"])


def near() -> list[str]:
    return [m for m, v in again.value().items() if again.value()[best()] - v <= 0.02]


def cheap() -> str:
    return min((m for m in near() if again.minutes(m) >= 0), key=again.minutes)


def lead(clicks: int) -> str:
    return max(again.clicked(), key=lambda m: again.clicked()[m][clicks].mean())


def rival() -> str:
    """The best of those that know no click, on the photos that are clicked on."""
    others = [m for m in again.photos() if m not in again.clicked()]
    return max(others, key=lambda m: again.pet_ious(m).mean())


def several() -> str:
    here = ("point_unet", lead(1))
    return next(m for m in here if (RESULTS / "clicks" / f"{m}_elsewhere.parquet").is_file())


def animal() -> list[str]:
    would = {m: again.would_be(m) for m in again.photos()}
    return [m for m, w in would.items() if w["species"] > w["shape"]]


def measured(quantity: str) -> pd.DataFrame:
    table = pd.read_csv(RESULTS / "benchmark.csv")
    return table[table["quantity"] == quantity].set_index("model")


def quick() -> list[str]:
    rows = measured("ms_photo")
    rows = rows.loc[[m for m in near() if m in rows.index]].sort_values("value")
    return rows.index[rows["low"] <= rows["high"].iloc[0]].tolist()


def differences() -> Facts:
    told, draws = [], again.draws()
    pairs = [(a, b) for k, a in enumerate(draws) for b in list(draws)[k + 1 :]]
    for a, b in pairs:
        low, high = again.middle(draws[a] - draws[b])
        if low <= 0 <= high:
            gap = again.value()[a] - again.value()[b]
            told.append([a, b, f"{gap:+.3f}", f"{low:+.3f}", f"{high:+.3f}"])
    return [len(pairs), len(pairs) - len(told), *(x for row in told for x in row)]


def named_ones() -> Facts:
    weak = verdict("less than seeds")
    return [*named(verdict("clear")), f"{again.seed_range():.3f}", *named(weak)]


def after_clicks() -> Facts:
    other = again.pet_ious(rival())
    told: Facts = [rival(), f"{other.mean():.3f}"]
    for clicks in (1, 3, 5):
        curve = again.clicked()[lead(clicks)][clicks]
        gaps = (curve - other).to_numpy()
        ends = again.middle(again.weights(len(gaps), 1000, 0) @ gaps / len(gaps))
        told += [clicks, lead(clicks), f"{curve.mean():.3f}"]
        told += [f"{x:+.3f}" for x in (gaps.mean(), *ends)]
    return told


def kinds_of_error() -> Facts:
    it = again.would_be(best())
    return [
        *(best(), f"{it['wrong']:.1%}", f"{it['by_species']:.0%}"),
        *(f"{again.value()[best()]:.3f}", f"{it['species']:.3f}", f"{it['shape']:.3f}"),
        *animal(),
    ]


def sizes() -> Facts:
    c = again.counts_of(again.photos()[best()])
    share, told = c[:, 1:].sum((1, 2)) / c.sum((1, 2)), [best()]
    for percent, part in ((10, c[share <= 0.1]), (50, c[share > 0.5])):
        split = np.vstack([np.ones(len(part)), again.weights(len(part), 1000, 0)])
        summed = np.tensordot(split, part, 1)
        iou = summed[:, 1:, 1:].sum((1, 2)) / (summed.sum((1, 2)) - summed[:, 0, 0])
        told += [percent, *(f"{x:.3f}" for x in (iou[0], *again.middle(iou[1:])))]
    return told


def border() -> Facts:
    pet = {}
    for model, table in again.photos().items():
        c, n = again.counts_of(table), np.arange(len(table))
        c[n, table["species"].to_numpy()] += table[["b0", "b1", "b2"]].to_numpy()
        pet[model] = again.miou(c.sum(0))
    places = again.value().rank() != pd.Series(pet).rank()
    cost = again.value()[best()] - pet[best()]
    return [best(), f"{cost:.3f}", int(places.sum()), len(pet)]


def shared_errors() -> Facts:
    table = pd.read_parquet(RESULTS / "agreement" / "patterns.parquet")
    said = np.array([[int(k) for k in text] for text in table["pattern"]])
    wrong = (said != table[["truth"]].to_numpy()).sum(1)
    pixels = table["pixels"].groupby(wrong).sum() / table["pixels"].sum()
    some = 1 - pixels[0]
    return [
        *(said.shape[1], f"{some:.1%}", f"{pixels[said.shape[1]]:.2%}"),
        f"{pixels[1] / some:.0%}",
    ]


def speeds() -> Facts:
    speed = measured("infer_photos_per_second")
    one = (speed["high"] / speed["low"]).idxmax()
    speed["madds"] = measured("madds")["value"]
    equal = speed.groupby(["madds", "size"])["value"]
    low, high, factor = speed.at[one, "low"], speed.at[one, "high"], equal.max() / equal.min()
    runs = pd.read_csv(RESULTS / "benchmark.csv")["runs"].max()
    return [runs, f"{low:.0f}", f"{high:.0f}", one, f"{factor.max():.2f}"]


def seeds() -> Facts:
    told = []
    for model, same in again.seeds().groupby("model"):
        gap = same["miou"].max() - same["miou"].min()
        told += [model, f"{gap:.3f}", len(same), f"{same['wide'].mean():.3f}"]
    return told


def luck() -> Facts:
    pairs, clear = again.chance_pairs()
    of = again.runs().groupby(["model", "share"])["miou"].mean().unstack()
    gains = list((of[100] - of[of.columns.min()]).items())
    over = [(m, f"{g:+.3f}") for m, g in gains if abs(g) > again.seed_range()]
    under = [(m, f"{g:+.3f}") for m, g in gains if abs(g) <= again.seed_range()]
    return [pairs, clear, *(x for pair in over + under for x in pair)]


def opening() -> Facts:
    curve, (far, single) = again.clicked()[lead(1)].mean(), again.elsewhere(several())
    mean = far[~single].mean()
    told: Facts = [f"{curve[1]:.0%}", f"{curve[3]:.0%}", len(again.clicked()[lead(1)])]
    told += [f"{mean[k]:.0%}" for k in (0, 1, 5)]
    for model in (cheap(), own()):
        told += [f"{again.value()[model]:.0%}", f"{again.minutes(model):.0f}"]
    return told


def findings() -> Facts:
    table, curve, other = again.named(), again.clicked()[lead(1)], rival()
    about = table[(table["a"] == best()) | (table["b"] == best())]
    told: Facts = [
        best(),
        *(f"{x:.3f}" for x in (again.value()[best()], *again.middle(again.draws()[best()]))),
    ]
    told += [
        m
        for kind in ("clear", "less than seeds", "open")
        for m in about["b"][about["verdict"] == kind]
    ]
    gap = again.draws()[best()] - again.draws()[own()]
    ahead = (again.value()[best()] - again.value()[own()], *again.middle(gap))
    told += [own(), f"{again.value()[own()]:.3f}", best(), *(f"{x:+.3f}" for x in ahead)]
    told += [own(), f"{again.would_be(own())['species']:.3f}"]
    step = curve[1] - curve[0]
    told += [len(curve), lead(1), *(f"{curve[k].mean():.3f}" for k in (0, 1, 3))]
    told += [f"{(step.abs() < 0.005).mean():.0%}", "0.005", f"{(step < 0).mean():.0%}"]
    for goal in (90, 95):
        told += [goal, f"{again.clicks_to(curve, goal / 100).mean():.2f}"]
    told.append(f"{again.pet_ious(other).mean():.3f}")
    far, single = again.elsewhere(several())
    told += [several(), len(far), *(f"{far[~single][k].mean():.3f}" for k in (0, 1, 3))]
    told += [
        *(f"{far[single][k].mean():.3f}" for k in (0, 1, 3)),
        95,
        f"{far['noc95'].mean():.1f}",
    ]
    first, *rest = quick()
    told += ["0.02", cheap(), f"{again.value()[cheap()]:.3f}", f"{again.minutes(cheap()):.0f}"]
    told += [first, f"{measured('ms_photo').at[first, 'value']:.0f}", *rest]
    few = again.runs()[again.runs()["share"] == again.runs()["share"].min()]
    few = few.loc[few["miou"].idxmax()]
    full = again.runs().query("share == 100 and model == @few.model")["miou"]
    told += [f"{few['share']}%", few["model"], f"{few['miou']:.3f}"]
    return [*told, f"{full.min():.3f}", f"{full.max():.3f}", len(full)]


def summary() -> Facts:
    cats = int((again.photos()[best()]["species"] == 1).sum())
    n = len(again.photos()[best()])
    pick = [best(), lead(1), *([several()] if several() != lead(1) else []), cheap(), *quick()]
    stand = [len(verdict("clear")), len(again.named())]
    return [*pick, own(), *stand, f"{n:,}", cats, n - cats]


def past() -> Facts:
    own_photos = again.NAMED["own_photos"]
    heirs = [m for m in again.photos() if m not in own_photos and not m.endswith("linear")]
    least, most = again.value()[heirs].min(), again.value()[own()]
    top = max(again.value()[animal()])
    return [f"{least:.3f}", f"{most:.3f}", len(animal()), len(again.photos()), f"{top:.3f}"]


def mind() -> Facts:
    clear, weak = (verdict(kind)["by"].min() for kind in ("clear", "less than seeds"))
    return [f"{clear:.3f}", f"{clear / again.seed_range():.1f}", f"{weak:.3f}"]


CLAIMS: dict[str, Callable[[], Facts]] = {  # by words of what is said
    "with so many looks": differences,
    "Clear by photos and breeds, but": named_ones,
    "best mask after so many clicks": after_clicks,
    "of the pixels are wrong": kinds_of_error,
    "foreground IoU: pets of": sizes,
    "Counting the border as pet": border,
    "an oracle that picked": shared_errors,
    "lie as far apart as": speeds,
    "notebooks and the report take": lambda: [f"{measured('minutes')['value'].iloc[0]:.1f}"],
    "From the worst to the best seed": seeds,
    "pairs of the same recipe": luck,
    "Click on an animal": opening,
    "Most accurate without a click": findings,
    "Which model for what": summary,
    "The encoder's past": past,
    "What would change your mind": mind,
}


@pytest.mark.parametrize("said", [text for _, text in outputs("text/markdown")])
def test_what_is_said_follows_from_the_tables(said: str):
    """No number and no model in it that is not told again here."""
    (words,) = [words for words in CLAIMS if words in said]
    told = [label(fact) if fact in LABELS else str(fact) for fact in CLAIMS[words]()]
    assert facts(said) == told


def test_every_claim_is_said_once():
    said = "\n".join(text for _, text in outputs("text/markdown"))
    assert [said.count(words) for words in CLAIMS] == [1] * len(CLAIMS)


def test_the_named_pairs_are_judged_rightly():
    (table,) = [html for name, html in outputs("text/html") if name == "07_named"]
    rows = BeautifulSoup(table, "html.parser").tbody.find_all("tr")
    told = again.named()
    assert [row.find_all("td")[-1].text for row in rows] == told["verdict"].tolist()
    for row, (a, b, *gaps, _, p, _) in zip(rows, told.to_numpy(), strict=True):
        numbers = [label(a), label(b), *(f"{x:+.3f}" for x in gaps), f"{p:.4f}"]
        assert facts(row.get_text(" ")) == numbers


def test_the_gallery_shows_the_models_that_it_names():
    """Each silhouette's number is that of the counts of the model written under it."""
    stored = np.load(RESULTS / "cases" / "comparison_test.npz")
    for image, model, iou in zip(*(stored[k] for k in ("image", "model", "iou")), strict=True):
        table = again.photos()[str(model)]
        c = again.counts_of(table[table["image"] == image])[0]
        hit, either = np.diag(c), c.sum(0) + c.sum(1) - np.diag(c)
        assert iou == pytest.approx((hit[either > 0] / either[either > 0]).mean(), abs=1e-6)
