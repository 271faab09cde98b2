from capsule import task

calls = 0
kept = {}


@task(name="main", compute="HIGH")
def main(n: int) -> int:
    global calls
    kept[calls % 1000] = {"n": n, "text": f"call {calls}"}
    calls += 1
    return calls
