"""``python -m common.demo``; see `server`."""

from .server import main

if __name__ == "__main__":
    raise SystemExit(main())
