#!/usr/bin/env python3
"""The judge of src/LAYERS: every include of a room's header must be one the law allows.

Prints `file:line: what` for each breach and exits 1 when there is one.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
TEST_FILE = re.compile(r"_(test|fuzz)\.(cpp|h)$")
# The engines: only the composition root and tests choose one.
ENGINE_HEADERS = {"io/engine.h", "io/sim.h"}
ENGINE_ROOMS = {"io", "node", "testkit"}


def read_law(path):
    """The rooms in their order, each with the rooms it may include; and what is wrong with it."""
    law, wrong = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, colon, allowed = line.partition(":")
        room = room.strip()
        if not colon or room in law:
            wrong.append(f"{path}:{number}: not 'room: rooms', or a room named twice")
            continue
        rooms = set(law) - {"testkit"} if allowed.split() == ["*"] else set(allowed.split())
        for other in sorted(rooms - set(law)):
            wrong.append(f"{path}:{number}: {room} may not include {other}, which is not below it")
        law[room] = rooms
    return law, wrong


def may_include(law, room, header, is_test):
    """Why a file of `room` may not include `header`; None when it may."""
    other = header.split("/")[0]
    if other not in law:
        return f'"{header}" names no room of LAYERS'
    allowed = law[room] | {room}
    if is_test and "testkit" in law:
        allowed = allowed | law["testkit"] | {"testkit"}
    if other not in allowed:
        return f"room {room} may not include {other} (src/LAYERS)"
    if TEST_FILE.search(header) and not is_test:
        return f"only tests may include {header}"
    if header in ENGINE_HEADERS and room not in ENGINE_ROOMS and not is_test:
        return f"only node, testkit and tests may include {header}"
    return None


def check_file(src, path, law):
    relative = path.relative_to(src)
    room = relative.parts[0]
    if len(relative.parts) < 2 or room not in law:
        return [f"{path}:1: lies in no room of LAYERS"]
    wrong = []
    is_test = bool(TEST_FILE.search(path.name))
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1)
        why = may_include(law, room, header, is_test)
        if why is None and not (src / header).is_file():
            why = f'"{header}" does not exist'
        if why is not None:
            wrong.append(f"{path}:{number}: {why}")
    return wrong


def check(root):
    """All breaches of the law below root/src."""
    src = pathlib.Path(root) / "src"
    law, wrong = read_law(src / "LAYERS")
    for path in sorted(src.rglob("*")):
        if path.suffix in (".h", ".cpp"):
            wrong += check_file(src, path, law)
    return wrong


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    wrong = check(root)
    for line in wrong:
        print(line.replace(f"{root}/", ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
