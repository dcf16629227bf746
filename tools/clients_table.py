#!/usr/bin/env python3
"""clients_table.py RESULTS [OUT]: makes docs/clients.md of what a run of tests/ecosystem found.

RESULTS is the JSON that its conftest keeps. What each client is and what each case does are the
docstrings of tests/ecosystem/programs, so a case without a result has a row too, with `-`.
"""

import ast
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "tests" / "ecosystem" / "programs"
TABLE = ROOT / "docs" / "clients.md"
COLUMNS = [(kinds, scheme) for kinds in (("dir", "seaweedfs"), ("native",))
           for scheme in ("http", "https")]
HEAD = """\
# Clients

Made from tests/ecosystem by `./test --all` (`tools/clients_table.py`); do not edit. Each row is a
test that runs the client, unmodified, against Forebay. *Backed* is a bucket over a folder and one
over SeaweedFS, *native* one without an origin. `yes`: it ran to its end and all it read was what
had been written; `dir` or `seaweedfs`: it did on that one, and was not run on the other; `no`: it
did not; `-`: it was not run.

| client | version | what it does | backed http | backed https | native http | native https |
|---|---|---|---|---|---|---|
"""
SETTINGS = """
## What a client must be told

All of them take the endpoint, keys and region of AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and AWS_REGION unless it is said otherwise. Of an authority that is not a
public one most are told by AWS_CA_BUNDLE or SSL_CERT_FILE, the others by the system's list. Keys
stand in the path (`endpoint/bucket/key`). The programs are in `tests/ecosystem/programs`.

| client | settings |
|---|---|
"""


def plain(text):
    """A docstring as one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def programs(folder=PROGRAMS):
    """[(name, client, docstring, [(case, docstring)])], by client."""
    found = []
    for path in sorted(folder.glob("use_*.py")):
        module = ast.parse(path.read_text())
        client = next(n.value.value for n in module.body
                      if isinstance(n, ast.Assign) and n.targets[0].id == "CLIENT")
        cases = [(n.name, plain(ast.get_docstring(n) or "")) for n in module.body
                 if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
        found.append((path.stem, client, plain(ast.get_docstring(module) or ""), cases))
    return sorted(found, key=lambda one: one[1].lower())


def cell(on, kinds, scheme):
    """What a column says: the least of what its kinds say."""
    came = {kind: on.get(f"{kind}-{scheme}") for kind in kinds}
    if False in came.values():
        return f"no ({', '.join(k for k, v in came.items() if v is False)})"
    passed = [kind for kind, yes in came.items() if yes]
    return "yes" if len(passed) == len(kinds) else ", ".join(passed) or "-"


def render(results, found):
    """The page."""
    rows, settings = [], []
    for name, client, said, cases in found:
        shown = client
        for case, does in cases:
            result = results.get(f"{name}.{case}", {"of": {}, "on": {}})
            version = result["of"].get("version", "") if shown else ""
            cells = [cell(result["on"], *column) for column in COLUMNS]
            rows.append(f"| {' | '.join([shown, version, does, *cells])} |")
            shown = ""
        settings.append(f"| {client} | {said} |")
    return HEAD + "\n".join(rows) + "\n" + SETTINGS + "\n".join(settings) + "\n"


def main():
    """Renders what the command line names."""
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else TABLE
    out.write_text(render(results, programs()))


if __name__ == "__main__":
    main()
