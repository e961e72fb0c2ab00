"""Terms of the trade, said in plain words where they first stand in the main line."""

import re
from html import escape

TERMS = {
    "mIoU": "mean over background, cat and dog of the IoU: the area that mask and truth share, of"
    " the area that they cover together",
    "IoU": "intersection over union: the area that mask and truth share, of the area that they"
    " cover together; 1 is perfect",
    "boundary IoU": "IoU of a thin band along the outlines alone",
    "foreground IoU": "IoU of pet against ground, whatever its species",
    "calibration": "whether of all pixels given 80 % confidence 80 % are right",
    "Dice": "twice the shared area, of both areas added",
    "NoC@90": "clicks until the IoU is 90 %",
    "95 % interval": "where the score would fall for 95 % of other draws of as many photos",
    "linear head": "one weighted sum of features for each place: the least decoder there is",
    "linear probe": "one weighted sum of features, to see what they hold",
    "frozen": "left as it was, not trained along",
    "Lite0 + queries": "the query decoder on EfficientNet-Lite0, frozen as ImageNet's labels made"
    " it",
    "query decoder": "some tokens look at the whole photo; each paints one mask and names it",
    "ImageNet": "1.2 million photos with one of a thousand names each",
    "Holm": "a correction for asking several questions at once",
    "trimap": "a drawing of pet, ground and a border that nobody decided on",
    "stem": "a few convolutions that pass fine detail by the encoder",
}
TAG = re.compile(r"""<(/?)([a-z]+\d?)\b(?:"[^"]*"|[^">])*>""")
RUNNING, APART = {"p", "li"}, {"a", "code", "math", "figure", "small"}


def explained(html: str) -> str:
    """``html`` with each term's words behind the place where it first stands in running text."""
    words = "|".join(re.escape(term) for term in sorted(TERMS, key=len, reverse=True))
    term = re.compile(rf"(?<![\w-])({words})(?![\w@])")
    open_now: list[str] = []
    told: set[str] = set()

    def gloss(match: re.Match[str]) -> str:
        if match[1] in told:
            return match[1]
        told.add(match[1])
        return f'<dfn>{match[1]}</dfn> <small class="gloss">({escape(TERMS[match[1]])})</small>'

    parts, at = [], 0
    for tag in TAG.finditer(html):
        text = html[at : tag.start()]
        running = RUNNING & set(open_now) and not APART & set(open_now)
        parts += [term.sub(gloss, text) if running else text, tag[0]]
        at = tag.end()
        if tag[2] in RUNNING | APART:
            if not tag[1]:
                open_now.append(tag[2])
            elif tag[2] in open_now:
                open_now.remove(tag[2])
    return "".join([*parts, html[at:]])
