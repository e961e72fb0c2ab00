/** Requests to Python and their answers. */

const PIECE = 3 * 2 ** 18; // bytes of an upload in one message; as in uploads.py

/** Numbered requests; `pending` are those without an answer yet. */
function createLink(model, onReply) {
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const link = { pending: [], ask };
  let seq = 0, version = 0;

  function ask(what) {
    return new Promise((resolve) => {
      const request = { ...what, seq: ++seq, view };
      link.pending.push({ request, resolve, since: performance.now() });
      model.send(request);
    });
  }

  model.on("msg:custom", (reply) => {
    if (!(reply.version > version)) return; // an older state than what is shown
    version = reply.version;
    let answered = [];
    if (reply.view === view) {
      answered = link.pending.filter((each) => each.request.seq <= reply.seq);
      link.pending = link.pending.filter((each) => each.request.seq > reply.seq);
    }
    onReply(reply, answered.at(-1));
    answered.forEach((each) => each.resolve(reply));
  });
  return link;
}
