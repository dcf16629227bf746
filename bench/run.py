#!/usr/bin/env python3
"""Forebay against its peers: CPU of the servers, side by side, in interleaved rounds.

Each number is a median with its spread (min-max); each ratio is the median of the ratios of the
rounds. Exits 0 if all bars are met, 1 if not, 2 if something could not be measured. Questions that
are harder than their bar asks do not decide.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from lib.arena import Arena
from lib.proc import BenchError
from lib.questions import QUESTIONS
from lib.report import summary, tables
from lib.servers import Setup

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STALL = 0.03  # seconds of p50 for 4 KiB: not work but a delayed-ACK stall


def parse_arguments():
    names = [question.name for question in QUESTIONS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--forebay", help="the daemon; default: in --build")
    parser.add_argument("--question", action="append", choices=names, help="default: all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--work", help="parent of the caches on disk (/var/tmp)")
    parser.add_argument("--freshness", default="ttl:3600s", help="of the bucket; as long as nginx")
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--client-cpu", type=int, default=1, help="of loadgen and the origin")
    parser.add_argument("--nice", type=int, default=0, help="of servers and clients")
    parser.add_argument("--self-check", action="store_true",
                        help="the peer against itself: the ratio should be 1")
    args = parser.parse_args()
    args.question = args.question or names
    if args.rounds < 1 or args.rounds > 1000:
        parser.error("--rounds is out of range")
    return args


def measure(setup, question, args):
    with Arena(setup, question, args) as arena:
        arena.check_congestion()
        arena.warm_up()
        rounds = []
        for number in range(args.rounds):
            order = [arena.subject, arena.peer]
            if number % 2:
                order.reverse()
            pair = {server: arena.load(server, f"r{number}") for server in order}
            rounds.append((pair[arena.subject], pair[arena.peer]))
            progress(f"{question.name}: round {number + 1} of {args.rounds}")
        result = summary(question, rounds)
        if question.objects == "small" and not question.lists and result["peer_p50"] > STALL:
            raise BenchError(f"{question.name}: the peer stalls, p50 {result['peer_p50']:.3f} s")
        return result


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def machine(setup):
    def first(command):
        try:
            out = subprocess.run(command, capture_output=True, text=True, timeout=10)
        except OSError:
            return "unknown"
        return (out.stdout + out.stderr).strip().splitlines()[0]

    with open("/proc/cpuinfo") as info:
        cpu = [text.split(":")[1].strip() for text in info if text.startswith("model name")]
    return {"cpu": cpu[0] if cpu else "unknown", "cores": os.cpu_count(),
            "kernel": os.uname().release, "nginx": first(["nginx", "-v"]),
            "disk": first(["stat", "-f", "-c", "%T", setup.work]),
            "load": [round(value, 2) for value in os.getloadavg()]}


def run(args):
    parent = args.work or "/var/tmp"
    work = tempfile.mkdtemp(prefix="forebay-bench-", dir=parent)
    setup = Setup(os.path.abspath(args.build), work, args.server_cpu, args.client_cpu, args.nice,
                  args.forebay)
    about = machine(setup)
    results, failures = [], {}
    try:
        for question in QUESTIONS:
            if question.name not in args.question:
                continue
            try:
                results.append(measure(setup, question, args))
            except BenchError as error:
                failures[question.name] = str(error)
            progress("")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    about["load_after"] = [round(value, 2) for value in os.getloadavg()]
    return about, results, failures


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that servers are stopped
    args = parse_arguments()
    about, results, failures = run(args)
    subject = "peer's twin" if args.self_check else "forebay"
    print(f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, {about['nginx']}, "
          f"disk {about['disk']}, load {about['load'][0]} -> {about['load_after'][0]}")
    print(f"{args.rounds} interleaved rounds, cubic on all sockets but seaweed's, median "
          "(min-max)\n")
    if results:
        print(tables(results, subject))
    for name, text in failures.items():
        print(f"\n{name}: NOT MEASURED: {text}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"machine": about, "subject": subject, "results": results,
                       "not_measured": failures}, file, indent=1)
    if failures:
        return 2
    return 0 if all(result["met"] or result["harder"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
