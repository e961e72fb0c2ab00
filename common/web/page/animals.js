/** The animals of a photo: one is chosen, each has what points at it and its name: `Animals` again. */

function createHerd() {
  const fresh = (number) => ({ number, name: `Animal ${number}`, hidden: false, clicker: createClicker() });
  let all = [fresh(1)], at = 0, made = 1, deleted = null; // the last one, and its place

  function place(number) {
    const found = all.findIndex((one) => one.number === number);
    if (found < 0) throw new Error(`there is no animal ${number}`);
    return found;
  }

  const herd = {
    get chosen() { return all[at]; },
    /** Those that something points at. */
    get pointed() { return all.filter((one) => isPointed(one.clicker.now)); },

    /** … and that are not hidden. */
    get seen() { return herd.pointed.filter((one) => !one.hidden); },
    get canUndo() { return deleted !== null || all[at].clicker.canUndo; },
    touch() { deleted = null; },
    choose(number) { at = place(number); },
    hide({ number, hidden }) { all[place(number)].hidden = hidden; },
    rename({ number, name }) {
      all[place(number)].name = name.trim().replace(/\s+/g, " ").slice(0, 60) || `Animal ${number}`;
    },
    next() {
      const free = all.findIndex((one) => !isPointed(one.clicker.now));
      at = free < 0 ? all.push(fresh(++made)) - 1 : free;
    },
    /** Masks from a file, in place of whatever is there: each with a name and what is given. */
    fill(animals) {
      all = animals.map(({ name, given }, index) =>
        ({ ...fresh(index + 1), ...(name ? { name } : {}), clicker: createClicker(given) }));
      [at, made] = [0, all.length];
    },
    delete(number) {
      const gone = place(number);
      deleted = [gone, all[gone]];
      all = all.filter((one) => one.number !== number);
      if (!all.length) [all, made] = [[fresh(1)], 1];
      at = Math.min(at - (gone < at), all.length - 1);
    },
    /** Brings back one that was just deleted. */
    restore() {
      if (!deleted) return false;
      const [where, one] = deleted;
      all = all.filter((other) => isPointed(other.clicker.now) || all.length > 1);
      all.splice(where, 0, one);
      [at, made, deleted] = [where, Math.max(made, one.number), null];
      return true;
    },
    objects: (speciesOf) => all.map(({ number, name, hidden, clicker }, index) => ({
      number, name, hidden, species: speciesOf(clicker.now),
      mask: hidden || index === at ? null : clicker.now.mask ?? null,
    })),
  };
  return herd;
}
