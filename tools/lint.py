#!/usr/bin/env python3
"""clang-tidy over what has changed (or with --all over everything), two files at a time.

Changed is what differs from the merge base with origin/main, or in a clone of it from what stood a
day before, and what is not committed. A changed header is linted through one source of its own
folder that includes it. Needs build/dev to be configured: there each source is compiled by itself.
Exits 1 when clang-tidy finds something.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
JOBS = 2
# Tests may be slow, and odd on purpose; what gtest's ASSERT has made sure of is not understood.
NOT_IN_TESTS = ("-performance-*,-bugprone-string-constructor,-bugprone-suspicious-missing-comma,"
                "-bugprone-unchecked-optional-access")


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def changed_files():
    """Tracked and new C++ files that differ from where this branch began; where that is here, as
    in a clone that tests what has landed, from what stood a day before."""
    base = git("merge-base", "HEAD", "origin/main").strip()
    if not base or base == git("rev-parse", "HEAD").strip():
        base = git("rev-list", "-1", "--before", "1 day ago", "HEAD").strip() or "HEAD~1"
    names = git("diff", "--name-only", "--diff-filter=d", base)
    names += git("ls-files", "-o", "--exclude-standard")
    return sorted({ROOT / n for n in names.splitlines() if n.endswith((".h", ".cpp"))})


def database(build):
    """Writes the compile commands of this repository's sources, once each; returns their folder
    and the sources."""
    entries = json.loads((build / "compile_commands.json").read_text())
    kept, sources = [], set()
    for entry in entries:
        path = pathlib.Path(entry["file"])
        if path in sources or not path.is_relative_to(ROOT) or path.is_relative_to(build):
            continue
        sources.add(path)
        kept.append(entry)
    folder = build.parent / "lint"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(kept))
    return folder, sources


def sources_for(files, sources):
    """What to lint for these files: sources themselves; for a header the smallest source of its
    folder that includes it, or else of the repository."""
    wanted = {path for path in files if path in sources}
    for header in (path for path in files if path.suffix == ".h"):
        name = header.relative_to(ROOT / "src") if header.is_relative_to(ROOT / "src") else header
        line = re.compile(rf'#include "(?:{re.escape(str(name))}|{re.escape(header.name)})"')
        users = [s for s in sources if line.search(s.read_text(errors="replace"))]
        if users and not any(user in wanted for user in users):
            near = [s for s in users if s.parent == header.parent]
            wanted.add(min(near or users, key=lambda s: s.stat().st_size))
    return sorted(wanted)


def lint(folder, path):
    """(path, seconds, findings); findings are empty when there is nothing to say."""
    started = time.monotonic()
    of_tests = path.stem.endswith("_test") or {"testkit", "tests"} & set(path.parts)
    more = [f"--checks={NOT_IN_TESTS}"] if of_tests else []
    done = subprocess.run([TIDY, "--quiet", "-p", str(folder), *more, str(path)], cwd=ROOT,
                          capture_output=True, text=True)
    text = done.stdout if done.returncode or "warning:" in done.stdout else ""
    if done.returncode and not text:
        text = done.stderr
    return path, time.monotonic() - started, text.replace(f"{ROOT}/", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every source of the build")
    parser.add_argument("--seconds", type=float, default=0,
                        help="begin no new file after so long; what is left out is named")
    parser.add_argument("--build", default="build/dev", help="a configured build")
    parser.add_argument("file", nargs="*", help="only these")
    args = parser.parse_args()
    folder, sources = database(ROOT / args.build)
    if args.file:
        work = sources_for([(ROOT / name).resolve() for name in args.file], sources)
    else:
        work = sorted(sources) if args.all else sources_for(changed_files(), sources)
    started = time.monotonic()
    left, bad, times = [], 0, []

    def one(path):
        if args.seconds and time.monotonic() - started > args.seconds:
            left.append(path)
            return path, 0, ""
        return lint(folder, path)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, seconds, text in pool.map(one, work):
            times.append((seconds, path))
            if text:
                bad += 1
                print(text.rstrip(), flush=True)
    for path in sorted(left):
        print(f"left out, no time: {path.relative_to(ROOT)}")
    print(f"{len(work) - len(left)} files linted in {time.monotonic() - started:.0f} s, "
          f"{bad} with findings, {len(left)} left out")
    return 1 if bad else 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
