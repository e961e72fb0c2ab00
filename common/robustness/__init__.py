"""Eight perturbations, ten levels each, and what they leave of the scores."""
