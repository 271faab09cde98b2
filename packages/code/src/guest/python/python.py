"""Runs code on the variant of the engine without the scientific packages."""

from capsule import task
from capsule_code import repl

repl.install()


# What a call may use is the ceiling of its run: this asks for all there is. Hosts are the default of its project.
@task(compute=9_000_000_000_000_000)
def main(code, options):
    return repl.run(code, options)
