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

