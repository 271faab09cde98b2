from capsule import task


@task(name="main", compute="200000000")
def main(what: str = "hello") -> str:
    while what == "spin":
        pass
    return what
