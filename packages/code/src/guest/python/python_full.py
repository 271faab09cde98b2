"""Runs code on the variant of the engine that has the scientific packages."""

import matplotlib
import matplotlib.pyplot
from capsule import task
from capsule_code import figures, repl

matplotlib.use("agg")
figures.install(matplotlib.pyplot)
repl.install()


# What a call may use is the ceiling of its run: this asks for all there is. Hosts are the default of its project.
@task(compute=9_000_000_000_000_000)
def main(code, options):
    return repl.run(code, options)
