"""What a page may ask of a session, checked to the last field.

A request is the JSON object ``{"do": …, "seq": …, "view": …}`` with the fields of `REQUESTS`;
``seq`` counts the requests of a page, ``view`` is any name the page gives itself.
"""

from typing import Any

from common.config import UserError

REQUESTS: dict[str, dict[str, type]] = {
    "open": {},  # a page is there: what is to be seen?
    "prepare": {},  # load the model and let it read the photo, so that the first click is quick
    "click": {"x": float, "y": float, "positive": bool},
    "clicks": {"points": list},  # of [x, y, positive], made while another was answered
    "move": {"index": int, "x": float, "y": float, "positive": bool},  # a mark, elsewhere
    "paint": {"points": tuple, "radius": float, "positive": bool},  # a stroke: of [x, y]
    "box": {"x0": float, "y0": float, "x1": float, "y1": float},  # round the chosen animal
    "robot": {},
    "undo": {},
    "redo": {},
    "clear": {},
    "photo": {"name": str},
    "model": {"name": str},
    "upload": {"name": str, "part": int, "parts": int, "data": str},
    "find": {},  # look at one place more for animals that nobody has clicked on
    "take": {"number": int, "x": float, "y": float},  # one of them, by a click on it
    "take_all": {},
    "next": {},  # another animal
    "choose": {"number": int},
    "rename": {"number": int, "name": str},
    "hide": {"number": int, "hidden": bool},
    "delete": {"number": int},
    "refine": {"photo": str},  # the outlines of its animals, as the user rests
    "download": {"form": str},
}
LARGEST = 2**53  # beyond it JavaScript cannot count
VIEW_CHARS = 40
MAX_CLICKS = 50  # on one animal
MAX_POINTS = 2000  # of a stroke
LISTS: dict[type, tuple[tuple[type, ...], int, str]] = {
    list: ((float, float, bool), MAX_CLICKS, "[x, y, positive]"),
    tuple: ((float, float), MAX_POINTS, "[x, y]"),
}


def check_envelope(message: Any) -> tuple[int, str]:
    """Number of a request and the page that sent it; -1 and "" where they do not do."""
    fields = message if isinstance(message, dict) else {}
    seq, view = fields.get("seq"), fields.get("view")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= LARGEST:
        seq = -1
    if not isinstance(view, str) or len(view) > VIEW_CHARS:
        view = ""
    return seq, view


def check_request(message: Any) -> tuple[str, dict[str, Any]]:
    """What is asked, and its fields.

    Raises:
        UserError: it is no request, or a field is missing, surplus or of the wrong type.
    """
    if not isinstance(message, dict):
        raise UserError("a request must be an object with the fields do and seq")
    do = message.get("do")
    if not isinstance(do, str) or do not in REQUESTS:
        raise UserError(f"do {short(do)} is unknown; ask for one of: {', '.join(REQUESTS)}")
    if check_envelope(message)[0] < 0:
        raise UserError(f"{do}: seq must be a whole number from 0 on")
    given = {name: value for name, value in message.items() if name not in ("do", "seq", "view")}
    wanted = REQUESTS[do]
    if given.keys() != wanted.keys():
        raise UserError(f"{do} takes the fields {', '.join(wanted) or 'do and seq'} and no others")
    return do, {name: _field(f"{do}: {name}", given[name], wanted[name]) for name in wanted}


def _field(what: str, value: Any, kind: type) -> Any:
    """A value as its type; true and false are no numbers, and numbers are finite."""
    if kind in LISTS and type(value) is list:
        kinds, most, form = LISTS[kind]
        if not 0 < len(value) <= most or not all(_is_list(one, len(kinds)) for one in value):
            raise UserError(f"{what} must be 1 to {most} points {form}")
        return [tuple(map(_field, [what] * len(kinds), point, kinds)) for point in value]
    if kind is not float:
        if type(value) is not kind:
            raise UserError(f"{what} must be of type {kind.__name__}, not {short(value)}")
        return value
    if type(value) not in (int, float) or not abs(value) <= LARGEST:  # as not-a-number is not
        raise UserError(f"{what} must be a finite number, not {short(value)}")
    return float(value)


def _is_list(value: Any, length: int) -> bool:
    return type(value) is list and len(value) == length


def short(value: Any) -> str:
    """A value as a message may quote it, however large it is."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:40]}…")
    if value is None or (isinstance(value, (int, float)) and abs(value) <= 2 * LARGEST):
        return repr(value)
    return repr(value) if isinstance(value, float) else f"a {type(value).__name__}"
