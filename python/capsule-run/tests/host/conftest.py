"""Programs of the tests of the host part, each run by the real runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = {
    "multiply.js": """
        import { task } from "@capsule-run/sdk";
        export const main = task({ name: "main" }, (a, b) => a * b);
    """,
    "echo.js": """
        import { task } from "@capsule-run/sdk";
        export const main = task({ name: "main" }, (value) => value);
    """,
    "prints.js": """
        import { task } from "@capsule-run/sdk";
        export const main = task({ name: "main" }, (count) => {
          for (let i = 0; i < count; i++) console.log(`line ${i} é`);
          console.error("to stderr");
          return count;
        });
    """,
    "endless.js": """
        import { task } from "@capsule-run/sdk";
        export const main = task({ name: "main", compute: "HIGH" }, () => {
          console.log("begun");
          for (;;);
        });
    """,
    "throws.js": """
        import { task } from "@capsule-run/sdk";
        export const main = task({ name: "main" }, () => { throw new RangeError("out"); });
    """,
    "environment.js": """
        import { task } from "@capsule-run/sdk";
        export const main = task({ name: "main", envVariables: ["COLOUR"] }, () => process.env.COLOUR ?? null);
    """,
    "typed.ts": """
        import { task } from "@capsule-run/sdk";
        interface Point { readonly x: number }
        export const main = task({ name: "main" }, (point: Point): number => point.x + 1);
    """,
    "broken.ts": "export const main = 5 +;\n",
    "integers.py": """
from capsule import task

@task
def main(n):
    return n + 1
""",
    "imports_host.py": """
from capsule import task

@task
def main():
    try:
        from capsule import run
    except ImportError as error:
        return str(error)
""",
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(autouse=True)
def _inside(programs: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(programs)
    yield
    os.chdir(before)
