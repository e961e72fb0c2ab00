/** What the user wants becomes requests to Python. */

const MARKS = ["click", "clicks", "move"];
const STAY = [...MARKS, "prepare", "refine", "rename", "hide", "download"]; // marks keep their numbers

function createActions({ root, painter, link, screen }) {
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
    ask(moves ? { do: "move", index: mark, ...point, positive } : { do: "click", ...point, positive });
  }

  return { ask, click };
}
