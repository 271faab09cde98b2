"""Reads environment variables: those that the task names, and no others.

    GREETING=Hello npx capsule run examples/env.py
"""

import os

from capsule import task


@task(name="main", env_variables=["GREETING", "NAME"])
def main() -> str:
    greeting, name = os.environ.get("GREETING", "Hi"), os.environ.get("NAME", "you")
    return f"{greeting}, {name}! I can see {', '.join(os.environ) or 'nothing'}."
