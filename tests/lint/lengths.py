"""No file of Python, Rust or shell has more than 350 lines, and no function more than 50, unless its first lines say why,
after `Long:`. `./build.sh lint` runs it.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE, FUNCTION = 350, 50
FIRST = 12  # lines of a file, among which the reason must be; those of a function are the three after its name
NOT_OURS = {".git", ".tools", "dist", "node_modules", "target"}
# A function of Rust, and what must not be taken for its braces: comments, strings and characters.
RUST = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\[^\n']+|[^\\'\n])'"""
    r"""|\bfn\s+(?P<name>\w+)|(?P<mark>[{};])""",
    re.DOTALL,
)
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
    functions = {".py": python_functions, ".rs": rust_functions, ".sh": shell_functions}[path.suffix]
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


def rust_functions(text):
    name, start, open_braces, bodies = None, 0, 0, []
    for found in RUST.finditer(text):
        if found["name"]:
            name, start = found["name"], found.start()
        elif found["mark"] == ";":
            # A function of a trait without a body, unless it is in the length of an array.
            head = text[start : found.start()]
            name = None if all(head.count(a) == head.count(b) for a, b in ("()", "[]")) else name
        elif found["mark"] == "{":
            if name:
                bodies.append((name, start, open_braces))
                name = None
            open_braces += 1
        elif found["mark"] == "}":
            open_braces -= 1
            if bodies and bodies[-1][2] == open_braces:
                name_of_body, first, _ = bodies.pop()
                yield name_of_body, line_of(text, first), line_of(text, found.start())


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def shell_functions(text):
    for found in SHELL.finditer(text):
        first = line_of(text, found.start())
        yield found[1], first, first + found[0].count("\n")


if __name__ == "__main__":
    sys.exit(main())
