"""Deletes on a condition, as boto3 sends them: what is held to, and that an origin
which would not hold to it is never asked.
"""

import threading

import pytest
from lib import daemon
from test_copy import read, refused

pytestmark = pytest.mark.daemon


@pytest.fixture(scope="module")
def bucket(target):
    """One bucket for all tests of a target."""
    return target.new_bucket("conditions")


def heeds(target):
    """Whether the origin behind it heeds If-Match of a delete; radosgw 16 does not look at it."""
    return not target.label.startswith("radosgw-")


def nothing(target):
    """What is said of a condition where nothing is; SeaweedFS says 412."""
    return "PreconditionFailed" if target.label.startswith("seaweedfs-") else "NoSuchKey"


def there(s3, bucket, prefix):
    """The keys that a list shows."""
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


def test_one(target, bucket):
    """An ETag or "*" of DeleteObject."""
    s3 = target.boto3()
    one = {"Bucket": bucket, "Key": "one/k"}
    old = s3.put_object(**one, Body=b"old")["ETag"]
    new = s3.put_object(**one, Body=b"new")["ETag"]
    if not heeds(target):
        for etag in (old, new, "*"):
            refused(lambda etag=etag: s3.delete_object(**one, IfMatch=etag), "NotImplemented")
        assert read(s3, bucket, "one/k") == b"new"
        assert there(s3, bucket, "") == ["one/k"], "nothing is left of the look"
        return
    assert read(s3, bucket, "one/k") == b"new"
    for etag in (old, '"0"', "0"):
        refused(lambda etag=etag: s3.delete_object(**one, IfMatch=etag), "PreconditionFailed")
    assert read(s3, bucket, "one/k") == b"new"
    s3.delete_object(**one, IfMatch=new)
    refused(lambda: read(s3, bucket, "one/k"), "NoSuchKey")
    for etag in (new, "*"):
        refused(lambda etag=etag: s3.delete_object(**one, IfMatch=etag), nothing(target))
    s3.delete_object(**one)
    s3.put_object(**one, Body=b"again")
    s3.delete_object(**one, IfMatch="*")
    assert there(s3, bucket, "one/") == []


def test_what_only_directory_buckets_have(target, bucket):
    """Size and time of DeleteObject and of DeleteObjects are refused, and all stays."""
    s3 = target.boto3()
    one = {"Bucket": bucket, "Key": "size/k"}
    s3.put_object(**one, Body=b"12345")
    modified = s3.head_object(**one)["LastModified"]
    refused(lambda: s3.delete_object(**one, IfMatchSize=5), "NotImplemented")
    refused(lambda: s3.delete_object(**one, IfMatchLastModifiedTime=modified), "NotImplemented")
    for condition in ({"Size": 5}, {"LastModifiedTime": modified}):
        objects = [{"Key": "size/k", **condition}]
        refused(
            lambda objects=objects: s3.delete_objects(Bucket=bucket, Delete={"Objects": objects}),
            "NotImplemented",
        )
    assert read(s3, bucket, "size/k") == b"12345"


def test_many(target, bucket):
    """Each entry of DeleteObjects has its own condition and its own answer."""
    s3 = target.boto3()
    etags = {
        k: s3.put_object(Bucket=bucket, Key=f"many/{k}", Body=k.encode())["ETag"] for k in "abcd"
    }
    wanted = [
        {"Key": "many/a", "ETag": etags["a"]},
        {"Key": "many/b", "ETag": etags["a"]},
        {"Key": "many/c", "ETag": "*"},
        {"Key": "many/none", "ETag": "*"},
        {"Key": "many/none-too"},
    ]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    errors = {one["Key"]: one["Code"] for one in done.get("Errors", [])}
    deleted = sorted(one["Key"] for one in done.get("Deleted", []))
    if not heeds(target):
        assert set(errors.values()) == {"NotImplemented"} and len(errors) == 4
        assert deleted == ["many/none-too"]
        assert there(s3, bucket, "many/") == [f"many/{k}" for k in "abcd"]
        return
    assert errors == {"many/b": "PreconditionFailed", "many/none": nothing(target)}
    assert deleted == ["many/a", "many/c", "many/none-too"]
    assert there(s3, bucket, "many/") == ["many/b", "many/d"]


def test_one_of_many_wins(target, bucket):
    """Of deletes of one object on its ETag exactly one succeeds."""
    if not heeds(target):
        return
    etag = target.boto3().put_object(Bucket=bucket, Key="race", Body=b"x")["ETag"]
    answers = []

    def remove():
        """One of them, on a connection of its own."""
        s3 = target.boto3()
        try:
            s3.delete_object(Bucket=bucket, Key="race", IfMatch=etag)
            answers.append(204)
        except s3.exceptions.ClientError as error:
            answers.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    threads = [threading.Thread(target=remove) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(204) == 1 and set(answers) <= {204, 404, 412}


def test_versions():
    """Where versions are kept a condition is for the current one; with an id it is refused."""
    with daemon.Forebay() as forebay:
        forebay.create_native("kept")
        target = forebay.target()
        s3 = target.boto3()
        s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        one = {"Bucket": "kept", "Key": "k"}
        old = s3.put_object(**one, Body=b"old")
        new = s3.put_object(**one, Body=b"new")
        named = {**one, "VersionId": new["VersionId"]}
        refused(lambda: s3.delete_object(**named, IfMatch=new["ETag"]), "NotImplemented")
        refused(lambda: s3.delete_object(**one, IfMatch=old["ETag"]), "PreconditionFailed")
        assert s3.delete_object(**one, IfMatch=new["ETag"])["DeleteMarker"]
        for etag in (new["ETag"], "*"):
            refused(lambda etag=etag: s3.delete_object(**one, IfMatch=etag), "NoSuchKey")
        page = s3.list_object_versions(Bucket="kept")
        assert (len(page["Versions"]), len(page["DeleteMarkers"])) == (2, 1)
        assert s3.get_object(**named)["Body"].read() == b"new"
        s3.delete_object(**one, VersionId=page["DeleteMarkers"][0]["VersionId"])
