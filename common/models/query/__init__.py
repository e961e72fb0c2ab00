"""The query decoder on an image encoder: mask tokens, matching, and the linear head beside it."""
