"""Notebook 09 as a web page: a server that shows it and nothing else, and how the page looks."""
