"""The click canvas: a session of clicks on photos, and the widget that draws it."""
