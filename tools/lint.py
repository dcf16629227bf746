#!/usr/bin/env python3
"""clang-tidy over what has changed (or with --all over everything), two build steps at a time.

Changed is what differs from the merge base with origin/main, or in a clone of it from what stood a
day before, and what is not committed. A changed header is linted through one source of its own
folder that includes it. Needs build/release to be configured: what it compiles as one is linted as
one, since most of a source's time goes into headers that its neighbours need too
(docs/build-time.md). What was found clean is remembered by all that the compiler reads of it, in
the user's cache folder, and not linted again. Exits 1 when clang-tidy finds something.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
JOBS = 2
KEPT = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "forebay-lint"
KEPT_DAYS = 30  # since it was last of use
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


def checks_of(sources):
    of_tests = any(s.stem.endswith("_test") or {"testkit", "tests"} & set(s.parts)
                   for s in sources)
    return f"{NOT_HERE},{NOT_IN_TESTS}" if of_tests else NOT_HERE


@functools.cache
def judge():
    """What decides beside the text: clang-tidy's build, the rules, this program."""
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True).stdout
    return version + (ROOT / ".clang-tidy").read_text() + pathlib.Path(__file__).read_text()


@functools.cache
def commands(build):
    """How each file of the build is compiled: folder and arguments, without what is written."""
    out = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        at = words.index("-o")
        out[pathlib.Path(entry["file"])] = (entry["directory"], words[:at] + words[at + 2:])
    return out


def mark(build, path, sources):
    """Where it is remembered that this step is clean: named by every byte that the compiler reads,
    comments too (they may hold NOLINT), wherever the repository lies. Nothing when it does not
    even pass the preprocessor."""
    folder, command = commands(build)[path]
    done = subprocess.run([*command, "-E", "-C"], cwd=folder, capture_output=True)
    if done.returncode:
        return None
    text = done.stdout.replace(str(ROOT).encode(), b"")
    rules = f"{judge()}{checks_of(sources)}{' '.join(command)}".replace(str(ROOT), "")
    return KEPT / hashlib.sha256(rules.encode() + text).hexdigest()


def forget_old():
    for kept in KEPT.glob("*"):
        if time.time() - kept.stat().st_mtime > KEPT_DAYS * 86400:
            kept.unlink(missing_ok=True)


def lint(build, path, sources):
    """What is found; empty when there is nothing to say."""
    checks = checks_of(sources)
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
    KEPT.mkdir(parents=True, exist_ok=True)
    left, known, bad = [], [], 0

    def one(step):
        clean = mark(build, *step)
        if clean and clean.exists():
            clean.touch()
            known.extend(step[1])
            return ""
        if args.seconds and time.monotonic() - started > args.seconds:
            left.extend(step[1])
            return ""
        found = lint(build, *step)
        if clean and not found:
            clean.touch()
        return found

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for text in pool.map(one, work.items()):
            if text:
                bad += 1
                print(text.rstrip(), flush=True)
    forget_old()
    for path in sorted(left):
        print(f"left out, no time: {path.relative_to(ROOT)}")
    linted = sum(map(len, work.values())) - len(left) - len(known)
    print(f"{linted} files linted in {time.monotonic() - started:.0f} s, {len(known)} known to be "
          f"clean, {bad} steps with findings, {len(left)} files left out")
    return 1 if bad else 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
