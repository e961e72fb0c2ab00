"""Networks that make encoders: a masked autoencoder, and CLIP with its captions."""
