"""Where this Python runs. In a sandbox the prelude puts its own here."""

from .plain import make
from .plain_http import send, send_async
from .plain_tools import call_tool

__all__ = ["call_tool", "make", "send", "send_async"]
