"""Lets ``python -m nsw`` do what ``nsw`` does."""

from nsw.cli import main

if __name__ == "__main__":
    main()
