"""Runs one module of CPython's own tests inside a sandbox and tells how each test of it ended."""

import doctest
import importlib
import os
import sys
import unittest

from capsule import task

MESSAGE = 300
MARK = "BEGIN "


class Outcomes(unittest.TestResult):
    """How each test ended, by its name: "Class.method", as the module's tests are listed."""

    def __init__(self, module):
        super().__init__()
        self._module = f"test.{module}."
        self.passed = set()
        self.failed = {}
        self.skipped_why = {}

    def name(self, test):
        # The holder of an error in setUpClass or setUpModule has no method.
        return test.id().removeprefix(self._module)

    def startTest(self, test):
        super().startTest(test)
        # The last one is the one that ended the sandbox, if something did.
        os.write(2, f"\n{MARK}{self.name(test)}\n".encode(errors="backslashreplace"))

    def addSuccess(self, test):
        self.passed.add(self.name(test))

    def addError(self, test, err):
        self._fail(test, err)

    def addFailure(self, test, err):
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(test, err, subtest._subDescription()[:60])

    def addSkip(self, test, reason):
        self.skipped_why[self.name(getattr(test, "test_case", test))] = str(reason)[:MESSAGE]

    def addExpectedFailure(self, test, err):
        self.passed.add(self.name(test))

    def addUnexpectedSuccess(self, test):
        self.failed[self.name(test)] = "passes, which CPython does not expect"

    def _fail(self, test, err, where=""):
        kind, value, _ = err
        try:
            text = str(value).strip().replace("\n", " | ")
        except Exception:
            text = "?"
        self.failed.setdefault(self.name(test), f"{where}{kind.__name__}: {text}"[:MESSAGE])


def tests_in(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_in(each)
        else:
            yield each


def without(suite, left_out, name_of):
    """The suite without the tests whose names, or whose classes' names followed by `.*`, are given."""
    kept = type(suite)()
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            kept.addTest(without(each, left_out, name_of))
            continue
        name = name_of(each)
        if name not in left_out and f"{name.rpartition('.')[0]}.*" not in left_out:
            kept.addTest(each)
    return kept


@task(name="main", compute="500000000000", ram="1GB", timeout="4m")
def main(module: str, left_out: list, blocked: list, only: list) -> dict:
    """`left_out`: tests not to run. `blocked`: modules that are not there. `only`: if any, the only tests to run."""
    if module == "":
        import test.support  # Packs the whole package.

    os.chdir("/tmp")
    sys.argv = ["python"]
    # Some tests use what is there, and these would take the full engine.
    sys.modules.update(dict.fromkeys(blocked))
    import test.support

    test.support.verbose = 0
    test.support.use_resources = []
    outcomes = Outcomes(module)

    def run(suite):
        suite = without(suite, set(left_out), outcomes.name)
        if only:
            suite = unittest.TestSuite(each for each in tests_in(suite) if outcomes.name(each) in only)
        suite.run(outcomes)

    # As CPython's own runner does: `test_main` if there is one, which ends here.
    test.support._run_suite = run
    test.support.run_doctest = lambda tested, verbosity=None, optionflags=0: run(
        doctest.DocTestSuite(tested, optionflags=optionflags)
    )
    loaded = importlib.import_module(f"test.{module}")
    if hasattr(loaded, "test_main") and not hasattr(loaded, "load_tests"):
        loaded.test_main()
    else:
        run(unittest.defaultTestLoader.loadTestsFromModule(loaded))
    return {
        "passed": sorted(outcomes.passed - outcomes.failed.keys() - outcomes.skipped_why.keys()),
        "failed": outcomes.failed,
        "skipped": {name: why for name, why in outcomes.skipped_why.items() if name not in outcomes.failed},
    }
