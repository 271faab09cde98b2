from capsule import task


@task(name="main", compute="HIGH", allowed_files=[{"path": "data", "mode": "read-only"}])
def main(folder: str, count: int, way: str = "sync") -> int:
    """Reads the `count` files of a folder, one after the other, and gives the number of their characters."""
    characters = 0
    for i in range(count):
        with open(f"{folder}/{i}.txt", encoding="utf-8") as file:
            characters += len(file.read())
    return characters
