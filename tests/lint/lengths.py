"""No file has more than 350 lines, and no function of Python or shell more than 50, unless its first lines say why, after
`Long:`. Of Rust it counts files only. `./build.sh lint` runs it.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE, FUNCTION = 350, 50
FIRST = 12  # lines of a file, among which the reason must be; those of a function are the three after its name
NOT_OURS = {".git", ".tools", "dist", "node_modules", "target"}
SHELL = re.compile(r"^(\w+)\(\) \{\n.*?^\}$", re.MULTILINE | re.DOTALL)


def main():
    problems = [it for path in sources(ROOT) for it in too_long(path)]
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


def sources(folder):
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in NOT_OURS and not path.is_symlink():
            yield from sources(path)
        elif path.suffix in (".py", ".rs", ".sh"):
            yield path


def too_long(path):
    text = path.read_text()
    lines = text.splitlines()
    functions = {".py": python_functions, ".sh": shell_functions}.get(path.suffix, lambda _: ())
    where = path.relative_to(ROOT)
    if len(lines) > FILE and "Long: " not in "\n".join(lines[:FIRST]):
        yield f"{where}: {len(lines)} lines, over {FILE}: split it, or say why not in its first {FIRST} lines, as `Long: …`"
    for name, first, last in functions(text):
        length = last - first + 1
        if length > FUNCTION and "Long: " not in "\n".join(lines[first : first + 3]):
            yield f"{where}:{first}: {name} has {length} lines, over {FUNCTION}: split it, or say why not as `Long: …`"


def python_functions(text):
    for it in ast.walk(ast.parse(text)):
        if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef):
            yield it.name, it.lineno, it.end_lineno


def shell_functions(text):
    for found in SHELL.finditer(text):
        first = text.count("\n", 0, found.start()) + 1
        yield found[1], first, first + found[0].count("\n")


if __name__ == "__main__":
    sys.exit(main())
