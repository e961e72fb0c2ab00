/**
 * The animals of a photo: a list to choose, name, hide and delete from, and the masks of those that
 * are not chosen.
 */

/** Orange is a cat and blue a dog, as in the figures; those of one species differ in shade. */
const PAINTS = { cat: [COLOURS.cat, "#ffd17a", "#b85c00", "#f5b700"],
                 dog: [COLOURS.dog, "#56b4e9", "#2f3f9e", "#8fd0ff"],
                 animal: ["#009e73", "#cc79a7", "#7bc8a4", "#b39ddb"] };

/** Each one's colour, by its number; it keeps it as long as it is of that species. */
function createPalette() {
  const taken = new Map(); // by number: species and which of its shades
  return (objects) => {
    const numbers = objects.map((one) => one.number);
    for (const gone of [...taken.keys()]) if (!numbers.includes(gone)) taken.delete(gone);
    for (const { number, species } of objects) {
      const known = taken.get(number);
      if (known && [known.kind, null].includes(species)) continue; // without a click it says none
      const kind = species in PAINTS ? species : "animal";
      const others = [...taken].filter(([at, one]) => at !== number && one.kind === kind);
      const used = others.map(([, one]) => one.shade);
      let shade = 0;
      while (used.includes(shade)) shade++;
      taken.set(number, { kind, shade });
    }
    return new Map([...taken].map(([number, { kind, shade }]) =>
      [number, PAINTS[kind][shade % PAINTS[kind].length]]));
  };
}

/** Its number on an animal's mask. */
function drawNumber(context, [x, y], ratio, number) {
  const radius = 9 * ratio;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: "rgb(16 34 46 / 0.82)", strokeStyle: "#fff", lineWidth: 1.5 * ratio,
    font: `600 ${11 * ratio}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
  context.fill();
  context.stroke();
  context.fillStyle = "#fff";
  context.fillText(number, x, y + 0.5 * ratio);
}

Object.assign(ICONS, {
  next: line('<path d="M8 3v10M3 8h10"/>'),
  rename: line('<path d="m3 13 .8-3L10.5 3.3l2.2 2.2L6 12.2z"/>'),
  hide: line('<path d="M1.5 8s2.5-4 6.5-4 6.5 4 6.5 4-2.5 4-6.5 4-6.5-4-6.5-4z"/><circle cx="8" cy="8" r="1.8"/>'),
  delete: line('<path d="m4 4 8 8m0-8-8 8"/>'),
});
KEYS.push(["N, 1 to 9", "another animal, the first to the ninth"]);

/** A row of the list; `does` gets what was asked for. */
function createRow(number, does) {
  const icon = (name, label) => make("button",
    { type: "button", class: `cc-icon cc-${name}`, title: label, html: ICONS[name] });
  const row = {
    choose: make("button", { type: "button", class: "cc-choose" },
      make("span", { class: "cc-swatch" })),
    text: make("span", { class: "cc-name" }), kind: make("span", { class: "cc-kind" }),
    input: make("input", { type: "text", class: "cc-newname", maxlength: "60", hidden: "" }),
    rename: icon("rename", "Rename"), hide: icon("hide", "Hide"), delete: icon("delete", "Delete"),
  };
  row.choose.append(row.text, " ", row.kind); // read as two words
  row.element = make("li", {}, row.choose, row.input, row.rename, row.hide, row.delete);

  function edit(open) {
    row.input.hidden = !open;
    row.choose.hidden = open;
    if (!open) return row.rename.focus();
    row.input.value = row.text.textContent;
    row.input.focus();
    row.input.select();
  }

  function finish(takes) {
    if (row.input.hidden) return;
    edit(false);
    if (takes) does({ do: "rename", number, name: row.input.value });
  }

  row.choose.addEventListener("click", () => does({ do: "choose", number }));
  row.rename.addEventListener("click", () => edit(true));
  row.input.addEventListener("blur", () => finish(true));
  row.input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (!["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault(); // else Enter would press the button that gets the focus
    finish(event.key === "Enter");
  });
  row.hide.addEventListener("click", () =>
    does({ do: "hide", number, hidden: row.hide.getAttribute("aria-pressed") !== "true" }));
  row.delete.addEventListener("click", () => does({ do: "delete", number }));
  return row;
}

/** What `objects` say of one, in its row. */
function fillRow(row, { name, species, hidden }, chosen, colour) {
  row.choose.firstChild.style.background = colour;
  row.text.textContent = name;
  row.kind.textContent = species ?? "";
  press(row.choose, chosen);
  press(row.hide, hidden);
  row.element.classList.toggle("cc-hidden", hidden);
  for (const what of ["rename", "hide", "delete"]) {
    row[what].setAttribute("aria-label", `${row[what].title} ${name}`);
  }
  row.input.setAttribute("aria-label", `Name of ${name}`);
}

/** Below the status, once there is something to choose from. */
function createAnimals({ ui, painter, ask }) {
  const { look, refresh } = painter, rows = new Map(), masks = new Map(); // by number
  const list = make("ul", { class: "cc-list" });
  const add = button("next", "Next animal", "Point at another animal (N)");
  const paintsOf = createPalette();
  let order = [], chosen = 1;
  ui.list = list;
  const panel = make("div", { class: "cc-animals", role: "group", "aria-label": "Animals" }, list, add);
  ui.status.after(panel);
  add.addEventListener("click", () => {
    ask({ do: "next" });
    ui.canvas.focus({ preventScroll: true });
  });

  ui.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const number = order[Number(event.key) - 1];
    if (event.key.toLowerCase() === "n") ask({ do: "next" });
    else if (number) ask({ do: "choose", number });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  look.under.push((context, place, ratio, drawPart) => {
    for (const { fill, edge } of masks.values()) {
      if (!fill) continue; // still on its way
      context.globalAlpha = look.fill ? look.opacity : 0;
      drawPart(context, fill);
      context.globalAlpha = look.edge ? 1 : 0;
      drawPart(context, edge);
    }
    context.globalAlpha = 1;
  });

  look.over.push((context, place, ratio) => {
    if (order.length < 2) return;
    const shapes = order.map((number) => [number, number === chosen ? look.mask : masks.get(number)?.shape]);
    for (const [number, shape] of shapes) {
      if (!shape?.share) continue;
      const [x, y] = shape.middle.map((share, axis) => share * look.size[axis] + 1e-3);
      drawNumber(context, place({ x, y }), ratio, number);
    }
  });

  async function keepMask({ number, mask }, colour) {
    const known = masks.get(number);
    if (known?.mask === mask && known.colour === colour) return;
    if (!mask) return masks.delete(number);
    const made = { ...known, mask, colour };
    masks.set(number, made);
    const shape = await toShape(mask);
    made.shape = shape;
    made.fill = tinted(shape, colour);
    made.edge = tinted(shape, colour, Math.max(1, shape.width / 500));
    refresh();
  }

  function show({ objects = null, number = 1 }) {
    panel.hidden = !objects; // where one animal is all that can be told
    if (!objects) return;
    order = objects.map((one) => one.number);
    chosen = number;
    const paints = paintsOf(objects), mine = paints.get(number);
    for (const gone of [...rows.keys()].filter((known) => !order.includes(known))) {
      rows.get(gone).element.remove();
      rows.delete(gone);
    }
    for (const gone of [...masks.keys()].filter((known) => !order.includes(known))) {
      masks.delete(gone);
    }
    for (const one of objects) {
      if (!rows.has(one.number)) rows.set(one.number, createRow(one.number, ask));
      fillRow(rows.get(one.number), one, one.number === number, paints.get(one.number));
      keepMask(one, paints.get(one.number));
    }
    const elements = order.map((one) => rows.get(one).element);
    if (elements.some((element, at) => list.children[at] !== element)) {
      list.replaceChildren(...elements);
    }
    refresh(look.colour === mine ? {} : { colour: mine });
  }

  return { show };
}
