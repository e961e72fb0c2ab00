"""One HTML file in which the network runs: open it, click on the pet, see the mask.

It holds the click canvas of the notebooks, the ONNX graphs, ONNX Runtime Web and the sample
photos. Its policy admits its own script, by hash, and no connection at all.
"""

import base64
import gzip
import hashlib
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from common.canvas.widget import SCRIPTS
from common.config import CHECKPOINTS, SAMPLES, UserError, atomic_path
from common.provenance import code_hash, file_sha256, json_sha256, module_closure
from common.samples import Sample, samples_to_click

HERE = Path(__file__).parent
CANVAS = HERE.parents[1] / "canvas"  # the click canvas, which the notebooks show too
SIGN = HERE.parent / "demo" / "voila" / "templates" / "demo"  # the mark of the demo's page
RUNTIME = HERE / "vendor" / "ort.wasm.bundle.min.mjs"
WASM = HERE / "vendor" / "ort-wasm-simd-threaded.wasm.gz"
PARTS = "packed pictures files masks album clicker animals coco session page".split()
SCRIPT = (*SCRIPTS, *(HERE / f"{name}.js" for name in PARTS))
LOOKING = "packed resize regions window obey rivals everything predictor".split()
WORKER = tuple(HERE / f"{name}.js" for name in LOOKING)
STYLE = (CANVAS / "widget.css", HERE / "page.css")
KEY = re.compile(rb'<meta name="key" content="(\w{64})">')


def build_page(out: str | Path, checkpoint: str | Path = CHECKPOINTS / "point_unet.json") -> Path:
    """Write the page, unless the one that is there was made of the same checkpoint and code.

    Args:
        out: the file to write; replaced only when the new one is complete.
        checkpoint: of a point-prompted UNet, the path of its JSON file.

    Raises:
        UserError: there is no such checkpoint, or the page cannot run it.
    """
    out, checkpoint = Path(out), Path(checkpoint)
    key = page_key(checkpoint)
    if not is_current(out, key):
        html = _page(checkpoint, key)
        with atomic_path(out) as temporary:
            temporary.write_bytes(html)
    return out


def page_key(checkpoint: Path) -> str:
    """Hash of all that a page is made of: a checkpoint, files, and what code builds it."""
    parts = [*SCRIPT, *WORKER, *STYLE, RUNTIME, WASM, *SAMPLES.glob("*.*"), *SIGN.glob("*.j2")]
    parts += [HERE / "page.html.j2", checkpoint, checkpoint.with_suffix(".safetensors")]
    parts += module_closure(Path(__file__)).values()
    return json_sha256([code_hash(path) for path in sorted(set(parts)) if path.is_file()])


def is_current(page: Path, key: str) -> bool:
    """Whether a page is there that carries a key (near its beginning)."""
    if not page.is_file():
        return False
    with page.open("rb") as stream:
        found = KEY.search(stream.read(2000))
    return found is not None and found[1].decode() == key


def _page(checkpoint: Path, key: str) -> bytes:
    from common.checkpoint import load_checkpoint
    from common.web.page.export import FEWEST, STEPS, export_graphs

    model, card = load_checkpoint(checkpoint)
    graphs = export_graphs(model, card)
    script, worker, style = (_joined(paths) for paths in (SCRIPT, WORKER, STYLE))
    runtime = _in_ascii(RUNTIME.read_text(encoding="utf-8"))
    version = re.search(r"ONNX Runtime Web v([\d.]+)", runtime)
    blocks = {
        "predictor": worker.encode(),
        "runtime": packed(gzip.compress(runtime.encode(), 9, mtime=0)),
        "wasm": packed(WASM.read_bytes()),
        **{block: packed(_file(sample).read_bytes()) for block, sample in _samples()},
        **{
            name: packed(gzip.compress(split(graph), 9, mtime=0)) for name, graph in graphs.items()
        },
    }
    for text in (script, worker, runtime):
        if re.search(r"</script|<!--", text, re.IGNORECASE):
            raise UserError("a script of the page would end it before its end; write it otherwise")
    settings = {
        "model": checkpoint.stem,
        "graphs": list(graphs),
        "size": card.size,
        "fewest": FEWEST,
        "steps": STEPS,
        "constants": constants(),
    }
    environment = Environment(
        loader=FileSystemLoader([HERE, SIGN]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("page.html.j2").render(
        key=key,
        tensors=file_sha256(checkpoint.with_suffix(".safetensors")),
        settings=settings,
        photos=_photos(),
        runtime_version=version[1] if version else "",
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        script=Markup(script),
        style=Markup(style),
        blocks={name: f"@{name}@" for name in blocks},
    )
    page = html.encode("ascii", "xmlcharrefreplace")
    for name, content in blocks.items():
        page = page.replace(f"@{name}@".encode(), content)
    return page


def constants() -> dict[str, dict[str, object]]:
    """Numbers of the modules that the scripts follow, by the last part of their names."""
    from common.clicks import boxes, everything, first, obey, rivals, window, zoom

    return {
        module.__name__.rpartition(".")[2]: {
            name: value
            for name, value in vars(module).items()
            if name.isupper() and isinstance(value, int | float | tuple)
        }
        for module in (boxes, everything, first, obey, rivals, window, zoom)
    }


def _photos() -> list[dict[str, object]]:
    """The sample photos as `session.js` takes them; the very files are in blocks of their own."""
    return [
        {
            "name": sample.title[:1].upper() + sample.title[1:],
            "credit": sample.credit,
            "kind": f"image/{_file(sample).suffix[1:].replace('jpg', 'jpeg')}",
            "block": block,
            "width": sample.image.shape[1],
            "height": sample.image.shape[0],
        }
        for block, sample in _samples()
    ]


def _samples() -> list[tuple[str, Sample]]:
    return [(f"photo_{number}", sample) for number, sample in enumerate(samples_to_click())]


def _file(sample: Sample) -> Path:
    return next(SAMPLES.glob(f"{sample.name}.*"))


def packed(content: bytes) -> bytes:
    """Bytes as the text of a script in windows-1252: a byte a letter (base64 takes 1.33).

    What a browser would not keep (NUL, a carriage return) and what may end a script is written as
    "=" and a letter, as in yEnc; packed.js reads it.
    """
    for byte in b"=\0\r<":
        content = content.replace(bytes([byte]), bytes([ord("="), byte + 64]))
    return content


def split(content: bytes) -> bytes:
    """Even bytes, then odd ones: numbers of two bytes zip better so; `woven` undoes it."""
    return content[::2] + content[1::2]


def _joined(paths: tuple[Path, ...]) -> str:
    return _in_ascii("\n".join(path.read_text(encoding="utf-8") for path in paths))


def _in_ascii(script: str) -> str:
    """A script with its other letters as escapes, which mean the same in its texts."""
    return re.sub(r"[^\x00-\x7f]", lambda letter: f"\\u{ord(letter[0]):04x}", script)
