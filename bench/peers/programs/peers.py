"""What every runtime of tasks is measured with: the kernels of the bench stand before this text."""

from capsule import task


@task(name="add", compute="LOW")
def add(a: int, b: int) -> int:
    return a + b


@task(name="deep", compute="HIGH")
def deep() -> int:
    def down(n):
        return down(n + 1) + 1

    return down(0)


@task(name="reads", allowed_files=["./open"])
def reads(path: str) -> str:
    with open(path) as file:
        return file.read()


@task(name="fetches", allowed_hosts=["127.0.0.1:9"])
def fetches(url: str) -> str:
    from urllib.request import urlopen

    with urlopen(url) as answer:
        return answer.read().decode()


@task(name="main", compute="1000000000000000")
def main(what: str = "hello", first: str = "0", second: str = "0") -> object:
    if what == "calls":
        return sum(add(i, 1)["result"] for i in range(int(first)))
    if what == "kernel":
        return [KERNELS[first]() for _ in range(int(second))][-1:]
    if what == "fail":
        raise ValueError("as asked for")
    if what == "deep":
        return deep()
    if what == "reads":
        return reads(first)
    if what == "fetches":
        return fetches(first)
    return what
