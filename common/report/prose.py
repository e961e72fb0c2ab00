"""Markdown of a notebook as one document: footnotes, formulas, links and pictures inside it."""

import base64
import mimetypes
import re
from html import escape
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import mistune
from bs4 import BeautifulSoup, Tag

from common.config import NOTEBOOKS, UserError
from common.report.blocks import Page, clean, figure_html, parse, table_html
from common.report.images import image_html
from common.report.mathml import math_plugin, to_mathml
from common.report.tables import restyle

COLAB = "colab.research.google.com"  # the badge opens a notebook; in a report it is noise
NUMBERED = re.compile(r"^\d+\s*[.·:–—-]\s*")  # "02 · The custom UNet"


class _Renderer(mistune.HTMLRenderer):
    """Raw HTML passes (it is sanitized later); formulas wait in the page's slots."""

    def __init__(self, page: Page) -> None:
        super().__init__(escape=False, allow_harmful_protocols=True)
        self.page = page

    def inline_math(self, text: str) -> str:
        return self.page.slots.put(to_mathml(text, "inline"), "span")

    def block_math(self, text: str) -> str:
        formula = to_mathml(text, "block")
        return self.page.slots.put(f'<span class="equation">{formula}</span>', "span")


def render(markdown: str, page: Page) -> str:
    """HTML of ``markdown``: sanitized, ids prefixed by the page's name, slots still open."""
    plugins = ["table", "footnotes", "strikethrough", math_plugin]
    convert = mistune.create_markdown(renderer=_Renderer(page), plugins=plugins)
    soup = parse(convert(markdown))
    _embed_images(soup, page)
    _head(soup, page)
    _link(soup, page)
    for element in soup.find_all(id=True):
        element["id"] = f"{page.prefix}-{element['id']}"
    _wrap_tables(soup, page)
    for paragraph in soup.find_all("p"):
        if not paragraph.get_text(strip=True) and not paragraph.find(True):
            paragraph.decompose()
    return clean(str(soup))


def inline(markdown: str, page: Page) -> str:
    """Finished HTML of one line, such as a caption, without the paragraph around it."""
    return page.slots.fill(re.sub(r"^<p>|</p>$", "", render(markdown, page).strip()))


def slug(text: str) -> str:
    """Anchor of a heading: lower case, words joined by hyphens."""
    return re.sub(r"\W+", "-", unquote(text).lower()).strip("-")


def _head(soup: BeautifulSoup, page: Page) -> None:
    """Take the first H1 as the title; move the others one level down and list the H2."""
    taken = {""}
    for heading in soup.find_all(re.compile("^h[1-6]$")):
        level, text = int(heading.name[1]), heading.get_text(" ", strip=True)
        if level == 1 and not page.title:
            page.title = NUMBERED.sub("", text)
            heading.decompose()
            continue
        anchor, count = slug(text), 1
        while anchor in taken:
            count += 1
            anchor = f"{slug(text)}-{count}".strip("-")
        taken.add(anchor)
        heading.name, heading["id"] = f"h{min(max(level, 2) + 1, 6)}", anchor
        if heading.name == "h3":
            page.contents.append((f"{page.prefix}-{anchor}", text))


def _link(soup: BeautifulSoup, page: Page) -> None:
    for link in soup.find_all("a", href=True):
        if COLAB in link["href"]:
            link.decompose()
        elif link["href"].startswith("#"):
            fragment = slug(link["href"])
            here = page.prefix if soup.find(id=fragment) else page.name
            link["href"] = f"#{here}-{fragment}"
        elif target := _target(link["href"], page):
            link["href"] = target
        else:  # a file of the repository: the report does not carry it
            link.unwrap()


def _target(href: str, page: Page) -> str | None:
    """Address of a link within the report, or of another site, or None if it leads nowhere."""
    url = urlsplit(href)
    if url.scheme or url.netloc:
        return href if url.scheme in ("http", "https", "mailto") else None
    path, fragment = PurePosixPath(unquote(url.path)), slug(url.fragment)
    if path.suffix == ".ipynb" and path.stem in page.notebooks:
        return f"#{path.stem}-{fragment}" if fragment else f"#{path.stem}"
    if path.suffix in (".png", ".svg") and path.stem in page.figures:
        return f"#fig-{path.stem}"
    return None


def _embed_images(soup: BeautifulSoup, page: Page) -> None:
    for image in soup.find_all("img"):
        source, alt = unquote(image.get("src", "")), image.get("alt", "")
        if urlsplit(source).netloc:
            image.replace_with(alt)  # a report makes no request: the words stand for the picture
            continue
        mime, data = page.attachments.get(source) or _read_image(source, page)
        alone = image.parent.name == "p" and len(image.parent.contents) == 1
        if alone:
            html = figure_html(mime, data, alt=alt, caption=escape(image.get("title", "")))
        else:
            html = image_html(mime, data, alt)
        slot = page.slots.put(html, "div" if alone else "span")
        _replace(image.parent if alone else image, slot)


def _read_image(source: str, page: Page) -> tuple[str, bytes]:
    """An embedded picture, or a file beside the notebook or (of an executed copy) its original."""
    if embedded := re.fullmatch(r"data:(image/[\w.+-]+);base64,(.*)", source, re.DOTALL):
        return embedded[1], base64.b64decode(embedded[2])
    mime = mimetypes.guess_type(source)[0] or ""
    for folder in (page.path.parent, NOTEBOOKS):
        if mime.startswith("image/") and (folder / source).is_file():
            return mime, (folder / source).read_bytes()
    raise UserError(f"{page.path}: picture {source!r} not found; mend its address or restore it")


def _wrap_tables(soup: BeautifulSoup, page: Page) -> None:
    for table in soup.find_all("table"):
        restyle(table)
        _replace(table, table_html(str(table)))


def _replace(element: Tag, html: str) -> None:
    element.replace_with(BeautifulSoup(html, "html.parser"))
