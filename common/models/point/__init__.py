"""The point-prompted UNet: click maps, the decoder that takes them, and training clicks."""
