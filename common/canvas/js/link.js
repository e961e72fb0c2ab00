/** Requests to Python and their answers. */

const PIECE = 3 * 2 ** 18; // bytes of an upload in one message; as in uploads.py

/**
 * Numbered requests; `pending` are those without an answer yet. Clicks that are made while one is
 * being answered are held back, and then go together.
 */
function createLink(model, onReply) {
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const link = { pending: [], ask };
  let seq = 0, version = 0;

  const isClick = ({ request }) => ["click", "clicks"].includes(request.do);
  const isHeld = ({ request }) => request.seq === undefined;

  function send(each) {
    each.request = { ...each.request, seq: ++seq, view };
    model.send(each.request);
  }

  function sendHeld() {
    const held = link.pending.filter(isHeld);
    if (!held.length) return;
    const last = held.at(-1), resolves = held.map((each) => each.resolve);
    if (held.length > 1) {
      const points = held.map(({ request: { x, y, positive } }) => [x, y, positive]);
      last.request = { do: "clicks", points };
      last.resolve = (reply) => resolves.forEach((resolve) => resolve(reply));
    }
    link.pending = link.pending.filter((each) => !isHeld(each) || each === last);
    send(last);
  }

  function ask(what) {
    return new Promise((resolve) => {
      const each = { request: what, resolve, since: performance.now() };
      const waits = what.do === "click" && link.pending.some(isClick);
      if (!waits) sendHeld();
      link.pending.push(each);
      if (!waits) send(each);
    });
  }

  model.on("msg:custom", (reply) => {
    if (!(reply.version > version)) return; // an older state than what is shown
    version = reply.version;
    let answered = [];
    if (reply.view === view) {
      answered = link.pending.filter((each) => each.request.seq <= reply.seq);
      link.pending = link.pending.filter((each) => !answered.includes(each));
    }
    if (!link.pending.some((each) => isClick(each) && !isHeld(each))) sendHeld();
    onReply(reply, answered.at(-1));
    answered.forEach((each) => each.resolve(reply));
  });
  return link;
}

/** The clicks as they will be once some requests are answered. */
function expected(clicks, requests) {
  return requests.reduce((made, { do: what, x, y, positive, index, points }) => {
    if (what === "take") return [{ x, y, positive: true }];
    if (what === "click") return [...made, { x, y, positive }];
    if (what === "clicks") return [...made, ...points.map(([a, b, c]) => ({ x: a, y: b, positive: c }))];
    if (what === "move") return made.map((each, at) => at === index ? { x, y, positive } : each);
    return made;
  }, clicks);
}
