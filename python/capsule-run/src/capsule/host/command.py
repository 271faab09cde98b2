"""The command `capsule`: hands over to the command line in Node."""

from __future__ import annotations

import os
import subprocess
import sys

from .errors import UsageError
from .location import command_environment, command_line


def main() -> int:
    """Does not come back where the system can put another program in this one's place."""
    try:
        command = [*command_line(None), *sys.argv[1:]]
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    env = command_environment()
    if sys.platform != "win32":
        sys.stdout.flush()
        os.execve(command[0], command, env)
    process = subprocess.Popen(command, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The command has been interrupted as well, and ends by itself.
            continue
