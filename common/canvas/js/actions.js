/** What the user wants becomes requests to Python. */

const MARKS = ["click", "clicks", "move"];
const CHANGES = [...MARKS, "box", "paint", "take", "take_all"];
const STAY = [...MARKS, "prepare", "find", "paint", "refine", "rename", "hide", "download"]; // marks keep their numbers

/** `foundAt` tells the number of a found animal at a point. */
function createActions({ root, painter, link, screen, foundAt }) {
  function ask(what) {
    const answer = link.ask(what);
    root.setAttribute("aria-busy", "true");
    screen.showClicks();
    answer.then(({ kind, show }) => {
      if (kind === "info" && show) ask({ do: "prepare" }); // so that the first click is quick
    });
    return answer;
  }

  /** A click; one that began on a set mark moves it. `mark` is its number, or -1. */
  function click(point, positive, mark = painter.markAt(point)) {
    const underway = link.pending.map(({ request }) => request.do);
    if (!painter.look.photo || underway.some((what) => ["photo", "upload"].includes(what))) return;
    const moves = mark >= 0 && underway.every((what) => STAY.includes(what));
    const number = positive && mark < 0 && !underway.includes("take") && foundAt(point);
    if (number) ask({ do: "take", number, ...point });
    else ask(moves ? { do: "move", index: mark, ...point, positive } : { do: "click", ...point, positive });
  }

  return { ask, click };
}
