"""One training loop for every model, and a training as an artifact that is made or loaded."""
