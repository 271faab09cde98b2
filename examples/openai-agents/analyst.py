"""An agent of the OpenAI Agents SDK that runs Python in a sandbox to find its answer. Its session stays from call to call.
A stand-in for the model has to run: `node examples/agents/model.ts`.

    node scripts/build-wheels.ts && pip install python/dist/*.whl openai-agents && python examples/openai-agents/analyst.py
"""

import asyncio
import os

from agents import Agent, OpenAIProvider, RunConfig, Runner
from capsule_adapter import Session
from capsule_adapter.openai_agents import execute_python_tool

MODEL = OpenAIProvider(
    api_key="none", base_url=os.environ.get("MODEL_URL", "http://localhost:18789/v1"), use_responses=False
)


async def main() -> None:
    async with Session("python", limits={"timeout": "10s"}) as session:
        agent = Agent(
            name="Analyst",
            model="stand-in",
            instructions="Use the tool for all that has to be computed.",
            tools=[execute_python_tool(session=session)],
        )
        config = RunConfig(model_provider=MODEL, tracing_disabled=True)
        question = "What is the sum of the squares of the numbers from 1 to 10?"
        print((await Runner.run(agent, question, run_config=config)).final_output)


asyncio.run(main())
