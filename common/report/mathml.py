"""Formulas without a network: LaTeX between dollar signs becomes MathML, drawn by the browser."""

import re
import unicodedata
import warnings
from html import escape, unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element
from mistune import BlockParser, BlockState, InlineParser, InlineState, Markdown

# A formula holds no back-tick (so code stays code) and no blank line; an inline one neither
# begins nor ends with a space nor is followed by a digit (so "$5 and $6" are prices).
BODY = r"(?:\\.|(?!\n[ \t]*\n)[^$`\\])+?"
BLOCK = rf"^ {{0,3}}\$\$(?P<math_text>{BODY})\$\$[ \t]*(?:\n|$)"
INLINE = rf"\$\$(?P<display>{BODY})\$\$|\$(?![\s$])(?P<inline>{BODY})(?<!\s)\$(?![\d$])"
ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|align\*?|split)\}")
UNSAFE = {"xmlns", "href", "style", "class", "id"}  # \href, \style … set these from the notebook


def math_plugin(markdown: Markdown) -> None:
    """Mistune plugin: ``$…$`` gives `inline_math` tokens, ``$$…$$`` `block_math` tokens."""
    markdown.block.register("block_math", BLOCK, _parse_block, before="list")
    markdown.inline.register("inline_math", INLINE, _parse_inline, before="link")


def _parse_block(_: BlockParser, match: re.Match[str], state: BlockState) -> int:
    state.append_token({"type": "block_math", "raw": match["math_text"]})
    return match.end()


def _parse_inline(_: InlineParser, match: re.Match[str], state: InlineState) -> int:
    kind = "block_math" if match["display"] else "inline_math"
    state.append_token({"type": kind, "raw": match["display"] or match["inline"]})
    return match.end()


def to_mathml(latex: str, display: str) -> str:
    """MathML of a formula; one that cannot be read is shown as it was typed, with a warning.

    Args:
        latex: the formula without its dollar signs.
        display: "inline" or "block".
    """
    source = ALIGNED.sub(
        lambda match: r"\begin{array}{rl}" if match[1] == "begin" else r"\end{array}", latex
    )
    try:
        root = convert_to_element(source.strip(), display=display)
    except Exception as error:  # the converter's exceptions have no base class of their own
        return _as_typed(latex, type(error).__name__)
    for element in root.iter():
        _tidy(element)
        if (element.text or "").startswith("\\"):
            return _as_typed(latex, f"unknown command {element.text}")
    for row in [row for row in root.iter() if row.tag in ("math", "mrow", "mtd")]:
        _space_functions(row)
    return tostring(root, encoding="unicode", short_empty_elements=False)


def _tidy(element: Element) -> None:
    """Plain characters instead of entities and of ``mathvariant``, which browsers dropped."""
    for name in UNSAFE & set(element.attrib):
        del element.attrib[name]
    element.text = unescape(element.text) if element.text else element.text
    variant = element.attrib.get("mathvariant", "normal")
    if variant != "normal" and element.text:
        del element.attrib["mathvariant"]
        element.text = "".join(_styled(character, variant) for character in element.text)


def _space_functions(row: Element) -> None:
    """A thin space between a named function and its argument: log p, but softmax(x)."""
    for index, name in reversed(list(enumerate(row))):
        if name.tag not in ("mi", "mo") or not re.fullmatch("[A-Za-z]{2,}", name.text or ""):
            continue
        name.tag = "mi"
        if row[index + 1 :] and row[index + 1].tag not in ("mo", "mspace"):
            row.insert(index + 1, Element("mspace", width="0.17em"))


def _styled(character: str, variant: str) -> str:
    """The mathematical alphabet's version of a letter or digit, e.g. bold-italic θ → 𝜽."""
    name = re.sub("GREEK |LATIN |LETTER ", "", unicodedata.name(character, ""))
    try:
        return unicodedata.lookup(f"MATHEMATICAL {variant.replace('bold-', 'bold ')} {name}")
    except KeyError:
        return character


def _as_typed(latex: str, reason: str) -> str:
    warnings.warn(f"formula shown as typed ({reason}): {latex.strip()}", stacklevel=3)
    return f'<code class="formula">{escape(latex.strip())}</code>'
