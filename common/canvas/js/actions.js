/** What the user wants becomes requests to Python. */

function createActions({ root, ui, painter, link, screen }) {
  function ask(what) {
    const answer = link.ask(what);
    root.setAttribute("aria-busy", "true");
    screen.showClicks();
    return answer;
  }

  async function change(what) {
    const answer = await ask(what);
    if (answer.kind === "info") ask({ do: "prepare" });
  }

  function click(point, positive) {
    const leaving = link.pending.some(({ request }) => ["photo", "upload"].includes(request.do));
    if (painter.look.photo && !leaving) ask({ do: "click", ...point, positive });
  }

  async function upload(file) {
    if (!file || ui.upload.getAttribute("aria-disabled") === "true") return;
    if (screen.isTooLarge(file)) {
      screen.say("error", `This file has ${(file.size / 1e6).toFixed(1)} MB. ${ui.limits.textContent}`);
      return;
    }
    enable(ui.upload, false);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const parts = Math.max(1, Math.ceil(bytes.length / PIECE));
    let answer = null;
    for (let part = 0; part < parts && answer?.kind !== "error"; part++) {
      const data = base64(bytes.subarray(part * PIECE, (part + 1) * PIECE));
      answer = await ask({ do: "upload", name: file.name, part, parts, data });
    }
    enable(ui.upload, true);
    if (answer.kind === "info") ask({ do: "prepare" });
  }

  return { ask, change, click, upload };
}
