/**
 * Which part of the photo is seen: all of it, or a part that is `zoom` times as large.
 *
 * Places are shares from 0 to 1, [across, down]: `share` of the photo, `spot` of the canvas.
 */

const CLOSEST = 16; // CSS pixels of one pixel of the photo, where it can be seen closest

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** `changed` is called whenever another part is seen. */
function createView(changed) {
  let zoom = 1, most = 4, centre = [0.5, 0.5];

  function become(wanted, middle) {
    zoom = clamp(wanted, 1, most);
    centre = middle.map((share) => clamp(share, 0.5 / zoom, 1 - 0.5 / zoom));
    changed();
  }

  const shareAt = (spot) => spot.map((at, axis) => centre[axis] + (at - 0.5) / zoom);
  const spotOf = (share) => share.map((at, axis) => 0.5 + (at - centre[axis]) * zoom);

  return {
    shareAt, spotOf,
    get zoom() { return zoom; },
    get most() { return most; },

    /** Nearer or farther; what is at `spot` stays there. */
    zoomBy(factor, spot = [0.5, 0.5]) {
      const share = shareAt(spot), next = clamp(zoom * factor, 1, most);
      become(next, share.map((at, axis) => at - (spot[axis] - 0.5) / next));
    },

    /** Drag the photo by a part of the canvas. */
    panBy: (moved) => become(zoom, centre.map((share, axis) => share - moved[axis] / zoom)),

    /** Drag it no further than is needed to see a share of it, and what is beside it. */
    reveal(share) {
      const margin = 0.1;
      this.panBy(spotOf(share).map((at) => clamp(at, margin, 1 - margin) - at));
    },

    whole: () => become(1, [0.5, 0.5]),

    /** As far as `pixels` (of the photo) on `size` (CSS pixels of the canvas) can be zoomed. */
    bound(pixels, size) {
      most = Math.max(4, (CLOSEST * pixels) / size);
      become(zoom, centre);
    },
  };
}
