#!/usr/bin/env python3
"""Runs the stages of ./test one after another and counts every test.

Each stage prints one line when it ends; what failed is printed whole and kept in build/logs, and
named once more at the end. The last line reads `N passed, N failed`; the exit code is 1 when a test
failed or could not run.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"

# Test binaries that start threads (loops, the pool, their own), and which of their tests (gtest's
# filter) the thread sanitizer sees: a simulated world is one thread, so nothing can race in it and
# it would only be slow there; the other stages run it. `unit` is simulated altogether: its threads
# are in object's StoreThreads and in the daemon.
THREADED = {
    "io": "-*/sim*:Simulation*:SimDisk*",
    "obs": "*",
    "http": "-*/sim*:*HostileWorld*",
    "disk": "-StoreSim.*:StoreCrash.*:StoreNative.*:LostDisk.*",
    "disk_threads": "*",
    "meta": "-FaultyStoreTest.*",
    "origin": "-*Sim*:S3.*",
    "object_threads": "*",
}
# What a whole daemon does under the thread sanitizer: a report makes its exit code, hence the test,
# fail.
THREADED_CLIENTS = "tests/clients/test_cache.py"
# Test binaries that are simulations of many seeds, most of which only an optimised build has time
# for. What the others test is under the address sanitizer; with --all they run optimised too.
SEEDED = ["cluster", "disk", "sim"]
# How often the slow stage `repeat` runs those tests, and how many of them at once: each other's
# load.
REPEATS = 200
REPEATS_AT_ONCE = 8
FUZZ_SECONDS = 60
FUZZERS_AT_ONCE = 2
LINT_SECONDS = 45  # after that no new file is begun
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tools/tsan.supp:history_size=4",
}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.named = []  # what failed, each with its stage

    def add(self, name, passed, failed, seconds, log, show):
        self.passed += passed
        self.failed += failed
        mark = "ok  " if failed == 0 else "FAIL"
        counts = f"{passed:>5} passed {failed:>3} failed"
        print(f"{mark} {name:<34} {counts} {seconds:7.1f} s", flush=True)
        if failed and show:
            text = log.read_text(errors="replace").splitlines()
            self.named += [f"{name}: {test}" for test in failed_tests(text) or ["see its log"]]
            print("\n".join("    " + line for line in text[-60:]), flush=True)
            print(f"    whole output: {log.relative_to(ROOT)}", flush=True)


def failed_tests(lines):
    """The names in what pytest or gtest printed, each once."""
    found = [re.match(r"(?:FAILED|ERROR) (\S+::.*)|\[  (?:FAILED |SKIPPED) \] (\w+[./]\S+)", line)
             for line in lines]
    return list(dict.fromkeys(f[1] or f[2].rstrip(",") for f in found if f))


TALLY = Tally()


def run(name, command, count, timeout, env=None, cwd=ROOT):
    """Runs one command with its output in a log; count(text, code) gives (passed, failed)."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (re.sub(r"\W+", "-", name).strip("-") + ".log")
    started = time.monotonic()
    with open(log, "w") as out:
        try:
            code = subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, timeout=timeout,
                                  env={**os.environ, **(env or {})}).returncode
        except subprocess.TimeoutExpired:
            out.write(f"\ntimed out after {timeout} s\n")
            code = -1
    passed, failed = count(log.read_text(errors="replace"), code)
    if code != 0 and failed == 0:
        failed = 1  # it broke without naming a test
        with open(log, "a") as out:
            out.write(f"\nexit code {code}{', a signal' if code < 0 else ''}\n")
    TALLY.add(name, passed, failed, time.monotonic() - started, log, True)
    return failed == 0


def whole(_, code):
    """A command that is one test."""
    return (1, 0) if code == 0 else (0, 1)


def gtest(text, _):
    passed = re.findall(r"^\[  PASSED  \] (\d+) tests?", text, re.M)
    # A skipped test did not show anything: it counts as failed, here and below.
    failed = re.findall(r"^\[  (?:FAILED |SKIPPED) \] (\d+) tests?", text, re.M)
    return sum(map(int, passed)), sum(map(int, failed))


def pytest(text, _):
    last = text.strip().splitlines()[-1:] or [""]
    number = lambda word: sum(map(int, re.findall(rf"(\d+) {word}", last[0])))
    return number("passed"), number("failed") + number("errors?") + number("skipped")


def unittest(text, code):
    ran = re.search(r"^Ran (\d+) tests?", text, re.M)
    count = int(ran[1]) if ran else 0
    return (count, 0) if code == 0 else (0, max(count, 1))


def build(preset, *targets, behind=()):
    return run(f"build {preset}", [*behind, "scripts/build.sh", preset, *targets],
               lambda t, c: (0, c != 0), 3600)


NICE = ("nice", "-n", "10")  # behind everything else
# What goes on behind a stage for later ones, by their names.
BEHIND = {}


def go_on_behind(args):
    """What later stages build and the asan stage, one after the other, behind the one that is
    running: it waits more than it works."""
    def build_tsan():
        # A failure is found again, and told, when its stage builds.
        subprocess.run([*NICE, "scripts/build.sh", "tsan", *TARGETS["tsan"]()], cwd=ROOT,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=3600)

    one_by_one = concurrent.futures.ThreadPoolExecutor(1)
    for name, work in [("tsan", build_tsan), ("asan", lambda: test_asan(NICE))]:
        if name in args.later:
            BEHIND[name] = one_by_one.submit(work)


def test_binaries(preset, names=None):
    folder = ROOT / "build" / preset
    found = sorted([*folder.glob("*_test"), *folder.glob("tests/sim/sim_test")])
    return [b for b in found if names is None or b.name.removesuffix("_test") in names]


def all_tests():
    """The names of the test binaries, without `_test`: of each room one or two (cmake/rooms.cmake),
    and the simulation of all rooms."""
    def name(test):
        room = test.relative_to(ROOT / "src").parts[0]
        return f"{room}_threads" if test.name.endswith("_threads_test.cpp") else room
    return sorted({name(test) for test in (ROOT / "src").rglob("*_test.cpp")}) + ["sim"]


TARGETS = {
    "asan": lambda: [f"{name}_test" for name in all_tests()],
    "tsan": lambda: [*(f"{name}_test" for name in THREADED), "forebay"],
}


def run_binaries(preset, filters=None, behind=()):
    """All test binaries, each in as many pieces as there are processors; with `filters` those that
    it names, by gtest's filters."""
    shards = os.cpu_count() or 1

    def run_shard(job):
        binary, shard = job
        tests = (filters or {}).get(binary.name.removesuffix("_test"), "*")
        env = SANITIZER_ENV | {"GTEST_TOTAL_SHARDS": str(shards), "GTEST_SHARD_INDEX": str(shard)}
        run(f"{preset} {binary.name} {shard + 1}/{shards}",
            [*behind, str(binary), "--gtest_brief=1", f"--gtest_filter={tests}"], gtest, 1800, env,
            ROOT / "build" / preset)
    jobs = [(b, n) for b in test_binaries(preset, filters) for n in range(shards)]
    with concurrent.futures.ThreadPoolExecutor(shards) as pool:
        list(pool.map(run_shard, jobs))


def stage_tidy(_):
    run("tidy", ["python3", "tools/tidy.py"], whole, 120)
    run("format", ["sh", "-c", "git ls-files -co --exclude-standard '*.h' '*.cpp' | "
                   "xargs clang-format-19 --dry-run -Werror"], whole, 120)
    run("tools", ["python3", "-m", "unittest", "discover", "-s", "tools", "-p", "*_test.py"],
        unittest, 300)


def stage_release(args):
    seeded = ["forebay", *(f"{name}_test" for name in SEEDED), "tests/sim/all"]
    if not build("release", *([] if args.all else seeded)):
        return
    run_binaries("release", None if args.all else dict.fromkeys(SEEDED, "*"))
    # Each runs production code with a bug planted in it and passes when some seed sees it.
    for plant in sorted((ROOT / "build/release/tests/sim").glob("sim_plant_*")):
        if os.access(plant, os.X_OK) and plant.is_file():
            run(f"release {plant.name}", [str(plant)], whole, 1200)


def run_pytest(name, path, args, timeout, env, venv=".venv"):
    made = ["scripts/venv.sh", *(["--all"] if venv == ".venv-all" else [])]
    if run(f"venv {venv}", made, lambda t, c: (0, c != 0), 3600):
        run(name, [f"{venv}/bin/pytest", "-q", *(["-x"] if args.fail_fast else []), path], pytest,
            timeout, env)


def stage_clients(args):
    # The contract of origins is run against real servers.
    if not build("release", "forebay", "origin_test"):
        return
    go_on_behind(args)
    env = {"FOREBAY_FULL": "1"} if args.all else {}
    for folder in sorted((ROOT / "tests").iterdir()):
        if folder.name == "ecosystem" and args.all:
            stage_ecosystem(args, env)
        elif any(folder.rglob("test_*.py")):
            run_pytest(f"tests/{folder.name}", str(folder), args, 7200 if args.all else 2400, env)


def stage_ecosystem(args, env):
    """All the foreign clients there are; what comes of it is docs/clients.md."""
    results = LOGS / "clients.json"
    run_pytest("tests/ecosystem", "tests/ecosystem", args, 7200,
               env | {"FOREBAY_CLIENTS_JSON": str(results)}, ".venv-all")
    if results.exists() and not args.fail_fast:
        run("docs/clients.md", ["python3", "tools/clients_table.py", str(results)],
            lambda t, c: (0, c != 0), 60)


def test_asan(behind=()):
    if build("asan", *TARGETS["asan"](), behind=behind):
        run_binaries("asan", behind=behind)


def stage_asan(_):
    if "asan" in BEHIND:
        BEHIND.pop("asan").result()
    else:
        test_asan()


def stage_tsan(args):
    if "tsan" in BEHIND:
        BEHIND.pop("tsan").result()
    if not build("tsan", *TARGETS["tsan"]()):
        return
    run_binaries("tsan", THREADED)
    run_pytest("tsan daemon", THREADED_CLIENTS, args, 600,
               {**SANITIZER_ENV, "FOREBAY_BIN": str(ROOT / "build/tsan/forebay")})


def stage_repeat(_):
    """Tests that start threads, many times over, so many at once that every core is overloaded."""
    if not build("release", *[f"{name}_test" for name in THREADED]):
        return
    def repeat(job):
        binary, shard = job
        tests = THREADED[binary.name.removesuffix("_test")]
        run(f"repeat {binary.name} {shard}",
            [str(binary), "--gtest_brief=1", f"--gtest_filter={tests}",
             f"--gtest_repeat={REPEATS // REPEATS_AT_ONCE}"],
            gtest, 7200, cwd=ROOT / "build" / "release")
    jobs = [(b, n) for b in test_binaries("release", THREADED) for n in range(REPEATS_AT_ONCE)]
    with concurrent.futures.ThreadPoolExecutor(REPEATS_AT_ONCE) as pool:
        list(pool.map(repeat, jobs))


def stage_headers(_):
    run("headers compile alone", ["scripts/build.sh", "headers"], whole, 3600)


def stage_lint(args):
    """clang-tidy on what has changed; on everything with --all."""
    if run("configure", ["cmake", "--preset", "release"], lambda t, c: (0, c != 0), 300):
        what = ["--all"] if args.all else ["--seconds", str(LINT_SECONDS)]
        run("lint", ["python3", "tools/lint.py", *what], whole, 7200)
        # What was not looked at is told here, and named in the log.
        print("    ", (LOGS / "lint.log").read_text().splitlines()[-1], flush=True)


def fuzz(fuzzer):
    """What it finds new stays in build/logs/corpus; it starts from there and from the corpus
    beside its source."""
    found = LOGS / "corpus" / fuzzer.name
    found.mkdir(parents=True, exist_ok=True)
    room, stem = fuzzer.name.split("_", 1)
    seeds = map(str, (ROOT / "src" / room).rglob(f"{stem}.corpus"))
    run(f"fuzz {fuzzer.name}",
        [str(fuzzer), str(found), *seeds, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10",
         f"-artifact_prefix={LOGS}/{fuzzer.name}-"], whole, FUZZ_SECONDS * 4, SANITIZER_ENV)


def stage_fuzz(_):
    if build("fuzz"):
        fuzzers = sorted((ROOT / "build" / "fuzz").glob("*_fuzz"))
        with concurrent.futures.ThreadPoolExecutor(FUZZERS_AT_ONCE) as pool:
            list(pool.map(fuzz, fuzzers))


def stage_package(_):
    run("package", ["scripts/fresh.sh", "--package"], whole, 3600)


def stage_bench(_):
    if not build("release", "forebay", "bench/all"):
        return
    run("bench", ["python3", "bench/run.py", "--json", str(LOGS / "bench.json")], whole, 3600)
    run("bench memory", ["python3", "bench/memory.py"], whole, 1800)


STAGES = {"tidy": stage_tidy, "lint": stage_lint, "release": stage_release,
          "clients": stage_clients, "asan": stage_asan, "tsan": stage_tsan}
SLOW = {"headers": stage_headers, "package": stage_package, "repeat": stage_repeat,
        "fuzz": stage_fuzz, "bench": stage_bench}


def main():
    parser = argparse.ArgumentParser(prog="./test", description=__doc__)
    parser.add_argument("stage", nargs="*", help="only these stages")
    parser.add_argument("--all", action="store_true", help="the slow stages and full sizes too")
    parser.add_argument("--list", action="store_true", help="name the stages and end")
    parser.add_argument("--fail-fast", action="store_true", help="end a stage at its first failure")
    args = parser.parse_args()
    stages = {**STAGES, **SLOW}
    if args.list:
        print("stages:", *STAGES, "| with --all:", *SLOW)
        return 0
    names = args.stage or [*STAGES, *(SLOW if args.all else {})]
    unknown = [name for name in names if name not in stages]
    if unknown:
        parser.error(f"no such stage: {' '.join(unknown)} (see --list)")
    started = time.monotonic()
    for at, name in enumerate(names):
        args.later = names[at + 1:]
        stages[name](args)
    for failure in TALLY.named:
        print(f"failed: {failure}")
    print(f"took {(time.monotonic() - started) / 60:.1f} minutes")
    print(f"{TALLY.passed} passed, {TALLY.failed} failed", flush=True)
    return 0 if TALLY.failed == 0 and TALLY.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
