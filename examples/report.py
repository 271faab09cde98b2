"""Reads numbers, sums them up with pandas and draws them: prints an SVG picture.

    npx capsule run examples/report.py > report.svg

The numbers are in a file beside the program, which is packed with it because its name stands here. The libraries are
in the engine: nothing is installed.
"""

import io
from pathlib import Path

import matplotlib
import pandas as pd
from capsule import task

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)

SALES = Path(__file__).parent / "data/sales.csv"


@task(compute="HIGH", ram="256MB")
def summarise(csv: str) -> dict[str, list]:
    sales = pd.read_csv(io.StringIO(csv), parse_dates=["month"])
    table = sales.pivot_table(index="month", columns="region", values="amount", aggfunc="sum")
    return {
        "months": [month.strftime("%b") for month in table.index],
        **{region: table[region].tolist() for region in table.columns},
    }


@task(name="main", compute="HIGH", ram="384MB")
def main() -> str:
    envelope = summarise(SALES.read_text())
    if not envelope["success"]:
        raise RuntimeError(envelope["error"]["message"])
    months, *regions = envelope["result"].items()
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for region, amounts in regions:
        axes.plot(months[1], amounts, marker="o", label=region)
    axes.set_title("Sales by region")
    axes.set_ylabel("thousands")
    axes.legend()
    picture = io.StringIO()
    figure.savefig(picture, format="svg")
    return picture.getvalue()
