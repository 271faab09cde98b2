"""A group-by of pandas and a matrix product of numpy, for the sandbox and for the system's Python alike."""

import numpy
import pandas

ROWS, SIDE = 200_000, 320

ORDERS = pandas.DataFrame(
    {
        "region": numpy.arange(ROWS, dtype="int64") * 7919 % 97,
        "month": numpy.arange(ROWS, dtype="int64") * 31 % 12,
        "amount": numpy.arange(ROWS, dtype="int64") * 1103515245 % 1009 / 8,
    }
)
MATRIX = numpy.arange(SIDE * SIDE, dtype=float).reshape(SIDE, SIDE) % 17


def group_by() -> float:
    table = ORDERS.groupby(["region", "month"]).amount.agg(["sum", "mean", "max"])
    return round(float(table.to_numpy().sum()), 3)


def matrix_product() -> float:
    return float((MATRIX @ MATRIX).sum())


WORK = {"group_by": group_by, "matrix_product": matrix_product}


def repeat(name: str, times: int) -> float:
    checksum = 0.0
    for _ in range(times):
        checksum = WORK[name]()
    return checksum


try:
    from capsule import task
except ImportError:
    pass
else:
    repeat = task(name="main", compute="1000000000000", ram="512MB")(repeat)
