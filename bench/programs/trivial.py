from capsule import task


@task(name="main", compute="LOW")
def main(n: int) -> int:
    return n + 1
