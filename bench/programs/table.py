"""A program that imports pandas and does next to nothing with it."""

import pandas
from capsule import task


@task(name="main", compute="MEDIUM", ram="256MB")
def main() -> int:
    return int(pandas.DataFrame({"a": [1, 2, 3]}).a.sum())
