"""Runs code on the variant of the engine without the scientific packages."""

from capsule import task
from capsule_code import repl

repl.install()


# What a call may use is the ceiling of its run: this asks for all there is.
@task(compute=9_000_000_000_000_000, allowed_hosts=["*"])
def main(code, options):
    return repl.run(code, options)
