"""Runs code that somebody else wrote, a model for one, in Python or JavaScript, in WebAssembly sandboxes beside this process.

```python
from capsule_adapter import Session, run_python

print(await run_python('print("Hello from Python!")\\nx = 5 + 3\\nx * 2'))  # Hello from Python!, then 16

async with Session("python") as session:
    await session.run("x = 1")
    print(await session.run("x + 1"))  # 2
```
"""

from capsule import ToolError, UsageError, WorkerDiedError, WorkerError, describe_tools, tool

from .capsule_error import CapsuleError
from .load import load_javascript_sandbox, load_python_sandbox, load_sandboxes
from .run_code import (
    execute,
    execute_sync,
    run_javascript,
    run_javascript_sync,
    run_python,
    run_python_sync,
)
from .session import Session
from .shared import close_all
from .types import (
    CodeError,
    CodeOutput,
    Execution,
    Language,
    Limits,
    Metrics,
    RichOutput,
    WorkspaceFile,
)

__all__ = [
    "CapsuleError",
    "CodeError",
    "CodeOutput",
    "Execution",
    "Language",
    "Limits",
    "Metrics",
    "RichOutput",
    "Session",
    "ToolError",
    "UsageError",
    "WorkerDiedError",
    "WorkerError",
    "WorkspaceFile",
    "close_all",
    "describe_tools",
    "execute",
    "execute_sync",
    "load_javascript_sandbox",
    "load_python_sandbox",
    "load_sandboxes",
    "run_javascript",
    "run_javascript_sync",
    "run_python",
    "run_python_sync",
    "tool",
]
