"""Uses a key that it never has. The service has to run: `SERVICE_KEY=correct-horse-battery node
examples/secrets/server.ts`.

    SERVICE_KEY=correct-horse-battery npx capsule run examples/secrets/whoami.py

What the program sees is a placeholder; the host puts the key in its place on the way to the one service it is for, and
takes it out again of whatever comes back.
"""

import os

from capsule import http, task


@task(name="main", allowed_hosts=["localhost:18788"], env_variables=["SERVICE_KEY"])
def main() -> dict:
    key = os.environ["SERVICE_KEY"]
    answer = http.get("http://localhost:18788/", headers={"authorization": f"Bearer {key}"}).json()
    same = answer["youSent"] == f"Bearer {key}"
    return {"user": answer["user"], "iHold": key, "theServiceGotWhatISee": same}
