"""Buckets that are a prefix of a bucket at their origin."""

import time

import pytest
from lib import daemon

pytestmark = pytest.mark.daemon


class Below:
    """An origin whose bucket is the part below a prefix."""

    def __init__(self, origin, bucket):
        self.url = lambda _, endpoint: origin.url(bucket, endpoint).replace("?", "/below/this?", 1)
        self.credentials = origin.credentials


def test_the_prefix_itself_is_no_object(servers):
    """SeaweedFS keeps a folder where a prefix was tried out: it has no name below the prefix."""
    origin = servers.origin("seaweedfs")
    bucket = f"prefix-{time.time_ns()}"
    origin.make_bucket(bucket)
    with daemon.Forebay() as forebay:
        forebay.create_bucket("bkt", Below(origin, bucket))
        client = forebay.target().boto3()
        assert client.list_objects_v2(Bucket="bkt")["KeyCount"] == 0
        client.put_object(Bucket="bkt", Key="a/b", Body=b"x")
        listed = client.list_objects_v2(Bucket="bkt")["Contents"]
        assert [entry["Key"] for entry in listed] == ["a/b"]
        client.delete_object(Bucket="bkt", Key="a/b")
        client.delete_bucket(Bucket="bkt")
