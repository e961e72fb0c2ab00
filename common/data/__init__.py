"""The dataset: photos on disk, prepared, augmented, archived, and as training items."""
