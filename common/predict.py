"""The command line for files: the pet's mask under some clicks, for each of some photos.

    python -m common.predict cat.jpg --click 120,80 --click 300,40,0 --out masks

writes cat_mask.png (255 the pet, 0 not), cat_overlay.png and cat.json (clicks, score, species and
the mask as COCO's run lengths). Clicks are x,y in pixels of the photo from its upper left corner;
a third number 0 says "not the pet". All photos get the same clicks; without any the model decides.
Segment Anything answers as sam_vit_b where SAM_CHECKPOINT is the path of its published weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common.config import UserError, cli

MODEL = "point_unet"  # the checkpoint that answers unless another is named


@cli
def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m common.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("--click", action="append", default=[], metavar="x,y[,label]")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", default=MODEL, help="a checkpoint's name or path, or sam_vit_b")
    args = parser.parse_args(argv)

    from common.canvas.files import check_outputs, parse_click, predict_file

    clicks = [parse_click(text) for text in args.click]
    check_outputs(args.photos, args.out)

    from common.clicks.predictor import load_predictor

    predictor, failed = load_predictor(args.model), False
    for photo in args.photos:
        try:
            print(predict_file(predictor, photo, clicks, args.out))
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
    return 2 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
