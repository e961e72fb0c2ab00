"""Click to segment without Python: the point-prompted UNet inside one HTML file."""
