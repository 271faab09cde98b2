"""Envelopes that are made where the task is called, without a sandbox having run."""

from __future__ import annotations

from typing import Any

Envelope = dict[str, Any]


def unmetered(name: str, duration_ms: int = 0, retries: int = 0) -> dict[str, Any]:
    """The cost of an execution that did not happen, or was not metered."""
    return {
        "task_name": name,
        "duration_ms": duration_ms,
        "retries": retries,
        "fuel_consumed": 0,
        "ram_used": 0,
        "host_requests": [],
    }


def success(result: Any, execution: dict[str, Any]) -> Envelope:
    return {"success": True, "result": result, "error": None, "execution": execution}


def failure(error_type: str, message: str, execution: dict[str, Any]) -> Envelope:
    error = {"error_type": error_type, "message": message}
    return {"success": False, "result": None, "error": error, "execution": execution}


def invalid_arguments(name: str, message: str) -> Envelope:
    """The envelope of a call whose arguments could not be sent."""
    return failure("invalid_arguments", message, unmetered(name))
