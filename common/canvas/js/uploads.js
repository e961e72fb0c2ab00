/** Photos from outside, chosen, dropped or pasted: one after another, each refusal with its reason. */

const shortened = (name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name);

function createUploads({ ui, ask, screen }) {
  let last = Promise.resolve(), busy = 0;

  /** Send a file in pieces; the answer to its last one, or to the one that was refused. */
  async function send(file) {
    const { bytes: limit } = screen.limits();
    if (file.size > limit) {
      return { kind: "error", status: `the photo: more than ${limit / 1e6} MB; save it smaller` };
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    const parts = Math.max(1, Math.ceil(bytes.length / PIECE));
    let answer = null;
    for (let part = 0; part < parts && answer?.kind !== "error"; part++) {
      const data = base64(bytes.subarray(part * PIECE, (part + 1) * PIECE));
      answer = await ask({ do: "upload", name: file.name ?? "", part, parts, data });
    }
    return answer;
  }

  async function takeAll(files) {
    const refused = [];
    for (const file of files) {
      const { kind, status } = await send(file).catch(() => // a folder, or gone since
        ({ kind: "error", status: "the photo: cannot be read; check the path" }));
      const name = shortened(file.name || "the photo");
      if (kind === "error") refused.push(status.replace(/^the photo(?=:)/, name));
    }
    if (files.length > 1) refused.unshift(`${files.length - refused.length} of ${files.length} files taken.`);
    if (refused.length > (files.length > 1)) screen.say("error", refused.join(" "));
    else if (files.length > 1) screen.say("info", refused[0]);
  }

  /** Take files, after those that are still on their way. */
  return (files) => {
    const list = [...files];
    if (!list.length) return;
    busy++;
    enable(ui.upload, false);
    last = last.then(() => takeAll(list)).finally(() => enable(ui.upload, --busy === 0));
  };
}

/** Whether a page is a notebook with more on it than the canvas. */
const isGuest = (root) => root.closest(".jp-NotebookPanel") !== null;

/**
 * Files that are dropped or pasted: anywhere on a page, in a notebook on the canvas alone. Returns
 * what ends that.
 */
function listenToFiles(root, upload) {
  const area = isGuest(root) ? root : window;
  let depth = 0; // of the elements that files were dragged into and have not left

  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (by) => {
    depth = by === null ? 0 : Math.max(0, depth + by);
    root.classList.toggle("cc-drop", depth > 0);
  };
  const listeners = {
    dragenter: (event) => { if (hasFiles(event)) mark(1); },
    dragleave: (event) => { if (hasFiles(event)) mark(-1); },
    dragover: (event) => { if (hasFiles(event)) event.preventDefault(); },
    drop: (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // the browser would leave the page
      event.stopPropagation();
      mark(null);
      upload(event.dataTransfer.files);
    },
    paste: (event) => {
      if (!event.clipboardData.files.length || event.target.matches?.(TEXTS)) return;
      event.preventDefault();
      upload(event.clipboardData.files);
    },
  };
  for (const [type, does] of Object.entries(listeners)) area.addEventListener(type, does);
  return () => {
    for (const [type, does] of Object.entries(listeners)) area.removeEventListener(type, does);
  };
}
