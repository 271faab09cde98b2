"""Drives an MCP server with the Python SDK's client: `python mcp_client.py MODE COMMAND ARGS…`. Prints JSON."""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters


async def main():
    mode, command, *args = sys.argv[1:]
    seen = {}
    told = []

    async def on_progress(progress, total, message):
        told.append(message)

    server = StdioServerParameters(command=command, args=args)
    async with Client(server, mode=mode) as client:
        seen["protocol"] = client.protocol_version
        listed = await client.list_tools()
        seen["tools"] = [tool.name for tool in listed.tools]
        seen["annotated"] = all(
            None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
            for hints in (tool.annotations for tool in listed.tools)
        )
        code = "console.log('a'); await new Promise((done) => setTimeout(done, 300)); 6 * 7"
        ran = await client.call_tool("execute_javascript", {"code": code}, progress_callback=on_progress)
        seen["ran"] = [ran.is_error, ran.structured_content["value"], ran.content[0].text]
        failed = await client.call_tool("execute_javascript", {"code": "null.x"})
        seen["failed"] = [failed.is_error, "TypeError" in failed.content[0].text]
        # Half a character is what strict readers refuse.
        half = await client.call_tool("execute_javascript", {"code": "'\\ud800!'"})
        seen["half"] = half.structured_content["value"]
        call = asyncio.create_task(client.call_tool("execute_javascript", {"code": "for (;;);"}))
        await asyncio.sleep(0.3)
        call.cancel()
        after = await client.call_tool("execute_javascript", {"code": "'still here'"})
        seen["after"] = after.content[0].text
    seen["told"] = told
    print(json.dumps(seen))


asyncio.run(main())
