"""Where this Python runs. In a sandbox the prelude puts its own here."""

from .plain import make
from .plain_http import send, send_async

__all__ = ["make", "send", "send_async"]
