"""Train one model from the command line.

    python -m common.training --model unet --data-root DIR --seed 1 --fraction 0.25

``accelerate launch -m common.training …`` does so on several processors or machines. On Linux
with glibc a training is about a fifth faster where freed memory is kept, as notebooks of the
pipeline do; a process must be told before it starts (`common.pipeline.execute.KEEP_MEMORY`):

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python -m common.training …
"""

from __future__ import annotations

import argparse
from dataclasses import fields

from common.config import RESULTS, UserError, cli, user_path


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; every field of `TrainConfig` is an option, so help takes torch."""
    from common.data.dataset import prepare
    from common.models import full_name, list_models
    from common.training.optim import TrainConfig
    from common.training.processes import is_main, join
    from common.training.runs import Training

    parser = argparse.ArgumentParser(prog="python -m common.training", description=__doc__)
    parser.add_argument("--model", required=True, type=full_name, choices=list_models())
    parser.add_argument("--name", help="of the checkpoint (default: the model's)")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--size", type=int, default=128, help="edge of the square, in pixels")
    parser.add_argument(
        "--results", type=user_path, default=RESULTS / "local", help="results folder"
    )
    parser.add_argument("--overwrite", action="store_true", help="a finished run of that name")
    for option in fields(TrainConfig):
        flag, kind = f"--{option.name.replace('_', '-')}", type(option.default)
        parser.add_argument(flag, type=kind, default=option.default)
    args = vars(parser.parse_args(argv))
    config = TrainConfig(**{option.name: args[option.name] for option in fields(TrainConfig)})
    join()
    cache = prepare(args["data_root"], size=args["size"])
    name = args["name"] or args["model"]
    training = Training(name, args["model"], config=config)
    if training.would_replace(cache, args["results"]) and not args["overwrite"]:
        raise UserError(
            f"{name} is trained already, with other settings, photos or code; give this one "
            "another --name, or --overwrite to replace it"
        )
    run = training.run_or_load(cache, args["results"])
    if not is_main():
        return
    print(run.history.round(4).to_string(index=False))
    print(f"best weights: {args['results'] / 'checkpoints' / name}.safetensors")


if __name__ == "__main__":
    raise SystemExit(main())
