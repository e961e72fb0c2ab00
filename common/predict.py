"""The command line for files: the pet's mask under some clicks, for each of some photos.

    python -m common.predict cat.jpg --click 120,80 --click 300,40,0 --out masks

writes cat_mask.png (255 the pet, 0 not), cat_overlay.png (its longer side at most 2048 pixels) and
cat.json (clicks, score, species and the mask as COCO's compressed run lengths). Clicks are x,y in
pixels of the photo from its upper left corner; a third number 0 says "not the pet". All photos get
the same clicks; without any the model decides. --box x0,y0,x1,y1 draws a box round the animal.
Segment Anything answers as sam_vit_b where SAM_CHECKPOINT is the path of its published weights.

    python -m common.predict cats.jpg --object "Tom: 120,80 300,40,0" --object "Rex: 310,50" …

asks for several animals, each with its own clicks, and writes cats_labels.png (1 the first, 2 the
second, 0 none), cats_overlay.png and cats_coco.json (a COCO file of instances). Four numbers are
a box. --cutout adds a PNG with transparent ground, --labelme a JSON of mask shapes that labelme
opens; --polygons writes polygons for run lengths, and says how many pixels they lose.

    python -m common.predict --all photos/*.jpg --out masks

finds every animal of every photo without a click and writes masks/instances.json, one COCO file
with score and category of each. A run that is stopped goes on when it is called again.

The same command again leaves what follows from the same photo, model and clicks. A file that this
command did not write is never replaced, unless --overwrite is given. A photo that fails is named,
also at the end; the others go on, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from common.config import UserError, cli, user_path

if TYPE_CHECKING:
    import numpy as np

    from common.canvas.asked import Asked
    from common.clicks.protocol import Predictor

MODEL = "point_unet"  # the checkpoint that answers unless another is named


@cli
def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m common.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", type=user_path, metavar="PHOTO")
    parser.add_argument("--click", action="append", default=[], metavar="x,y[,label]")
    parser.add_argument("--object", action="append", default=[], metavar="'NAME: x,y x,y,0'")
    parser.add_argument("--box", metavar="x0,y0,x1,y1", help="round the animal")
    parser.add_argument("--cutout", action="store_true", help="a PNG with transparent ground too")
    parser.add_argument("--labelme", action="store_true", help="a JSON of mask shapes too")
    parser.add_argument("--polygons", action="store_true", help="not run lengths; fills holes")
    parser.add_argument("--all", action="store_true", help="every animal, without a click")
    parser.add_argument("--out", type=user_path, required=True, metavar="DIR")
    parser.add_argument("--model", default=MODEL, help="a checkpoint's name or path, or sam_vit_b")
    parser.add_argument("--overwrite", action="store_true", help="whoever wrote what is there")
    args = parser.parse_args(argv)

    if args.all:
        return _all(args)
    from common.data.photos import read_warning

    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(read_warning, args.photos[0])  # while all the rest is loaded
        from common.canvas.files import check_outputs

        asked = _asked(args)
        check_outputs(args.photos, args.out, asked, args.overwrite)
        from common.clicks.predictor import load_predictor

        predictor, failed = load_predictor(args.model), []
        for number, photo in enumerate(args.photos):
            read = partial(read_warning, photo) if number else first.result
            try:
                print(_answer(predictor, photo, read, args, asked))
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
                failed.append(photo)
    if failed and len(args.photos) > 1:
        names = ", ".join(map(str, failed))
        print(f"{len(failed)} of {len(args.photos)} photos failed: {names}", file=sys.stderr)
    return 1 if failed else 0


def _all(args: argparse.Namespace) -> int:
    """Every animal of every photo, into one COCO file."""
    if args.click or args.object or args.box:
        raise UserError("--all needs no prompts: leave out --click, --box and --object")
    from common.canvas.batch import FILE, check_file, find_in_photos

    check_file(args.photos, args.out / FILE, args.overwrite)
    from common.clicks.predictor import load_predictor

    failed = find_in_photos(load_predictor(args.model), args.photos, args.out / FILE, args.model)
    print(f"{args.out / FILE}: {len(args.photos) - len(failed)} of {len(args.photos)} photos")
    return 1 if failed else 0


def _asked(args: argparse.Namespace) -> Asked:
    from common.canvas.asked import Asked, parse_box, parse_click, parse_object

    if (args.click or args.box) and args.object:
        raise UserError("--click and --box are of one animal, --object of several: give one kind")
    return Asked(
        tuple(parse_click(text) for text in args.click),
        parse_box(args.box) if args.box else None,
        tuple(parse_object(text, i) for i, text in enumerate(args.object, 1)),
        args.polygons,
        args.cutout,
        args.labelme,
    )


def _answer(
    predictor: Predictor,
    photo: Path,
    read: Callable[[], np.ndarray],
    args: argparse.Namespace,
    asked: Asked,
) -> str:
    """Predict a photo, unless its files follow from the same; a line on what was found."""
    from common.canvas.files import predict_photo
    from common.canvas.own import is_done, source_of

    prompts = [*args.click, *args.object, *filter(None, [args.box])]
    source = source_of(photo, args.model, prompts + ["polygons"] * asked.polygons)
    if is_done(asked.outputs(photo, args.out), source):
        return f"{photo}: done before, with the same model and clicks; left as it is"
    return predict_photo(predictor, photo, asked, args.out, source, read)


if __name__ == "__main__":
    raise SystemExit(main())
