"""A notebook's desk: what it may measure, where its results lie, and how it shows them.

Each notebook has one, made of its parameters. Nothing that needs torch is imported before it is
asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from common.config import CHECKPOINTS
from common.figures import show, show_table

if TYPE_CHECKING:
    from common.canvas.widget import ClickCanvas
    from common.data.cache import PetCache
    from common.studies.ablation import Variant
    from common.training.finished import Run
    from common.training.runs import Training
    from common.training.trainer import TrainConfig


@dataclass(frozen=True)
class Lab:
    """What the parameters of a notebook allow.

    Attributes:
        data_root: a copy of the dataset, "" for none.
        results_dir, figures_dir: where results and figures are read and written.
        stamp: written across every figure, where numbers mean nothing.
        train: whether to measure and train; else what is stored is read.
    """

    data_root: str = ""
    results_dir: str | Path = "results"
    figures_dir: str | Path = "figures"
    stamp: str = ""
    train: bool = False

    @property
    def root(self) -> str | None:
        """Photos to measure on, or None: read what is stored."""
        return self.data_root or None if self.train else None

    @property
    def results(self) -> Path:
        """The results folder."""
        return Path(self.results_dir)

    @property
    def checkpoints(self) -> Path:
        """The checkpoints in it."""
        return self.results / CHECKPOINTS.name

    def cache(self, size: int) -> PetCache | None:
        """The preprocessed photos, ``size`` pixels square, where there are any to measure on."""
        from common.data.dataset import prepare

        return prepare(self.root, size=size) if self.root else None

    def show(self, fig: Figure, name: str, caption: str) -> None:
        """Save a figure and display it once; arguments as `figures.show`."""
        show(fig, name, caption, folder=self.figures_dir, stamp=self.stamp)

    def table(self, frame: pd.DataFrame, caption: str, **kwargs) -> None:
        """Display a table with its caption; arguments as `figures.show_table`."""
        show_table(frame, caption, **kwargs)

    def say(self, text: str) -> None:
        """Display a sentence or a list, as markdown."""
        display(Markdown(text))

    def run(self, training: Training, cache: PetCache | None) -> Run:
        """A training that is done where its result is not stored."""
        return training.run_or_load(cache, self.results)

    def artifact(
        self, file: str, make: Callable[[], pd.DataFrame], key: Mapping | None
    ) -> pd.DataFrame:
        """A table below the results: made where there are photos and its key is another one.

        Args:
            file: below the results, a .parquet file.
            make: measures.
            key: what the table follows from; None reads what is stored.
        """
        from common.files import artifact

        return artifact(self.results / file, make, key=key if self.root else None)

    def counts(self, name: str, split: str = "test", limit: int = 0) -> pd.DataFrame:
        """Counts of a model's pixels, photo by photo; ``limit`` photos at most, 0: all."""
        from common.scoring.photos import evaluate_or_load

        return evaluate_or_load(name, self.root, split, results=self.results, limit=limit)

    def rivals(self, *names: str) -> dict[str, pd.DataFrame]:
        """Test counts that other notebooks have stored, by model, as far as they are there."""
        from common.scoring.photos import evaluate_or_load

        there = [n for n in names if (self.results / "counts" / f"{n}_test.parquet").is_file()]
        return {n: evaluate_or_load(n, None, "test", results=self.results) for n in there}

    def cases(self, name: str, run: Run, counts: pd.DataFrame) -> list[dict]:
        """The best, the median and the worst photos of a model, as `scoring.cases` keeps them."""
        from common.scoring import cases

        file = self.results / "cases" / f"{name}_test.npz"
        if self.root:
            root = Path(self.root)
            cases.save_cases(file, run.model, run.card, root, cases.select_cases(counts))
        return cases.load_cases(file)

    def clicks(self, name: str, split: str = "test", **how: Any) -> pd.DataFrame:
        """A model under the robot's clicks on photos; arguments as `clicks_or_load`."""
        from common.scoring.clicking import clicks_or_load

        return clicks_or_load(name, self.root, split, results=self.results, **how)

    def elsewhere(self, name: str, **how: Any) -> pd.DataFrame:
        """A model under the robot's clicks on the photos of ELSEWHERE_ROOT, or as stored."""
        from common.scoring.elsewhere import elsewhere_or_load

        return elsewhere_or_load(name, results=self.results, measure=self.train, **how)

    def study(
        self,
        model: str,
        variants: Sequence[Variant],
        budget: TrainConfig | None = None,
        *,
        wanted: bool = False,
        **how: Any,
    ) -> pd.DataFrame:
        """The rows of an ablation, trained and scored first where that is wanted.

        Args:
            model, variants: of `ablation.ablation_table`.
            budget: of each variant, where they are to be trained.
            wanted: whether to train what is not there; needs photos.
            **how: ``by`` of both, and the others of `ablation.train_variants`.
        """
        from common.studies.ablation import ablation_table, train_variants

        if wanted and self.root and budget is not None:
            train_variants(model, variants, budget, self.root, results=self.results, **how)
        return ablation_table(model, variants, self.results, *([how["by"]] if "by" in how else []))

    def canvas(self, first: str) -> ClickCanvas:
        """The sample photos to click on, with ``first`` to answer and the others to choose."""
        from common.canvas.choices import available_models, sample_photos
        from common.canvas.session import ClickSession
        from common.canvas.widget import ClickCanvas
        from common.samples import samples_to_click

        models = available_models(first, results=self.results)
        return ClickCanvas(ClickSession(sample_photos(samples_to_click()), models))
