"""Imports of the program's own modules where mounts stand in front of its folder.

What is imported is what was built, wherever the program runs, under the names its files have at home. Only what was not
packed comes from the mount.
"""

import sys
from importlib import machinery

# The folder of the program, and that of its dependencies.
ROOT = "/app"
SITE = "/site-packages"
# Where the drive shows the program's folder then.
HIDDEN = "/.program/app"

_active = False


def activate():
    """At the start of an attempt that has mounts."""
    global _active
    if not _active:
        _active = True
        # Nobody's folder shall be littered.
        sys.dont_write_bytecode = True
        sys.path_hooks.insert(0, _hook)
        for path in list(sys.path_importer_cache):
            if _is_ours(path):
                del sys.path_importer_cache[path]


def place(path):
    """Where a path of the program's folder is to be read."""
    return HIDDEN + path[len(ROOT) :] if _active and _is_ours(path) else path


def loader(name, path):
    """What loads the program's file at a path, as arguments for `spec_from_file_location`."""
    return {"loader": _Loader(name, path)} if _active else {}


def _is_ours(path):
    return isinstance(path, str) and (path == ROOT or path.startswith(f"{ROOT}/"))


def _hook(path):
    if not _is_ours(path):
        raise ImportError("not in the program's folder", path=path)
    return _Finder(path)


class _Loader(machinery.SourceFileLoader):
    def get_data(self, path):
        return super().get_data(place(path))

    def path_stats(self, path):
        return super().path_stats(place(path))


class _Finder(machinery.FileFinder):
    """Looks in the packed program, and then in the mount."""

    def __init__(self, path):
        super().__init__(place(path), (_Loader, machinery.SOURCE_SUFFIXES))
        self._mounted = machinery.FileFinder(
            path,
            (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
            (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
        )

    def _get_spec(self, loader_class, fullname, path, smsl, target):
        return super()._get_spec(loader_class, fullname, _shown(path), smsl and [_shown(each) for each in smsl], target)

    def find_spec(self, fullname, target=None):
        packed = super().find_spec(fullname, target)
        if packed is not None and packed.loader is not None:
            return packed
        mounted = self._mounted.find_spec(fullname, target)
        if mounted is None and packed is not None:
            # A folder without code of its own.
            packed.submodule_search_locations = [_shown(each) for each in packed.submodule_search_locations]
            return packed
        return mounted

    def invalidate_caches(self):
        super().invalidate_caches()
        self._mounted.invalidate_caches()


def _shown(path):
    return ROOT + path[len(HIDDEN) :] if path.startswith(HIDDEN) else path
