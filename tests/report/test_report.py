"""The report is one file that asks for nothing, runs nothing it was handed, and numbers itself."""

import base64
import io
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from common.config import NOTEBOOKS, UserError
from common.report import build_report
from common.report.outputs import SVG_LIMIT

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 60" onload="alert(1)">'
    "<script>alert(2)</script><rect width='90' height='60'/></svg>"
)
PROVENANCE = {
    "date": "2026-03-12T09:01:00+00:00",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "profile": "smoke",
    "processor": "a <fast> one",
    "versions": {"torch": "2.14.1"},
    "minutes": {"01_first": 0.5, "02_second": 12.25},
    "test_reads": [{"time": "09:00", "model": "unet", "miou": 0.861}],
    "models": [{"model": "unet", "commit": "89abcdef" * 5 + "-dirty", "seed": None}],
}
PROSE = """# 01 · First notebook

Costs $5 and `$HOME`, see [part](02_second.ipynb#The-end), [whole](../notebooks/02_second.ipynb),
[here](#The-idea), [source](../common/x.py), [plot](../figures/02_plot.png),
[site](https://example.org/) and [bad](javascript:alert(3)).[^1] Formula $x_i < \\frac{a}{b}$.

[![Colab](https://colab.research.google.com/badge.svg)](https://colab.research.google.com/x)

## The idea

$$
\\mathcal{L} = \\sum_i y_i
$$

| name | value |
|------|-------|
| a    | 1.5   |
| b    | 12    |

<script>alert(4)</script><img src="https://example.org/x.png" alt="far away" onerror="alert(5)">

![pasted](attachment:image.png "A pasted picture")

[^1]: A note.
"""


def png(width: int = 90, height: int = 60) -> str:
    """Base64 of a PNG of that many pixels."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (10, 106, 108)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def shown(data: dict, **metadata: str) -> nbformat.NotebookNode:
    """A displayed output; ``caption`` and ``name`` are the report's convention."""
    return new_output("display_data", data=data, metadata=metadata)


def cell(*outputs: nbformat.NotebookNode, tag: str = "", source: str = "secret_code()"):
    """A code cell that has run; ``tag`` may be several, with spaces between."""
    tags = {"tags": tag.split()}
    return new_code_cell(source, outputs=list(outputs), metadata=tags)


def stream(text: str, name: str = "stdout") -> nbformat.NotebookNode:
    return new_output("stream", name=name, text=text)


@pytest.fixture
def write(tmp_path: Path):
    """Function that writes notebooks' cells to ``tmp_path`` and builds their report's text."""

    def built(**notebooks: list) -> str:
        paths = []
        for stem, cells in notebooks.items():
            paths.append(tmp_path / f"{stem.lstrip('n')}.ipynb")
            node = new_notebook(cells=cells)
            for index, each in enumerate(node.cells):
                each["id"] = f"cell-{index}"
            nbformat.write(node, paths[-1])
        out = build_report(paths, tmp_path / "out" / "report.html", provenance=PROVENANCE)
        return out.read_text(encoding="utf-8")

    return built


@pytest.fixture
def report(write) -> str:
    """Two notebooks with everything that a report must show, tidy or refuse."""
    frame = pd.DataFrame({"score": [0.5, 0.25], "who": ["cat", "<dog>"]}, index=["a", "b"])
    frame.index.name = "model"
    attack = frame.to_html().replace("cat", 'cat<script>alert(6)</script><i onclick="x()">!</i>')
    prose = new_markdown_cell(PROSE, attachments={"image.png": {"image/png": png()}})
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "W(1)"}
    first = [
        prose,
        cell(stream("parameters_cell"), tag="parameters"),
        cell(stream("hidden_cell"), tag="hide"),
        cell(stream("warning: oops", "stderr"), stream("kept\n 50%|##   | 1/2 [00:01, 1it/s]\n")),
        cell(
            shown({"image/png": png(), "image/svg+xml": SVG}, caption="One $y$", name="01_one"),
            tag="main",
        ),
        cell(shown(widget), shown({"text/plain": "<Figure size 640x480 with 1 Axes>"})),
        cell(shown({"text/html": attack}, caption="Scores", name="01_scores")),
        cell(shown({"text/markdown": "Best is **0.861**."}), tag="summary see:01_one see:gone"),
    ]
    second = [
        new_markdown_cell("# 02 · Second notebook\n\n## The end\n\nBack: [up](#The-end)."),
        cell(shown({"text/markdown": "1. Use *this*, **0.250**.\n2. Not that."}), tag="finding"),
        cell(
            shown(
                {"text/html": "<table><tbody><tr><td>b</td><td>0.250</td></tr></tbody></table>"},
                caption="Found by its number. And more.",
            )
        ),
        cell(
            shown({"image/png": png(900, 300), "text/plain": "x"}, caption="Two", name="02_plot")
        ),
    ]
    return write(n01_first=first, n02_second=second)


def test_asks_no_other_host_for_anything(report: str) -> None:
    soup = BeautifulSoup(report, "html.parser")
    sources = [tag["src"] for tag in soup.find_all(src=True)]
    assert len(sources) == 3
    assert all(source.startswith("data:image/") for source in sources)
    assert [link["href"] for link in soup.find_all("link")] == ["data:,"]
    assert not re.search(r"url\(|@import", report)
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src 'sha256-" in policy


def test_runs_nothing_that_a_notebook_brought(report: str) -> None:
    soup = BeautifulSoup(report, "html.parser")
    assert len(soup.find_all("script")) == 1
    assert "alert(" not in report
    assert not [tag for tag in soup.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert not soup.find_all(["iframe", "object", "embed", "form"])


def test_shows_no_code_and_none_of_the_noise(report: str) -> None:
    for noise in ("secret_code", "parameters_cell", "hidden_cell", "oops", "it/s", "W(1)", "Axes"):
        assert noise not in report, noise
    assert '<pre class="output">kept</pre>' in report


def test_figures_and_tables_are_numbered_and_those_of_appendices_apart(report: str) -> None:
    soup = BeautifulSoup(report, "html.parser")
    captions = [caption.get_text(" ", strip=True) for caption in soup.find_all("figcaption")]
    assert captions == [
        "Figure\xa01 One y",
        "Figure\xa0A.1 A pasted picture",
        "Table\xa0A.1 Scores",
        "Table\xa0A.2 Found by its number. And more.",
        "Figure\xa0A.2 Two",
    ]
    assert soup.find(id="fig-02_plot").img["alt"] == "Two"
    assert "wide" in soup.find(id="fig-02_plot")["class"]


def test_small_svg_wins_over_png_and_a_large_one_loses(write) -> None:
    large = SVG.replace("</svg>", f"<!--{'x' * SVG_LIMIT}--></svg>")
    html = write(
        n01_a=[cell(shown({"image/png": png(), "image/svg+xml": each})) for each in (SVG, large)]
    )
    kinds = re.findall(r'src="data:(image/[a-z+]+)[;,]', html)
    assert kinds == ["image/svg+xml", "image/png"]


def test_every_inner_link_has_its_target(report: str) -> None:
    soup = BeautifulSoup(report, "html.parser")
    links = {a.get_text(strip=True): a["href"] for a in soup.main.find_all("a")}
    assert links["part"] == "#02_second-the-end" == links["up"]
    assert links["whole"] == "#02_second"
    assert links["here"] == "#01_first-the-idea"
    assert links["plot"] == "#fig-02_plot"
    assert links["site"] == "https://example.org/"
    assert not {"source", "bad", "Colab"} & set(links)
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    inner = {a["href"][1:] for a in soup.find_all("a") if a["href"].startswith("#")}
    assert inner <= set(ids)


def test_contents_list_notebooks_and_their_parts(report: str) -> None:
    links = BeautifulSoup(report, "html.parser").nav.find_all("a")
    assert [link["href"] for link in links] == [
        "#summary",
        "#chapter-01_first",
        "#chapter-02_second",
        "#appendices",
        "#01_first",
        "#02_second",
        "#marker",
        "#provenance",
    ]
    assert links[1].get_text() == "01First notebook"


def test_findings_open_the_report_and_answers_their_chapters_with_evidence(report: str) -> None:
    soup = BeautifulSoup(report, "html.parser")
    assert [item.get_text() for item in soup.select("#summary .finding li")] == [
        "Use this, 0.250.",
        "Not that.",
    ]
    assert "Best is 0.861." in soup.select_one("#chapter-01_first .answer").get_text()
    evidence = [
        [(link.get_text(), link["href"]) for link in paragraph.find_all("a")]
        for paragraph in soup.select(".evidence")
    ]
    assert evidence == [
        [("Table\xa0A.2", "#tab-02_second-1")],  # it holds 0.250
        [("Figure\xa01", "#fig-01_one")],  # tagged; the other name is not in this report
    ]
    for section in ("01_first", "02_second"):
        assert not re.search("Best is|Use this", soup.find(id=section).get_text())


def test_a_chapter_is_question_figures_answer_limits_and_the_appendix_the_rest(write) -> None:
    found = shown({"text/markdown": "It is **0.861** IoU."})
    cells = [
        new_markdown_cell("# 01 · A\n\n**Question.** What is $x$?\n\n| a |\n|---|\n| 1 |"),
        new_markdown_cell("## Idea\n\nBy IoU and IoU.", metadata={"tags": ["main"]}),
        cell(shown({"image/png": png()}, caption="Seen", name="01_seen"), tag="main"),
        cell(shown({"image/png": png()}, caption="First", name="01_first"), tag="opening"),
        new_markdown_cell("Rest, see [it](#Idea).\n\n**Limits.** One dataset.\n\n**Try.** It."),
        cell(found, tag="summary"),
    ]
    soup = BeautifulSoup(write(n01_a=cells), "html.parser")
    chapter = soup.find(id="chapter-01_a").get_text(" ", strip=True)
    order = [
        "What is",
        "By IoU (intersection",
        "Figure\xa02 Seen",
        "It is",
        "Limits. One dataset.",
    ]
    places = [chapter.index(text) for text in order]
    assert places == sorted(places) and chapter.count("(intersection") == 1
    assert soup.select_one("#summary figcaption").get_text() == "Figure\xa01 First"
    appendix = soup.find("details", id="01_a")
    text = appendix.get_text(" ", strip=True)
    assert [link.get_text() for link in appendix.select(".seen a")] == [
        "Figure\xa02",
        "Figure\xa01",
    ]
    assert "Rest" in text and "Try." in text and appendix.find(id="01_a-idea")
    assert not re.search("What is|By IoU|One dataset|It is", text) and not appendix.find("img")


def test_a_claim_without_evidence_points_to_its_notebook(write) -> None:
    html = write(n01_a=[cell(shown({"text/markdown": "All is well."}), tag="summary")])
    link = BeautifulSoup(html, "html.parser").select_one(".evidence a")
    assert (link["href"], link.get_text()) == ("#01_a", "notebook 01")


def test_markers_page_leads_from_claim_to_command(report: str) -> None:
    marker = BeautifulSoup(report, "html.parser").find(id="marker")
    first, second = marker.select(".check")  # findings come first
    texts = [entry.get_text(" ", strip=True) for entry in first.find_all("dd")]
    assert texts == [
        "Use this , 0.250 . Not that.",
        "Table\xa0A.2",
        "notebooks/02_second.ipynb",
        'make report ARGS="--only 02 --force"',
    ]
    assert "Best is 0.861 ." in second.get_text(" ", strip=True)
    rows = [
        [field.get_text(strip=True) for field in row.find_all("td")]
        for row in marker.select(".exhibits tbody tr")
    ]
    assert rows == [
        ["Figure\xa01", "One y", "01", "01_one"],
        ["Table\xa0A.1", "Scores", "01The idea", ""],
        ["Table\xa0A.2", "Found by its number.", "02The end", ""],
        ["Figure\xa0A.2", "Two", "02The end", "02_plot"],
    ]


def test_committed_claims_name_figures_that_their_notebooks_show() -> None:
    shown_names, asked = set(), set()
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        for each in nbformat.read(path, as_version=4).cells:
            outputs = each.get("outputs", [])
            shown_names |= {output.get("metadata", {}).get("name") for output in outputs}
            tags = each.metadata.get("tags", [])
            asked |= {tag.removeprefix("see:") for tag in tags if tag.startswith("see:")}
    assert asked and asked <= shown_names


def test_formulas_are_mathml_and_code_keeps_its_dollars(report: str) -> None:
    soup = BeautifulSoup(report, "html.parser")
    assert [math["display"] for math in soup.find_all("math")].count("block") == 1
    assert soup.select_one("math mfrac")
    assert "<code>$HOME</code>" in report
    assert "Costs $5 and" in report


def test_table_columns_of_numbers_are_marked_and_the_header_is_one_row(report: str) -> None:
    table = BeautifulSoup(report, "html.parser").find(id="tab-01_scores").table
    assert table["class"] == ["sortable"]
    assert [cell.get_text() for cell in table.thead.find_all("th")] == ["model", "score", "who"]
    marked = [
        [("num" in c.get("class", [])) for c in row.find_all(["th", "td"])]
        for row in table.find_all("tr")
    ]
    assert marked == [[False, True, False]] * 3
    assert "<dog>" in table.get_text()


def test_provenance_is_shown_and_escaped(report: str) -> None:
    text = BeautifulSoup(report, "html.parser").find(id="provenance").get_text(" ", strip=True)
    for expected in (
        "a <fast> one",
        "torch 2.14.1",
        "02_second 12.25",
        "unet 0.861",
        "unet 89abcdef89-dirty",
    ):
        assert expected in text
    assert "12 March 2026 · commit 0123456789 · profile smoke" in report


def test_same_input_same_bytes(write) -> None:
    cells = [
        new_markdown_cell(PROSE.replace("attachment:image.png", "data:image/png;base64," + png()))
    ]
    assert write(n01_first=cells) == write(n01_first=cells)


def test_attachments_of_the_same_name_stay_apart(write) -> None:
    cells = [
        new_markdown_cell(
            "![x](attachment:image.png)", attachments={"image.png": {"image/png": p}}
        )
        for p in (png(10, 10), png(20, 20))
    ]
    assert re.findall(r'<img[^>]* width="(\d+)"', write(n01_a=cells)) == ["10", "20"]


@pytest.mark.parametrize("content", [None, "not json", '{"cells": 3}', "{}"])
def test_bad_notebook_is_named_and_the_old_report_stays(tmp_path: Path, content) -> None:
    notebook, out = tmp_path / "03_mae.ipynb", tmp_path / "report.html"
    out.write_text("before")
    if content is not None:
        notebook.write_text(content)
    with pytest.raises(UserError, match="03_mae.ipynb"):
        build_report([notebook], out, provenance={})
    assert out.read_text() == "before"


def test_missing_picture_is_named(write) -> None:
    with pytest.raises(UserError, match=r"01_a\.ipynb.*gone\.png"):
        write(n01_a=[new_markdown_cell("![x](gone.png)")])


def test_the_report_moves_references_to_its_end(write) -> None:
    html = write(
        n01_a=[new_markdown_cell("# A\n\nText.\n\n**References.** B. Zorn, *A*, X 2020.")]
    )
    soup = BeautifulSoup(html, "html.parser")
    assert "Zorn" not in soup.find(id="01_a").get_text()
    item = soup.select_one("#references li")
    assert item.get_text(" ", strip=True) == "B. Zorn, A , X 2020. 01"
    assert item.a["href"] == "#01_a"


@pytest.mark.long
def test_in_a_browser(report: str, tmp_path: Path, browser) -> None:
    """No request, no refusal by the policy, no sideways scrolling; sort, theme, print work."""
    address = (tmp_path / "out" / "report.html").as_uri()
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.click("#tab-01_scores th:nth-child(2) button")
    column = page.locator("#tab-01_scores tbody td:nth-child(2)").all_text_contents()
    page.locator("#tab-01_scores th:nth-child(2) button").press("Enter")
    turned = page.locator("#tab-01_scores tbody td:nth-child(2)").all_text_contents()
    page.click("#theme")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    remembered = page.evaluate("getComputedStyle(document.body).backgroundColor")
    sideways = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.emulate_media(media="print")
    printed = {
        name: page.evaluate(f"getComputedStyle({name}).{style}")
        for name, style in {
            "document.body": "backgroundColor",
            "document.querySelector('.bar')": "display",
            "document.querySelector('nav')": "display",
            "document.querySelector('th button')": "display",
            "document.querySelector('figure.figure')": "breakInside",
        }.items()
    }
    page.close()
    assert {url for url in requests if not url.startswith("data:")} == {address}
    assert complaints == []
    assert column == ["0.25", "0.50"]
    assert turned == ["0.50", "0.25"]
    assert list(printed.values()) == ["rgb(255, 255, 255)", "none", "block", "contents", "avoid"]
    assert paper == remembered == "rgb(21, 24, 27)"
    assert not sideways


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The report of the committed notebooks."""
    out = tmp_path_factory.mktemp("whole") / "report.html"
    return build_report(sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), out, provenance=PROVENANCE)


@pytest.mark.long
def test_figures_are_enlarged_tables_keep_their_names_and_axe_finds_nothing(whole, browser):
    """By keys, on a phone, with every appendix open; the chart is on the first screen."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(whole.as_uri(), wait_until="domcontentloaded")
    assert (
        page.locator(".opening img").last.evaluate("e => e.getBoundingClientRect().bottom") < 800
    )
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".enlarge").nth(1).press("Enter")
    large = page.locator("#large[open] img")
    assert large.get_attribute("alt") == page.locator(".enlarge img").nth(1).get_attribute("alt")
    assert large.evaluate("e => e.width") > 700
    page.keyboard.press("Escape")
    assert page.locator("#large[open]").count() == 0
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    table = page.locator("#tab-07_models .scroll")
    table.evaluate("box => box.scrollTo(300, 0)")
    first = table.locator("tbody td").first.evaluate("cell => cell.getBoundingClientRect().left")
    assert first == pytest.approx(table.evaluate("box => box.getBoundingClientRect().left"), abs=1)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    context.close()


@pytest.mark.long
def test_the_committed_notebooks_make_a_report_to_be_read_in_fifteen_minutes(whole) -> None:
    """Its main line is short, it weighs what can be sent, and every link inside it leads on."""
    assert whole.stat().st_size <= 12e6
    html = re.sub(r'src="data:[^"]*"', 'src="data:"', whole.read_text(encoding="utf-8"))
    soup = BeautifulSoup(html, "html.parser")
    assert {tag["src"] for tag in soup.find_all(src=True)} == {"data:"}
    targets = {tag["id"] for tag in soup.find_all(id=True)}
    assert {a["href"][1:] for a in soup.find_all("a") if a["href"].startswith("#")} <= targets
    figures = [caption.get_text() for caption in soup.select("figcaption .number")]
    assert len(figures) > 120
    for folded in soup.find_all("details"):
        folded.decompose()
    assert len(soup.main.get_text(" ").split()) <= 6000
    assert len(soup.main.find_all("img")) <= 25
    assert not [section for section in soup.select(".chapter") if not section.select(".answer")]
