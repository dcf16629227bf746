"""The table of operations as Forebay's compatibility page shows it."""

import re

from . import daemon, proc

KINDS = ("native", "dir", "S3 origin")


def table():
    """Each operation's row: its request, what it takes, and its word for each kind of bucket."""
    rows = {}
    for line in proc.run([daemon.binary(), "s3-compatibility"]).stdout.decode().splitlines():
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if len(cells) != 7 or not cells[1].startswith("`"):
            continue
        method, target = re.match(r"`(\w+) ([^`]*)`", cells[1]).groups()
        path, _, markers = target.partition("?")
        rows[cells[0]] = {
            "request": (method, path, set(filter(None, markers.split("&")))),
            "words": dict(zip(KINDS, cells[2:5], strict=True)),
            "names": set(re.findall(r"`([^`]+)`", cells[5])),
            "headers": set(re.findall(r"`([^`]+)`", cells[6])),
            "answered": cells[2:5] != ["no"] * 3,
        }
    return rows
