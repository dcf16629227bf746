#!/usr/bin/env python3
"""The style as a test: what docs/conventions call a rule is checked here, or it is advice.

Prints `file:line: what` for each breach and exits 1 when there is one. Rules under RATCHETS may be
broken as often as the table says and no more; the numbers may only become smaller.
"""

import ast
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layers  # noqa: E402

# How many places may break a rule: what stands today. Lower a number when you can; never raise it.
RATCHETS = {
    "header over 300 lines": 0,
    "function over 70 lines": 1,
    "line over 100 columns": 0,
    "operating system outside io": 0,
    "room with less than 0.6 test lines per line of code": 1,
}

MAX_LINE = 100
MAX_FILE = 800
MAX_HEADER = 300
MAX_FUNCTION = 70
MAX_README = 20
MAX_OWN_INCLUDES = 20
MIN_TEST_RATIO = 0.6

CODE = {".h", ".cpp"}
TEXT = CODE | {".py", ".sh", ".md", ".txt", ".cmake", ".toml", ".json", ".yml", ".yaml", ".proto"}

# Only io asks the operating system; everything above must run in simulation.
BANNED_CALLS = [
    (re.compile(r"\b\w*_clock::now\b"), "read the clock of the context: loop->now(), wall_now()"),
    (re.compile(r"\brandom_device\b"), "take randomness from the loop"),
    (re.compile(r"(?<![\w.>:])s?rand\s*\("), "take randomness from the loop"),
    (re.compile(r"(?<![\w.>:])(::|std::)?time\s*\(\s*(NULL|nullptr|0|&)"), "use loop->wall_now()"),
    (re.compile(r"\bstd::j?thread\b"), "threads belong to io: run_blocking()"),
    (re.compile(r"\bgetenv\b"), "the environment is read through io"),
    (re.compile(r"\b(usleep|nanosleep)\b|this_thread::sleep|(?<![\w:])(::)?sleep\s*\(\s*\d"),
     "wait with io's timers"),
]
# Tests may start threads to prove that something is safe with them.
TESTS_MAY = {"threads belong to io: run_blocking()"}
SYSTEM_HEADERS = re.compile(
    r"<(sys/\w+|unistd|fcntl|netdb|poll|dirent|linux/\w+|arpa/\w+|netinet/\w+)\.h>")

# Foreign headers and the rooms that may see them (docs/architecture.md, "fenced").
FENCES = {
    "rocksdb/": {"base", "meta", "disk"},
    "libpq": {"meta"},
    "boost/beast": {"http"},
    "openssl/": {"base", "io", "sign"},
    "fuse": {"mount"},
    "pugixml": {"base", "gateway", "origin", "client"},
    "boost/json": {"base"},
    "boost/url": {"origin"},
    "spdlog/": {"obs"},
    "prometheus/": {"obs"},
    "isa-l/": {"base"},
    "xxhash": {"base"},
    "toml++": {"node"},
    "CLI/": {"cli", "node"},
}

MARKS = re.compile(r"\b(" + "FIX" + "ME|TO" + "DO|X" + r"XX)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(work|root|home/\w+)/\w")


class Report:
    """Collects breaches; those of a ratcheted rule count against its number."""

    def __init__(self, root):
        self.root = root
        self.wrong = []
        self.ratcheted = {rule: [] for rule in RATCHETS}

    def add(self, path, line, what, rule=None):
        text = f"{path.relative_to(self.root)}:{line}: {what}"
        (self.ratcheted[rule] if rule else self.wrong).append(text)


def repository_files(root):
    """Tracked files and new ones that git does not ignore."""
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root,
                             capture_output=True, check=True).stdout.decode()
    paths = {root / name for name in listing.split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def room_of(root, path):
    parts = path.relative_to(root).parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def is_test(path):
    return bool(layers.TEST_FILE.search(path.name))


def blank_out(text):
    """C++ with comments and literals replaced by blanks; the lines stay where they are."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
                         r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def check_text(report, path, lines):
    for number, line in enumerate(lines, 1):
        if MARKS.search(line):
            report.add(path, number, "no reminders in the code: do it, or open an issue")
        if MACHINE_PATHS.search(line):
            report.add(path, number, "a path of one machine")
    if len(lines) > MAX_FILE and path.name != "LICENSE":
        report.add(path, 1, f"{len(lines)} lines; a file has at most {MAX_FILE}")
    if path.suffix in CODE | {".py"}:
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_LINE:
                report.add(path, number, f"{len(line)} columns", "line over 100 columns")


def check_header(report, path, lines):
    if len(lines) > MAX_HEADER:
        report.add(path, 1, f"{len(lines)} lines; a header has at most {MAX_HEADER}",
                   "header over 300 lines")
    if not lines or not lines[0].startswith("// "):
        report.add(path, 1, "a header begins with a paragraph: what it is and why it exists")
    after = next((line for line in lines if not line.startswith("//")), "")
    if after != "#pragma once":
        report.add(path, 1, "#pragma once follows the first paragraph")


def check_includes(report, path, room, lines):
    own = 0
    for number, line in enumerate(lines, 1):
        own += bool(layers.INCLUDE.match(line))
        match = re.match(r"\s*#\s*include\s*([<\"].*)", line)
        if not match:
            continue
        target = match.group(1)
        for fence, rooms in FENCES.items():
            if target[1:].startswith(fence) and room not in rooms:
                report.add(path, number, f"{fence} is fenced into {', '.join(sorted(rooms))}")
        exempt = room == "io" or path.name == "main.cpp" or is_test(path)
        if SYSTEM_HEADERS.match(target) and not exempt:
            report.add(path, number, f"{target.split('>')[0]}> belongs to io",
                       "operating system outside io")
    if own > MAX_OWN_INCLUDES:
        report.add(path, 1, f"{own} own includes; at most {MAX_OWN_INCLUDES}")


def check_calls(report, path, room, code_lines):
    if room == "io":
        return
    for number, line in enumerate(code_lines, 1):
        for pattern, instead in BANNED_CALLS:
            if pattern.search(line) and not (is_test(path) and instead in TESTS_MAY):
                report.add(path, number, instead)


def cpp_functions(code):
    """(line, length) of each function body of C++ whose comments and literals are blanked out."""
    stack, start, line = [], 0, 1
    for i, c in enumerate(code):
        if c == "\n":
            line += 1
        elif c == "{":
            head = code[start:i]
            scope = all(kind == "scope" for kind, _ in stack)
            if scope and re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", head):
                stack.append(("scope", line))
            elif scope and "(" in head:
                stack.append(("function", line - head.lstrip().count("\n")))
            else:
                stack.append(("block", line))
            start = i + 1
        elif c == "}":
            if stack:
                kind, first = stack.pop()
                if kind == "function":
                    yield first, line - first + 1
            start = i + 1
        elif c == ";":
            start = i + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check_functions(report, path, functions):
    for line, length in functions:
        if length > MAX_FUNCTION:
            report.add(path, line, f"a function of {length} lines", "function over 70 lines")


def check_rooms(report, root, paths):
    """What a room as a whole owes: a README, tests, a place in the build."""
    built = set(re.findall(r"forebay_room\((\w+)", (root / "CMakeLists.txt").read_text()))
    counts = {}
    for path in paths:
        room = room_of(root, path)
        if room is None or path.suffix not in CODE:
            continue
        code_and_tests = counts.setdefault(room, [0, 0])
        code_and_tests[is_test(path)] += len(path.read_text(errors="replace").splitlines())
        if is_test(path) and room not in built:
            report.add(path, 1, f"a test that is not built: {room} is no room of CMakeLists.txt")
    for room, (code, tests) in sorted(counts.items()):
        readme = root / "src" / room / "README.md"
        if not readme.is_file():
            report.add(readme, 1, "missing: what is it, what belongs here, what does not")
        elif len(readme.read_text().splitlines()) > MAX_README:
            report.add(readme, 1, f"a room's README has at most {MAX_README} lines")
        # testkit is made of tests' lines already; node is wiring, tested from outside.
        if room not in ("testkit", "node") and tests < MIN_TEST_RATIO * code:
            report.add(root / "src" / room, 1, f"{tests} test lines for {code} lines of code",
                       "room with less than 0.6 test lines per line of code")


def check_file(report, root, path):
    if path.suffix not in TEXT and path.name != "CMakeLists.txt":
        return
    text = path.read_text(errors="replace")
    lines = text.splitlines()
    check_text(report, path, lines)
    if path.suffix == ".py":
        check_functions(report, path, python_functions(text))
    if path.suffix not in CODE:
        return
    code = blank_out(text)
    check_functions(report, path, cpp_functions(code))
    room = room_of(root, path)
    if path.suffix == ".h":
        check_header(report, path, lines)
    if room is not None:
        check_includes(report, path, room, lines)
        check_calls(report, path, room, code.splitlines())
    elif path.name.endswith("_test.cpp"):
        report.add(path, 1, "a test outside src is in no room, so it is not built")


def check(root):
    """(breaches, notes): breaches fail the test, notes say which ratchet can be tightened."""
    report = Report(root)
    paths = repository_files(root)
    for path in paths:
        check_file(report, root, path)
    check_rooms(report, root, paths)
    wrong = [line.replace(f"{root}/", "") for line in layers.check(root)] + report.wrong
    notes = []
    for rule, found in report.ratcheted.items():
        allowed = RATCHETS[rule]
        if len(found) > allowed:
            wrong += found
            wrong.append(f"tools/tidy.py:1: {len(found)} × {rule}; {allowed} allowed")
        elif len(found) < allowed:
            notes.append(f"tools/tidy.py: set RATCHETS[{rule!r}] to {len(found)}")
    return wrong, notes


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    wrong, notes = check(root.resolve())
    print("\n".join(wrong + notes), end="\n" if wrong or notes else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
