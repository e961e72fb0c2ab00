"""Clicks without a user interface: prompts, the robot user, and predictors that answer."""

PHOTOS, CLICKS = 500, 20  # of an evaluation: its sample, and the robot's clicks on each
FIRST = ("robot", "random", "jittered", "wrong")  # how the robot opens a photo
