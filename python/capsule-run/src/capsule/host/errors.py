"""What the host part raises. What a task did wrong is no exception: it is in the envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict


class Place(TypedDict):
    """A place in a file that the user wrote; both numbers count from 1."""

    file: str
    line: int
    column: int


class UsageError(Exception):
    """Wrong use: what the caller can mend, such as an option, a program that does not compile, a file that is not there.

    `slug` names the kind, and its page is `docs/errors/SLUG.md`. `text` is the message alone, `place` where it is in the
    user's file, `excerpt` the lines around it; the last two are `None` where there is no such place.
    """

    def __init__(self, slug: str, text: str, *, place: Place | None = None, excerpt: str | None = None):
        lines = [text]
        if place is not None:
            lines.append(f"  {place['file']}:{place['line']}:{place['column']}")
        if excerpt is not None:
            lines.append(excerpt.rstrip("\n"))
        super().__init__(f"{chr(10).join(lines)} [{slug}]")
        self.slug = slug
        self.text = text
        self.place = place
        self.excerpt = excerpt

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return _usage_error, (self.slug, self.text, self.place, self.excerpt)


class CompileError(UsageError):
    """The program does not compile: see `place` and `excerpt`."""


class ProgramNotFoundError(UsageError, FileNotFoundError):
    """The program's file is not there."""


class WorkerError(Exception):
    """The process beside this one that runs sandboxes did not do what it was asked to. It is not the program's fault."""


class WorkerDiedError(WorkerError):
    """The worker ended while this was under way, so that there is no answer. The next run starts another worker.

    `exit_code` is the process's, negative for a signal, `None` if it could not be had; `stderr` the last of what it said.
    """

    def __init__(self, text: str, exit_code: int | None = None, stderr: str = ""):
        said = stderr.strip()
        super().__init__(f"{text}: {said}" if said else text)
        self.exit_code = exit_code
        self.stderr = stderr


_CLASSES: dict[str, type[UsageError]] = {"compile": CompileError, "file-not-found": ProgramNotFoundError}

# Slugs of the worker that are not the user's to mend.
_INTERNAL = frozenset({"internal", "protocol"})


def _usage_error(slug: str, text: str, place: Place | None, excerpt: str | None) -> UsageError:
    return _CLASSES.get(slug, UsageError)(slug, text, place=place, excerpt=excerpt)


def error_of(message: Mapping[str, Any]) -> UsageError | WorkerError:
    """The exception for a message `error` of the worker."""
    slug, text = str(message.get("slug")), str(message.get("text"))
    if slug in _INTERNAL:
        return WorkerError(f"{text} [{slug}]")
    return _usage_error(slug, text, message.get("place"), message.get("excerpt"))


for _error in (UsageError, CompileError, ProgramNotFoundError, WorkerError, WorkerDiedError):
    _error.__module__ = "capsule"
del _error
