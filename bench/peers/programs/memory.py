from capsule import task


@task(name="main", compute="1000000000000000", ram="128MB")
def main(what: str = "hello") -> str:
    kept = []
    while what == "fill":
        kept.append(bytearray(b"x" * 1_000_000))
        if len(kept) > 400:
            return "400 MB"
    return what
