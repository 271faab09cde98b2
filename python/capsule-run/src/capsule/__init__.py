"""Capsule: tasks that run in sandboxes of their own.

Inside a sandbox calling a task starts it in another sandbox; in plain Python the same call runs the function directly.
Either way it gives the task's envelope, a dict.
"""

from . import http
from .decorator import task
from .errors import DuplicateTaskError, TaskOptionError

__all__ = ["DuplicateTaskError", "TaskOptionError", "http", "task"]
