"""What defining a task wrongly, and calling a tool, raise. The runtime tells these from the program's own errors by their
names.
"""

from __future__ import annotations


class TaskOptionError(TypeError):
    """A task can't be what it was asked to be: names the task, the option, what was given and what is allowed."""


class DuplicateTaskError(TypeError):
    """Two tasks of one program have the same name."""


class ToolError(Exception):
    """A call of a tool came to nothing. `tool` is its name, `type` what kind of failure it is.

    A tool raises it on purpose, so that the program hears of it: `raise ToolError("no such item", type="NotFound")`. Of
    other exceptions the program hears the class, and no more.
    """

    def __init__(self, message: str = "", *, type: str = "ToolError", tool: str | None = None):
        super().__init__(message)
        self.type = type
        self.tool = tool


for _error in (TaskOptionError, DuplicateTaskError, ToolError):
    _error.__module__ = "capsule"
del _error
