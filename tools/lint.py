#!/usr/bin/env python3
"""clang-tidy over what has changed (or with --all over everything), two build steps at a time.

Changed is what differs from the merge base with origin/main, or in a clone of it from what stood a
day before, and what is not committed. A changed header is linted through one source of its own
folder that includes it. Needs build/release to be configured: what it compiles as one is linted as
one, since most of a source's time goes into headers that its neighbours need too
(docs/build-time.md). Exits 1 when clang-tidy finds something.
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
# Joining sources is including them.
NOT_HERE = "-bugprone-suspicious-include"
# Tests may be slow, and odd on purpose; what gtest's ASSERT has made sure of is not understood; a
# lambda there lives as long as the test that runs it.
NOT_IN_TESTS = ("-performance-*,-bugprone-string-constructor,-bugprone-suspicious-missing-comma,"
                "-bugprone-unchecked-optional-access,"
                "-cppcoreguidelines-avoid-capturing-lambda-coroutines")


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


def steps(build):
    """What the build compiles, each once: the file of a step and the sources in it."""
    out = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        sources = [path]
        if "Unity" in path.parts:
            sources = [pathlib.Path(p) for p in re.findall(r'#include "(.+)"', path.read_text())]
        if all(s.is_relative_to(ROOT) and not s.is_relative_to(build) for s in sources):
            if sources not in out.values():
                out[path] = sources
    return out


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


def lint(build, path, sources):
    """What is found; empty when there is nothing to say."""
    of_tests = any(s.stem.endswith("_test") or {"testkit", "tests"} & set(s.parts)
                   for s in sources)
    checks = f"{NOT_HERE},{NOT_IN_TESTS}" if of_tests else NOT_HERE
    done = subprocess.run([TIDY, "--quiet", "-p", str(build), f"--checks={checks}", str(path)],
                          cwd=ROOT, capture_output=True, text=True)
    text = done.stdout if done.returncode or "warning:" in done.stdout else ""
    if done.returncode and not text:
        text = done.stderr
    return text.replace(f"{ROOT}/", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every source of the build")
    parser.add_argument("--seconds", type=float, default=0,
                        help="begin no new file after so long; what is left out is named")
    parser.add_argument("--build", default="build/release", help="a configured build")
    parser.add_argument("file", nargs="*", help="only these, with what is compiled with them")
    args = parser.parse_args()
    build = ROOT / args.build
    work = steps(build)
    if not args.all:
        files = [(ROOT / name).resolve() for name in args.file] or changed_files()
        wanted = set(sources_for(files, {s for sources in work.values() for s in sources}))
        work = {path: sources for path, sources in work.items() if wanted & set(sources)}
    started = time.monotonic()
    left, bad = [], 0

    def one(step):
        if args.seconds and time.monotonic() - started > args.seconds:
            left.extend(step[1])
            return ""
        return lint(build, *step)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for text in pool.map(one, work.items()):
            if text:
                bad += 1
                print(text.rstrip(), flush=True)
    for path in sorted(left):
        print(f"left out, no time: {path.relative_to(ROOT)}")
    linted = sum(map(len, work.values())) - len(left)
    print(f"{linted} files linted in {time.monotonic() - started:.0f} s, "
          f"{bad} steps with findings, {len(left)} files left out")
    return 1 if bad else 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
