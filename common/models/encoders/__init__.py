"""Image encoders: which there are, where their weights come from, how their layers are tapped."""
