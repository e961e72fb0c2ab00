/** What a press without a modifier means: the pet, or not the pet. */

function createMode(ui) {
  let negative = false;

  function become(isNegative) {
    negative = isNegative;
    press(ui.positive, !negative);
    press(ui.negative, negative);
  }

  ui.positive.addEventListener("click", () => become(false));
  ui.negative.addEventListener("click", () => become(true));
  become(false);
  return {
    reset: () => become(false),
    /** Whether a press means the pet; `other` says that a modifier was held. */
    isPositive: (other = false) => !(negative || other),
  };
}
