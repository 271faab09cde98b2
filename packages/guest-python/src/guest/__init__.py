"""The prelude: what runs in a Python sandbox beside the program. Programs can't import it, and no traceback shows it.

See `../door.ts` for what crosses between here and the drive.
"""
