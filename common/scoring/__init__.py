"""From predictions to counts a photo, and from counts to scores with intervals."""
