/**
 * What a press without a modifier means: the pet, or not the pet. A tool that takes the pointer (box,
 * brush) tells the others by the event "cc-tool", and by "click" that it is done.
 */
const useTool = (canvas, detail) => canvas.dispatchEvent(new CustomEvent("cc-tool", { detail }));

function createMode(ui) {
  let negative = false;

  function show(clicks = true) {
    press(ui.positive, clicks && !negative);
    press(ui.negative, clicks && negative);
  }

  function become(isNegative) {
    negative = isNegative;
    show();
  }

  for (const [each, isNegative] of [[ui.positive, false], [ui.negative, true]]) {
    each.addEventListener("click", () => {
      become(isNegative);
      useTool(ui.canvas, "click");
    });
  }
  ui.canvas.addEventListener("cc-tool", ({ detail }) => show(detail === "click"));
  become(false);
  return {
    reset: () => become(false),
    /** Whether a press means the pet; `other` says that a modifier was held. */
    isPositive: (other = false) => !(negative || other),
  };
}
