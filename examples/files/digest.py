"""Reads a folder of notes in one task and writes a digest into another folder in a second one.

    npx capsule run examples/files/digest.py

Each task reaches the folders it names, and nothing else of the disk: the reader can't write, the writer can't read the
notes. `capsule.toml` beside this file is the most that any task of this project can get.
"""

from pathlib import Path

from capsule import task


@task(allowed_files=[{"path": "./notes", "mode": "read-only"}])
def read_notes() -> list[dict]:
    notes = []
    for path in sorted(Path("notes").glob("*.md")):
        text = path.read_text()
        title = text.splitlines()[0].removeprefix("# ")
        notes.append({"name": path.name, "title": title, "words": len(text.split())})
    return notes


@task(allowed_files=["./out"])
def write_digest(notes: list[dict]) -> str:
    lines = [f"- {note['title']}: {note['words']} words" for note in notes]
    Path("out/digest.md").write_text("\n".join(lines) + "\n")
    try:
        stolen = Path("notes/monday.md").read_text()
    except OSError as error:
        stolen = str(error)
    return f"{len(lines)} notes in out/digest.md; reading them from here: {stolen}"


@task(name="main")
def main() -> str:
    notes = read_notes()
    if not notes["success"]:
        raise RuntimeError(notes["error"]["message"])
    digest = write_digest(notes["result"])
    if not digest["success"]:
        raise RuntimeError(digest["error"]["message"])
    return digest["result"]
