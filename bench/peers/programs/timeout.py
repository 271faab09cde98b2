from capsule import task


@task(name="main", compute="1000000000000000", timeout="1s")
def main(what: str = "hello") -> str:
    while what == "spin":
        pass
    return what
