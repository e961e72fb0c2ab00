"""``python -m common.web.demo``; see `server`."""

from common.web.demo.server import main

if __name__ == "__main__":
    raise SystemExit(main())
