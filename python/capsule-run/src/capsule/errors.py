"""What defining a task wrongly raises. The runtime tells these from the program's own errors by their names."""


class TaskOptionError(TypeError):
    """A task can't be what it was asked to be: names the task, the option, what was given and what is allowed."""


class DuplicateTaskError(TypeError):
    """Two tasks of one program have the same name."""


for _error in (TaskOptionError, DuplicateTaskError):
    _error.__module__ = "capsule"
del _error
