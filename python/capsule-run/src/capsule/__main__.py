"""`python -m capsule` is the command `capsule`."""

import sys

from .host.command import main

if __name__ == "__main__":
    sys.exit(main())
