"""run.py PROGRAM OUT: runs all cases of one program in turn, and writes one line of JSON for each
to OUT: its name, how long it took, and what failed. The first line tells the client's version.
"""

import importlib
import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
import time
import traceback


def version_of(module):
    """What is told of the client: versions of Python packages, or what a command prints."""
    if hasattr(module, "PACKAGES"):
        return ", ".join(importlib.metadata.version(p) for p in module.PACKAGES)
    said = subprocess.run(module.VERSION, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True).stdout
    return re.search(r"\d+\.\d+(\.\d+)*", said)[0]


def main():
    """Runs what the command line names."""
    from place import Place

    module = importlib.import_module(sys.argv[1])
    cases = [f for n, f in vars(module).items()
             if inspect.isfunction(f) and f.__module__ == module.__name__ and n[0] != "_"]
    with open(sys.argv[2], "w") as out:
        print(json.dumps({"client": module.CLIENT, "version": version_of(module)}), file=out,
              flush=True)
        for case in cases:
            started, failed = time.monotonic(), None
            try:
                case(Place())
            except BaseException:  # noqa: BLE001: told to whoever reads OUT
                failed = traceback.format_exc()
            print(json.dumps({"case": case.__name__, "seconds": time.monotonic() - started,
                              "failed": failed}), file=out, flush=True)


if __name__ == "__main__":
    main()
