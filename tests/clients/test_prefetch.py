"""`forebay prefetch` and `forebay job`: a bucket is fetched before it is read, also across
kill -9.
"""

import contextlib
import json
import re
import subprocess
import time

import pytest
from lib import daemon, faultproxy, proc
from lib.stand import Stand

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024


@pytest.fixture
def stand(servers):
    """Makes stands over the session's SeaweedFS and ends their daemons after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: Stand(stack, servers.origin("seaweedfs"), **options)


def fill(s, prefix, count, size):
    """Objects of that size in the origin; returns their bytes by key."""
    bodies = {f"{prefix}{n:04}": bytes([n % 251]) * size for n in range(count)}
    client = s.origin.s3()
    for key, body in bodies.items():
        client.put_object(Bucket=s.bucket, Key=key, Body=body)
    s.proxy.clear()
    return bodies


def cli(s, *argv):
    """Exit code, output and errors of the command line."""
    env = s.forebay.env | {"FOREBAY_ADMIN": s.forebay.admin_address,
                           "FOREBAY_S3": s.forebay.s3_address}
    done = proc.run([daemon.binary(), *argv], env=env, check=False, seconds=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def job(s, identity):
    """What the admin API tells of a job."""
    code, out, err = cli(s, "job", "show", identity, "--json")
    assert code == 0, err
    return json.loads(out)


def begin(s, path):
    """Begins a prefetch and returns its id."""
    code, out, err = cli(s, "prefetch", path)
    assert code == 0, err
    return re.match(r"job ([0-9a-f]{16}) fetches ", out)[1]


def test_a_prefix_is_here_before_it_is_read(stand):
    """Each byte once from the origin, then none; the command waits, and tells of the end."""
    s = stand()
    bodies = fill(s, "img/", 60, 150_000)
    others = fill(s, "other/", 3, 1000)
    code, out, err = cli(s, "prefetch", "s3://bkt/img/", "--wait")
    assert code == 0, err
    assert out.startswith("60 of 60 objects, 8.6 MiB of 8.6 MiB"), out
    assert 60 * 150_000 <= s.settle() < 61 * 150_000, "the list is in it"
    for key, body in bodies.items():
        answer = s.get(key)
        assert answer.body == body and answer.headers["x-cache"] == "hit", key
    assert s.settle() == 0
    assert s.get(next(iter(others))).headers["x-cache"] == "miss"
    code, out, err = cli(s, "prefetch", "bkt", "--wait")
    assert code == 0 and out.startswith("63 of 63 objects") and "61 had been here before" in out


def test_nothing_to_fetch(stand):
    """An empty bucket, a prefix of none; a native bucket and one that is not there are refused."""
    s = stand()
    for path, where in (("bkt", "in bkt"), ("bkt/none", "under bkt/none")):
        code, out, err = cli(s, "prefetch", path, "--wait")
        assert (code, out) == (0, f"nothing found {where}\n"), err
    s.forebay.create_native("native")
    code, _, err = cli(s, "prefetch", "native")
    assert code == 1 and "a native bucket has nothing to fetch" in err
    code, _, err = cli(s, "prefetch", "bkd")
    assert code == 1 and "did you mean bkt?" in err


def test_it_lives_through_kill_9(stand):
    """Killed in the middle, it goes on where it was: most of what had come is not fetched again."""
    s = stand()
    bodies = fill(s, "k", 200, 200_000)
    s.proxy.rate = 6e6
    identity = begin(s, "bkt")
    proc.wait_until("a part has come", lambda: job(s, identity)["objects"] >= 60, 60)
    s.forebay.kill()
    s.forebay.start()
    assert job(s, identity)["state"] in ("waiting", "running")
    s.proxy.rate = None
    proc.wait_until("it is done", lambda: job(s, identity)["state"] == "done", 60)
    told = job(s, identity)
    assert (told["objects"], told["bytes"], told["objects_failed"]) == (200, 40_000_000, 0)
    fetched = sum(e.body for e in s.proxy.seen("GET") if "list-type" not in e.path)
    assert 40_000_000 <= fetched < 60_000_000
    s.settle()
    assert all(s.get(key).body == body for key, body in bodies.items())
    assert s.settle() == 0


def test_it_stops_when_the_cache_is_full(stand):
    """A cache smaller than the data: it says so, and has evicted nothing of what it brought."""
    s = stand(flags=["--cache-size", "64MiB"])
    fill(s, "k", 100, MIB)
    code, out, err = cli(s, "prefetch", "bkt", "--wait")
    assert code == 1 and "the cache is full" in err, (out, err)
    (told,) = json.loads(cli(s, "job", "ls", "--json")[1])
    assert told["state"] == "failed" and 40 <= told["objects"] < 64
    assert s.forebay.metric("forebay_evictions_total") == 0
    s.settle()
    for number in range(told["objects"]):
        assert s.get(f"k{number:04}").headers["x-cache"] == "hit", number
    assert s.settle() == 0


def test_on_several_disks_it_stops_in_time_too(stand, tmp_path):
    """A disk that is drawn more often is full first; nothing of it is pushed out."""
    folders = [tmp_path / f"disk{n}" for n in range(3)]
    for folder in folders:
        folder.mkdir()
    flags = [word for folder in folders for word in ("--disk", str(folder))]
    s = stand(flags=["--cache-size", "64MiB", *flags])
    fill(s, "k", 160, MIB)
    code, out, err = cli(s, "prefetch", "bkt", "--wait")
    assert code == 1 and "the cache is full" in err, (out, err)
    (told,) = json.loads(cli(s, "job", "ls", "--json")[1])
    assert told["objects"] >= 64
    s.settle()
    assert s.forebay.metric("forebay_evictions_total") == 0
    for number in range(told["objects"]):
        assert s.get(f"k{number:04}").headers["x-cache"] == "hit", number
    assert s.settle() == 0


def test_an_origin_that_is_away_is_waited_for(stand):
    """Killed in the middle, and the origin's list fails after the restart: it waits and says so."""
    s = stand()
    fill(s, "k", 100, 200_000)
    s.proxy.rate = 6e6
    identity = begin(s, "bkt")
    proc.wait_until("a part has come", lambda: job(s, identity)["objects"] >= 20, 60)
    s.forebay.kill()
    away = faultproxy.Fault(status=503)
    s.proxy.fault = lambda e: away if "list-type" in e.path else None
    s.forebay.start()
    proc.wait_until("it waits", lambda: job(s, identity)["trouble"], 20)
    time.sleep(8)
    told = job(s, identity)
    assert told["state"] == "running" and "list" in told["trouble"], told
    assert "waits: " in cli(s, "job", "show", identity)[1]
    s.proxy.fault = s.proxy.rate = None
    proc.wait_until("it is done", lambda: job(s, identity)["state"] == "done", 60)
    told = job(s, identity)
    assert (told["objects"], told["trouble"]) == (100, "")


def test_who_leaves_leaves_it_running_and_it_is_cancelled(stand):
    """Ctrl-C ends the command, not the job; the status tells of it; a cancel ends it."""
    s = stand()
    fill(s, "k", 50, 500_000)
    s.proxy.rate = 2e6
    env = s.forebay.env | {"FOREBAY_ADMIN": s.forebay.admin_address}
    argv = [daemon.binary(), "prefetch", "bkt", "--wait"]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        def running():
            jobs = json.loads(cli(s, "job", "ls", "--json")[1])
            return jobs and jobs[0]["state"] == "running" and jobs[0]

        identity = proc.wait_until("it runs", running, 20)["id"]
        command.send_signal(2)
        _, err = command.communicate(timeout=20)
    assert command.returncode == 1 and f"job {identity} is left to go on" in err.decode()
    assert f"forebay job cancel {identity}" in err.decode()
    status = cli(s, "status")[1]
    told = rf"^jobs over objects:\n  {identity}: running, prefetch of bkt, "
    assert re.search(told, status, re.M), status
    assert cli(s, "job", "cancel", identity)[0] == 0
    assert job(s, identity)["state"] == "cancelled"
    s.proxy.rate = None
    s.settle()
    assert s.forebay.metric("forebay_cache_units") < 50
    code, _, err = cli(s, "job", "cancel", identity)
    assert code == 1 and "has ended already" in err


def test_what_fails_is_told(stand):
    """Exit 1, and the first keys with their reasons; the others are here."""
    s = stand()
    fill(s, "k", 20, 100_000)
    denied = faultproxy.Fault(status=403)
    s.proxy.fault = lambda e: denied if e.path.split("?")[0].endswith("k0007") else None
    code, _, err = cli(s, "prefetch", "bkt", "--wait")
    assert code == 1 and "could not fetch 1 object" in err and "k0007: " in err, err
    s.proxy.fault = None
    s.settle()
    assert s.get("k0008").headers["x-cache"] == "hit"

