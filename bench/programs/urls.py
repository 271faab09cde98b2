from urllib.request import urlopen

from capsule import task


@task(name="main", compute="HIGH", allowed_hosts=["127.0.0.1:18790"])
def main(url: str, count: int) -> int:
    """Sends `count` requests, one after the other, and gives the number of characters that came back."""
    characters = 0
    for _ in range(count):
        with urlopen(url) as response:
            characters += len(response.read().decode())
    return characters
