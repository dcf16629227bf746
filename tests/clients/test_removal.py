"""`forebay rm -r --job`: many objects are deleted by the daemon itself, also across kill -9."""

import contextlib
import json
import re

import pytest
from lib import daemon, proc
from lib.stand import Stand, parallel

pytestmark = pytest.mark.daemon


@pytest.fixture
def forebay():
    """A daemon with a native bucket."""
    with daemon.Forebay() as running:
        running.cli("bucket", "create", "bkt", "--native")
        yield running


def fill(s3, prefix, count):
    """So many small objects."""

    def put(part):
        for n in range(part, count, 8):
            s3.put_object(Bucket="bkt", Key=f"{prefix}{n:05}", Body=b"x" * 10)

    parallel(8, put)


def keys(s3):
    """All keys of the bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bkt")
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def job(forebay, identity):
    """What is told of a job."""
    return json.loads(forebay.cli("job", "show", identity, "--json"))


def test_a_prefix_goes_and_the_rest_stays(forebay):
    """Looked on at, with numbers; then one that has nothing to do."""
    s3 = forebay.target().boto3()
    fill(s3, "gone/", 1100)
    fill(s3, "kept/", 3)
    out = forebay.cli("rm", "-r", "--job", "--wait", "bkt/gone/")
    assert "1100 of 1100 objects" in out
    assert keys(s3) == [f"kept/{n:05}" for n in range(3)]
    told = forebay.cli("rm", "-r", "--job", "--wait", "bkt/gone/")
    assert "nothing found under bkt/gone/" in told


def test_it_goes_on_after_kill_9(forebay):
    """Killed on its way, the daemon finishes what was ordered, and no answer was untrue."""
    s3 = forebay.target().boto3()
    fill(s3, "k", 3000)
    out = forebay.cli("rm", "-r", "--job", "bkt")
    identity = re.match(r"job ([0-9a-f]{16}) removes bkt\n", out)[1]
    proc.wait_until("some are gone", lambda: job(forebay, identity)["objects"] > 0, 20)
    forebay.kill()
    forebay.start()
    proc.wait_until("it is done", lambda: job(forebay, identity)["state"] == "done", 60)
    assert keys(forebay.target().boto3()) == []
    assert job(forebay, identity)["work"] == "removal"


def test_versions_stay_behind_markers(forebay):
    """A removal deletes no version."""
    s3 = forebay.target().boto3()
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    fill(s3, "k", 5)
    forebay.cli("rm", "-r", "--job", "--wait", "bkt/k")
    assert keys(s3) == []
    listed = s3.list_object_versions(Bucket="bkt")
    assert len(listed["Versions"]) == len(listed["DeleteMarkers"]) == 5


def test_a_bucket_at_another_store(servers):
    """What was cached is not served any more, and the store has lost it."""
    with contextlib.ExitStack() as stack:
        s = Stand(stack, servers.origin("seaweedfs"))
        origin = s.origin.s3()
        for n in range(30):
            origin.put_object(Bucket=s.bucket, Key=f"a/{n}", Body=b"x" * 100)
        s3 = s.forebay.target().boto3()
        assert s3.get_object(Bucket="bkt", Key="a/7")["Body"].read() == b"x" * 100
        assert "30 of 30 objects" in s.forebay.cli("rm", "-r", "--job", "--wait", "bkt/a/")
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket="bkt", Key="a/7")
        assert "Contents" not in origin.list_objects_v2(Bucket=s.bucket)
