"""Helper modules of the coursework notebooks: one idea a file."""
