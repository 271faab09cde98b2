"""Three kinds of agents that work together: a planner divides the work, researchers do it side by side, and a writer
puts it together. Each is a task in a sandbox of its own; messages between them are arguments and results. The model has
to run: `node examples/agents/model.ts`.

    npx capsule run examples/agents/agents.py
"""

import asyncio
import json

from capsule import http, task

MODEL = "http://localhost:18789/v1/chat/completions"
HOSTS = ["localhost:18789"]


def ask(role: str, *texts: str) -> str:
    messages = [{"role": "system", "content": f"You are a {role}."}]
    messages += [{"role": "user", "content": text} for text in texts]
    response = http.post(MODEL, json={"model": "stand-in", "messages": messages})
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


@task(name="planner", allowed_hosts=HOSTS)
def plan(question: str) -> list[str]:
    return json.loads(ask("planner", question))


@task(name="researcher", allowed_hosts=HOSTS)
async def research(topic: str) -> str:
    return ask("researcher", f"Tell me about {topic}.")


@task(name="writer", allowed_hosts=HOSTS)
def write(findings: list[str]) -> str:
    return ask("writer", *findings)


@task(name="main")
async def main(question: str = "How does a sandbox work?") -> str:
    topics = plan(question)
    if not topics["success"]:
        raise RuntimeError(f"the planner failed: {topics['error']['message']}")
    findings = await asyncio.gather(*(research(topic) for topic in topics["result"]))
    # A researcher that fails is one finding less.
    report = write([each["result"] for each in findings if each["success"]])
    if not report["success"]:
        raise RuntimeError(f"the writer failed: {report['error']['message']}")
    return report["result"]
