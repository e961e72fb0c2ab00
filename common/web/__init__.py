"""The web demo, and the page that segments inside the browser."""
