"""Clicks without a user interface: prompts, the robot user, and predictors that answer."""
