/** The photos of a page, one's own among them, and which was looked at after which: `Album` again. */

const UPLOAD = "Your photo";

function createAlbum(photos) {
  const byName = new Map(photos.map((photo) => [photo.name, photo]));
  let trail = [photos[0]], at = 0;
  return {
    get: (name) => byName.get(name),
    thumbs: () => [...byName.values()].map(({ name, url }) => ({ name, url })),
    get all() { return [...byName.values()]; },
    get now() { return trail[at]; },
    get before() { return trail[at - 1]; },
    get after() { return trail[at + 1]; },
    step(by) { at += by; },

    visit(photo) {
      if (photo === trail[at]) return;
      trail = [...trail.slice(0, at + 1), photo];
      at += 1;
    },

    /** One more photo, under a name of its own. */
    add(photo) {
      const stem = photo.name.slice(0, 60).trim() || UPLOAD;
      let name = stem;
      for (let number = 2; byName.has(name); number++) name = `${stem} ${number}`;
      const own = { ...photo, name };
      byName.set(name, own);
      return own;
    },
  };
}

/** The clicks on one photo, as a row of states to go back and forth in: `Clicker` again. */
function createClicker() {
  let states = [{ clicks: [] }], at = 0;

  function become(clicks) {
    states = [...states.slice(0, at + 1), { clicks }];
    at += 1;
  }

  return {
    get now() { return states[at]; },
    get canUndo() { return at > 0; },
    get canRedo() { return at < states.length - 1; },
    become,
    step(by) { at = Math.min(states.length - 1, Math.max(0, at + by)); },

    /** A copy to be changed, which takes this one's place when its mask is there. */
    copy() {
      const [made, from] = [createClicker(), at];
      made.restore(states, from);
      return made;
    },
    restore(others, place) { [states, at] = [others, place]; },

    /** What was answered to most of the first of some clicks, to be refined. */
    answeredBefore({ clicks }) {
      const isStart = (state) => state.answer && state.clicks.length < clicks.length &&
        state.clicks.every((click, index) => click === clicks[index]);
      return states.filter(isStart).sort((a, b) => b.clicks.length - a.clicks.length)[0]?.answer;
    },
  };
}
