#!/usr/bin/env python3
"""What do many cached objects cost? Reads N objects of 4 KiB from an `immutable` bucket cold,
again, and again after a restart; prints questions to the origin, server CPU per GET, memory per
object and the time of the restart, and each pass as a ratio to the same of the smallest N.

A warm pass reads in another order than the objects were fetched in, every object at least once.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import urllib.request

from lib.client import run_load
from lib.memory import anonymous_rss, mib
from lib.servers import BUCKET, SMALL, Setup, start_forebay, with_origin

# Requests of one run of loadgen, which signs them all before it begins.
AT_ONCE = 50_000
# Below this many a pass repeats itself: it would be over before it can be measured.
LEAST = 50_000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, action="append",
                        help="how many; may be repeated [1000 100000]")
    parser.add_argument("--million", action="store_true", help="1000000 too: takes ten minutes")
    parser.add_argument("--memory", default="1GiB", help="the daemon's budget")
    parser.add_argument("--freshness", default="immutable")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--forebay", help="another daemon than the build's")
    parser.add_argument("--work", help="folder for what is written, on the file system in question")
    parser.add_argument("--json", help="file for all figures")
    parser.add_argument("--nice", type=int, default=0)
    args = parser.parse_args()
    args.objects = sorted(args.objects or [1_000, 100_000])
    if args.million:
        args.objects.append(1_000_000)
    return args


def counter(daemon, name):
    """The sum of a metric over its labels."""
    with urllib.request.urlopen(f"http://{daemon.admin}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith((name + " ", name + "{")))


def one_pass(setup, daemon, origin, keys, connections, settle):
    """Reads the keys once, or all of them as often as it takes; figures per request."""
    asked = counter(daemon, "forebay_origin_requests_total")
    cpu = requests = 0
    rounds = max(1, LEAST // len(keys))
    for begin in range(0, len(keys), AT_ONCE):
        some = keys[begin:begin + AT_ONCE]
        last = begin + AT_ONCE >= len(keys)
        result = run_load(setup, daemon, some, settle=settle if last else 0, discard=False,
                          requests=len(some) * rounds, connections=connections,
                          expect_length=SMALL, timeout=600)
        cpu += result["server_cpu"]
        requests += len(some) * rounds
    return {"us_per_get": 1e6 * cpu / requests, "requests": requests,
            "origin_requests": counter(daemon, "forebay_origin_requests_total") - asked}


def measure(setup, origin, count, args):
    data = setup.folder(f"data-{count}")
    keys = [f"/{BUCKET}/small/of-{count}/{number // 1000:06d}/{number:09d}.jpg"
            for number in range(count)]
    mixed = keys[:]
    random.Random(count).shuffle(mixed)
    out = {"objects": count}
    # Units go to the disk, and their index, a while after the last answer.
    daemon = start_forebay(setup, origin, data, args.freshness, args.memory)
    try:
        before = anonymous_rss(daemon)
        first = one_pass(setup, daemon, origin, keys[:count], args.connections, settle=5)
        out["cold"] = first
        out["warm"] = one_pass(setup, daemon, origin, mixed, args.connections, settle=0)
        out["rss_per_object"] = (anonymous_rss(daemon) - before) / count
        out["heads_bytes"] = counter(daemon, "forebay_heads_bytes")
        out["heads"] = counter(daemon, "forebay_heads")
    finally:
        daemon.stop(timeout=120)
    begun = time.monotonic()
    daemon = start_forebay(setup, origin, data, args.freshness, args.memory, register=False)
    try:
        out["start_seconds"] = time.monotonic() - begun
        out["restarted"] = one_pass(setup, daemon, origin, mixed, args.connections, settle=0)
        out["again"] = one_pass(setup, daemon, origin, mixed, args.connections, settle=0)
        out["rows_believed"] = counter(daemon, "forebay_head_rows_believed_total")
    finally:
        daemon.stop(timeout=120)
    shutil.rmtree(data, ignore_errors=True)
    return out


def show(result, least):
    print(f"\n{result['objects']} objects: start {result['start_seconds']:.1f} s,"
          f" {result['rss_per_object']:.0f} bytes of memory each,"
          f" {result['heads']:.0f} heads in {mib(result['heads_bytes'])},"
          f" {result['rows_believed']:.0f} rows believed after the restart")
    for name in ("cold", "warm", "restarted", "again"):
        one = result[name]
        ratio = one["us_per_get"] / least[name]["us_per_get"]
        print(f"  {name:10} {one['us_per_get']:7.1f} us per GET, {ratio:5.2f} of the least;"
              f" {one['origin_requests']:.0f} origin requests for {one['requests']} GETs")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that servers are stopped
    args = parse_arguments()
    work = tempfile.mkdtemp(prefix="forebay-many-", dir=args.work)
    setup = Setup(os.path.abspath(args.build), work, nice=args.nice, forebay=args.forebay)
    results = []

    def measure_all(origin):
        for count in args.objects:
            results.append(measure(setup, origin, count, args))
            show(results[-1], results[0])

    if not with_origin(setup, measure_all):
        return 2
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)
    warm = sum(result[name]["origin_requests"] for result in results
               for name in ("warm", "restarted", "again"))
    return 0 if args.freshness != "immutable" or warm == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
