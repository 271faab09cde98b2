"""Where this Python runs. In a sandbox the prelude puts its own `make` here."""

from .plain import make

__all__ = ["make"]
