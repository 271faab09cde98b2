"""For each Python file named on stdin: its tokens and its imports as Python sees them, as one line of JSON."""

import ast
import json
import sys
import tokenize

KINDS = {
    tokenize.NAME: "name",
    tokenize.NUMBER: "number",
    tokenize.STRING: "string",
    tokenize.OP: "op",
    tokenize.NEWLINE: "newline",
    tokenize.INDENT: "indent",
    tokenize.DEDENT: "dedent",
    tokenize.FSTRING_START: "fstring-start",
    tokenize.FSTRING_END: "fstring-end",
}
LAYOUT = ("newline", "indent", "dedent")


def tokens(path):
    with open(path, "rb") as file:
        for token in tokenize.tokenize(file.readline):
            kind = KINDS.get(token.type)
            if kind:
                yield [kind, "" if kind in LAYOUT else token.string.replace("\r\n", "\n")]


def never_runs(test):
    if isinstance(test, ast.Attribute):
        return test.attr == "TYPE_CHECKING"
    return ast.unparse(test) in ("TYPE_CHECKING", "__name__ == '__main__'")


def imports(node, later):
    for child in ast.iter_child_nodes(node):
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        skipped = isinstance(node, ast.If) and never_runs(node.test)
        inner = later or (function or skipped) and child in node.body
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield [alias.name, 0, [], bool(inner)]
        elif isinstance(child, ast.ImportFrom):
            names = [alias.name for alias in child.names if alias.name != "*"]
            yield [child.module or "", child.level, names, bool(inner)]
        yield from imports(child, inner)


for line in sys.stdin:
    path = line.strip()
    try:
        with open(path, "rb") as file:
            found = list(imports(ast.parse(file.read()), False))
        print(json.dumps([path, list(tokens(path)), found]), flush=True)
    except (SyntaxError, ValueError, tokenize.TokenError):
        print(json.dumps([path, None, None]), flush=True)
