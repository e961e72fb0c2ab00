"""The pipeline's parts: what a notebook is, which must run again and why, and how one runs."""
