"""Versions as stock clients list, read and delete them: passed through to an origin that keeps
them, one of each object elsewhere.
"""

import json
import secrets

import boto3
import pytest
from lib import clients
from test_copy import read, refused

KINDS = ["seaweedfs", "radosgw"]


@pytest.fixture(scope="module", params=KINDS)
def kept(request, servers):
    """A target and a bucket of it that keeps versions, switched on through Forebay."""
    target = servers.target(request.param, "http")
    bucket = target.new_bucket("kept")
    s3 = target.boto3()
    assert s3.get_bucket_versioning(Bucket=bucket).get("Status") is None
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    return target, bucket


def fresh():
    """A key that no other test uses."""
    return f"dir/{secrets.token_hex(4)}"


def listed(s3, bucket, key):
    """The ids of a key's versions and of its delete markers, newest first."""
    page = s3.list_object_versions(Bucket=bucket, Prefix=key)
    return (
        [v["VersionId"] for v in page.get("Versions", [])],
        [m["VersionId"] for m in page.get("DeleteMarkers", [])],
    )


def object_versions(target, bucket):
    """What boto3 makes of all versions in a bucket."""
    resource = boto3.resource(
        "s3",
        endpoint_url=target.endpoint,
        aws_access_key_id=target.access_key,
        aws_secret_access_key=target.secret_key,
        region_name=clients.REGION,
        verify=str(target.ca) if target.ca else True,
        config=target.boto3().meta.config,
    )
    return resource.Bucket(bucket).object_versions


def test_read_and_deleted_by_id(kept):
    """Each read gives the version it names; deletes uncover what was before, at once."""
    target, bucket = kept
    s3, key = target.boto3(), fresh()
    ids = [s3.put_object(Bucket=bucket, Key=key, Body=b"%d" % i)["VersionId"] for i in range(3)]
    assert len(set(ids)) == 3
    assert read(s3, bucket, key) == b"2"
    assert listed(s3, bucket, key) == (ids[::-1], [])
    for i, version in enumerate(ids):
        got = s3.get_object(Bucket=bucket, Key=key, VersionId=version)
        assert (got["Body"].read(), got["VersionId"]) == (b"%d" % i, version)
        assert got["ResponseMetadata"]["HTTPHeaders"]["x-cache"] == "bypass"
        assert s3.head_object(Bucket=bucket, Key=key, VersionId=version)["ContentLength"] == 1
    s3.delete_object(Bucket=bucket, Key=key, VersionId=ids[2])
    assert read(s3, bucket, key) == b"1"
    marker = s3.delete_object(Bucket=bucket, Key=key)
    assert marker["DeleteMarker"]
    assert listed(s3, bucket, key) == ([ids[1], ids[0]], [marker["VersionId"]])
    refused(lambda: read(s3, bucket, key), "NoSuchKey")
    named = {"Bucket": bucket, "Key": key, "VersionId": marker["VersionId"]}
    # S3 says 405; neither of these servers tells a marker from nothing.
    refused(lambda: s3.get_object(**named), "NoSuchVersion")
    refused(lambda: s3.head_object(**named), "404")
    s3.delete_object(**named)
    assert read(s3, bucket, key) == b"1"
    refused(lambda: s3.get_object(Bucket=bucket, Key=key, VersionId=ids[2]), "NoSuchVersion")
    s3.copy_object(
        Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key, "VersionId": ids[0]}
    )
    assert read(s3, bucket, key) == b"0"


def test_all_deleted(kept):
    """boto3's way to empty a bucket: every version and marker by DeleteObjects."""
    target, bucket = kept
    s3 = target.boto3()
    for i in range(7):
        s3.put_object(Bucket=bucket, Key=f"all/{i % 3}", Body=b"%d" % i)
    s3.delete_object(Bucket=bucket, Key="all/1")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="all/", PaginationConfig={"PageSize": 2}
    )
    found = [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for page in pages
        for one in page.get("Versions", []) + page.get("DeleteMarkers", [])
    ]
    assert len(found) == 8
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": found})
    assert not done.get("Errors") and len(done["Deleted"]) == 8
    assert listed(s3, bucket, "all/") == ([], [])
    for i in range(5):
        s3.put_object(Bucket=bucket, Key=f"all/{i % 2}", Body=b"%d" % i)
    s3.delete_object(Bucket=bucket, Key="all/0")
    object_versions(target, bucket).filter(Prefix="all/").delete()
    assert listed(s3, bucket, "all/") == ([], [])


def test_versions_left_keep_a_bucket(kept):
    """A bucket without objects is not empty while there are versions of any."""
    target, _ = kept
    s3, bucket = target.boto3(), target.new_bucket("left")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    refused(lambda: s3.delete_bucket(Bucket=bucket), "BucketNotEmpty")
    object_versions(target, bucket).delete()
    s3.delete_bucket(Bucket=bucket)


def test_where_none_are_kept(target):
    """Each object is one version, null; it is read, deleted and listed as such."""
    s3, bucket = target.boto3(), target.new_bucket("plain")
    for key in ("a", "b/1", "b/2", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    page = s3.list_object_versions(Bucket=bucket)
    assert sorted((v["Key"], v["VersionId"], v["IsLatest"]) for v in page["Versions"]) == [
        (key, "null", True) for key in ("a", "b/1", "b/2", "c")
    ]
    rolled = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in rolled["CommonPrefixes"]] == ["b/"]
    got = s3.get_object(Bucket=bucket, Key="a", VersionId="null")
    assert got["Body"].read() == b"a"
    for name, code in (("v" * 32, "NoSuchVersion"), ("1", "InvalidArgument")):
        refused(lambda name=name: s3.get_object(Bucket=bucket, Key="a", VersionId=name), code)
    refused(
        lambda: s3.delete_object(Bucket=bucket, Key="a", VersionId="1"), "InvalidArgument"
    )
    empty = target.call("DELETE", f"/{bucket}/a", query=[("versionId", "")])
    assert (empty.status, empty.code()) == (400, "InvalidArgument")
    assert read(s3, bucket, "a") == b"a"
    s3.delete_object(Bucket=bucket, Key="a", VersionId="null")
    refused(lambda: read(s3, bucket, "a"), "NoSuchKey")
    done = object_versions(target, bucket).delete()
    assert len(done[0]["Deleted"]) == 3
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_aws_cli_lists(target):
    """`aws s3api list-object-versions`."""
    bucket = target.new_bucket("cli")
    target.boto3().put_object(Bucket=bucket, Key="k", Body=b"x")
    cli = clients.AwsCli(target)
    try:
        told = json.loads(cli.aws("s3api", "list-object-versions", "--bucket", bucket))
        assert [(v["Key"], v["VersionId"]) for v in told["Versions"]] == [("k", "null")]
    finally:
        cli.close()
