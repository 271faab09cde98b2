"""Asks a service for several cities, one after the other. The service has to run: `node examples/http/server.ts`.

    npx capsule run examples/http/weather.py

The task may talk to the host it names and to no other.
"""

from capsule import http, task

SERVICE = "http://localhost:18787"


def ask(url: str, **params: str) -> str:
    try:
        response = http.get(url, params=params)
    except OSError as error:
        return f"refused: {error}"
    answer = response.json()
    if response.ok:
        return f"{answer['city']}: {answer['degrees']} °C"
    return f"{response.status}: {answer['error']}"


@task(name="main", timeout="10s", allowed_hosts=["localhost:18787"])
def main() -> str:
    cities = ["Oslo", "Lagos", "Lima", "Atlantis"]
    answers = [ask(f"{SERVICE}/weather", city=city) for city in cities]
    return "\n".join([*answers, ask("http://169.254.169.254/latest/meta-data/")])
