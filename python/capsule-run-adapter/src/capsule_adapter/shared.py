"""The worker that all code of this process runs in: one, unless somebody uses two command lines."""

from __future__ import annotations

import threading

from capsule.host.client import WorkerClient
from capsule.host.location import worker_command

_clients: dict[str | None, WorkerClient] = {}
_lock = threading.Lock()


def shared_client(capsule_path: str | None) -> WorkerClient:
    """Its process is started by the first request, after it died by the next one, and ends with this one."""
    with _lock:
        client = _clients.get(capsule_path)
        if client is None:
            # Code that was run is in no project, and in no record.
            client = WorkerClient(lambda: worker_command(capsule_path), hello={"record": False})
            _clients[capsule_path] = client
        return client


async def close_all() -> None:
    """Cancels all code that runs, closes all sessions, and ends their processes; the next call starts anew.

    It is not needed at a program's end: for tests, and for programs that want the memory back.
    """
    with _lock:
        clients = list(_clients.values())
        _clients.clear()
    workers = [client.begin_close() for client in clients]
    if any(worker is not None for worker in workers):
        for client in clients:
            await client.close()
