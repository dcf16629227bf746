#!/usr/bin/env python3
"""Memory under slow readers: does the daemon stay inside its budget?

2,000 readers take 16 shared objects of 16 MiB at a trickle, first from the cache, then with a
fresh daemon that must fetch them. RssAnon of the daemon plus the kernel's memory for its TCP
sockets is sampled twice a second; its peak may be the budget + 10 %. Every reader must get on.
Exits 0 if it holds, 1 if not, 2 if it could not be measured.
"""

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time

from lib.client import Load, run_load
from lib.memory import anonymous_rss, mib, socket_memory
from lib.servers import (BUCKET, LARGE, Setup, start_forebay, start_nginx_cache, with_origin)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
ALLOWANCE = 1.10
STARVED = 0.25  # a reader that got less than this part of its rate is not being served


def size(text):
    match = re.fullmatch(r"(\d+)(|KiB|MiB|GiB)", text)
    if not match:
        raise argparse.ArgumentTypeError("a size is digits and KiB, MiB or GiB")
    return int(match[1]) * UNITS[match[2]]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--forebay", help="the daemon; default: in --build")
    parser.add_argument("--memory", default="256MiB", help="the daemon's budget")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--readers", type=int, default=2000)
    parser.add_argument("--objects", type=int, default=16)
    parser.add_argument("--rate", type=size, default="32KiB", help="per second and reader")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--freshness", default="ttl:3600s")
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--work", default="/var/tmp")
    parser.add_argument("--phase", choices=("warm", "cold"), action="append")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--self-check", action="store_true",
                        help="measure nginx proxy_cache instead: does the method work?")
    args = parser.parse_args()
    size(args.memory)
    args.phase = args.phase or ["warm", "cold"]
    return args


def start(setup, origin, data, args):
    if args.self_check:
        return start_nginx_cache(setup, origin, data)
    return start_forebay(setup, origin, data, args.freshness, args.memory, args.threads)


def descriptor_limit(process):
    with open(f"/proc/{process.pids()[-1]}/limits") as limits:
        return next(int(line.split()[3]) for line in limits if line.startswith("Max open files"))


def sample(daemon, origin, begun):
    sockets, count = socket_memory(daemon.port, origin.port)
    rss = anonymous_rss(daemon)
    return {"at": round(time.monotonic() - begun, 2), "rss_anon": rss, "tcp": sockets,
            "sockets": count, "total": rss + sockets}


def observe(setup, daemon, origin, keys, args):
    """The samples of one phase and what the readers got."""
    begun = time.monotonic()
    samples = [sample(daemon, origin, begun)]
    load = Load(setup, daemon, keys, connections=args.readers, duration=args.seconds,
                expect_length=LARGE, rate=args.rate, rcvbuf=64 << 10, discard=True,
                timeout=args.seconds + 60)
    load.go()
    while load.popen.poll() is None:
        samples.append(sample(daemon, origin, begun))
        time.sleep(0.5)
    return samples, load.result()


def phase(name, setup, origin, args):
    data = os.path.join(setup.work, "data-" + name)
    keys = [f"/{BUCKET}/large/{name}/{number:06d}" for number in range(args.objects)]
    daemon = start(setup, origin, data, args)
    try:
        limit = descriptor_limit(daemon)
        if name == "warm":
            run_load(setup, daemon, keys, settle=1.0, requests=len(keys), connections=4,
                     verify=os.path.join(origin.files, "large"))
        samples, readers = observe(setup, daemon, origin, keys, args)
    finally:
        daemon.stop()
    peak = max(samples, key=lambda each: each["total"])
    due = args.rate * args.seconds
    complaints = []
    if peak["total"] > ALLOWANCE * size(args.memory):
        complaints.append("over the budget")
    if readers["errors"]:
        complaints.append(f"{readers['errors']} errors, first: {readers['error_samples'][:1]}")
    if readers["connection_bytes"]["min"] < STARVED * due:
        complaints.append("a reader starved")
    return {"phase": name, "peak": peak, "before": samples[0], "samples": samples,
            "readers": readers, "due_bytes": due, "descriptor_limit": limit,
            "complaints": complaints, "met": not complaints}


def show(result, args):
    peak, got = result["peak"], result["readers"]["connection_bytes"]
    print(f"{result['phase']}: {'met' if result['met'] else 'NOT MET'}"
          f" {'; '.join(result['complaints'])}")
    print(f"  peak {mib(peak['total'])} = RssAnon {mib(peak['rss_anon'])} + TCP {mib(peak['tcp'])}"
          f" on {peak['sockets']} sockets, at {peak['at']:.1f} s;"
          f" limit {mib(ALLOWANCE * size(args.memory))}")
    print(f"  highest RssAnon {mib(max(s['rss_anon'] for s in result['samples']))},"
          f" highest TCP {mib(max(s['tcp'] for s in result['samples']))};"
          f" before the readers {mib(result['before']['total'])};"
          f" {len(result['samples'])} samples")
    print(f"  each reader got {mib(got['min'])} at least, {mib(got['median'])} in the median,"
          f" of {mib(result['due_bytes'])}; X-Cache {result['readers']['x_cache']};"
          f" descriptor limit {result['descriptor_limit']}")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that servers are stopped
    args = parse_arguments()
    work = tempfile.mkdtemp(prefix="forebay-memory-", dir=args.work)
    setup = Setup(os.path.abspath(args.build), work, server_cpu=0, client_cpu=args.client_cpu,
                  forebay=args.forebay)
    print(f"{args.readers} readers at {args.rate >> 10} KiB/s, {args.objects} objects of"
          f" {mib(LARGE)}, budget {args.memory} + 10 %")
    results = []

    def phases(origin):
        for name in args.phase:
            results.append(phase(name, setup, origin, args))
            show(results[-1], args)

    if not with_origin(setup, phases):
        return 2
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)
    return 0 if all(result["met"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
