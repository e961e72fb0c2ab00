/** What points at one animal, as a row of states to go back and forth in: `Clicker` again. */

const NOTHING = { clicks: [], box: null, strokes: [], given: null };

/** Whether anything points at an animal. */
const isPointed = ({ clicks, box, strokes, given }) =>
  Boolean(clicks.length || box || strokes.length || given);

/** Whether a given mask is the answer, as nothing was asked of the network since. */
const stands = ({ clicks, box, given }) => Boolean(given) && !box && clicks.length <= given.after;

/** A state also has `answer`, the network's, and `mask` as it is shown, once they are there. */
function createClicker(given = null) {
  let states = [{ ...NOTHING, given }], at = 0;

  function become(changes) {
    const { mask: _mask, answer, ...now } = states[at];
    const keeps = !("clicks" in changes || "box" in changes || "given" in changes); // a stroke
    states = [...states.slice(0, at + 1), { ...now, ...(keeps ? { answer } : {}), ...changes }];
    at += 1;
  }

  return {
    get now() { return states[at]; },
    get canUndo() { return at > 0; },
    get canRedo() { return at < states.length - 1; },
    become,
    add: (clicks) => become({ clicks: [...states[at].clicks, ...clicks] }),
    move(index, click) {
      const { clicks, given: mask } = states[at];
      become({ clicks: clicks.map((each, place) => place === index ? click : each),
               given: mask && index < mask.after ? null : mask });
    },
    paint: (stroke) => become({ strokes: [...states[at].strokes,
      { ...stroke, after: states[at].clicks.length }] }),
    clear() { if (isPointed(states[at])) become(NOTHING); },
    step(by) { at = Math.min(states.length - 1, Math.max(0, at + by)); },

    /** A copy to be changed, which takes this one's place when its mask is there. */
    copy() {
      const [made, from] = [createClicker(), at];
      made.restore(states, from);
      return made;
    },
    restore(others, place) { [states, at] = [others, place]; },

    /** The state with most of the first of the clicks of now that was answered, to be refined. */
    answeredBefore() {
      const { now } = this;
      const isStart = (state) => state.answer && state.box === now.box && state.given === now.given &&
        state.clicks.length < now.clicks.length &&
        state.clicks.every((click, index) => click === now.clicks[index]);
      return states.filter(isStart).sort((a, b) => b.clicks.length - a.clicks.length)[0] ?? null;
    },
  };
}
