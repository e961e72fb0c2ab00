"""Clicks and what they ask of a model: prompts, predictors, photos from anywhere, the widget."""
