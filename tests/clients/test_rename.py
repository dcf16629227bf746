"""RenameObject as boto3 sends it: to native buckets, which do it in one step, and to others, which
refuse it.
"""

import json

import pytest
from lib import daemon, proc
from test_copy import read, refused

pytestmark = pytest.mark.daemon
MIB = 1 << 20
BODY = bytes(range(256)) * (20 * MIB // 256)


@pytest.fixture(scope="module")
def forebay():
    """A daemon with a native bucket."""
    with daemon.Forebay() as made:
        made.create_native("plain")
        made.create_native("kept")
        yield made


def account(forebay):
    """What the bucket holds, once it has been counted after a start."""
    shown = {}

    def counted():
        """Whether it has."""
        shown.update(json.loads(forebay.cli("bucket", "show", "plain", "--json")))
        return "bytes" in shown

    proc.wait_until("the bucket is counted", counted, 20)
    return shown["bytes"], shown["objects"]


def keys(s3, prefix):
    """The keys of the bucket below `prefix`."""
    found = s3.list_objects_v2(Bucket="plain", Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


def rename(s3, source, target, **more):
    """Renames within the bucket."""
    return s3.rename_object(Bucket="plain", Key=target, RenameSource=source, **more)


@pytest.mark.parametrize("size", [0, 1000, len(BODY)], ids=["empty", "small", "large"])
def test_all_goes_along(forebay, size):
    """Bytes, ETag, date, type, metadata and tags; both names are right at once, also in the cache;
    the account of the bucket does not change; and all is so after kill -9.
    """
    s3 = forebay.target().boto3()
    folder = f"along-{size}/"
    s3.put_object(
        Bucket="plain",
        Key=folder + "a",
        Body=BODY[:size],
        ContentType="text/x",
        Metadata={"color": "blue"},
        Tagging="a=b",
    )
    before = s3.get_object(Bucket="plain", Key=folder + "a")
    assert before["Body"].read() == BODY[:size]
    refused(lambda: read(s3, "plain", folder + "ü b"), "NoSuchKey")
    held = account(forebay)
    rename(s3, f"{folder}a", folder + "ü b")
    assert account(forebay) == held
    for restart in (False, True):
        if restart:
            forebay.kill()
            forebay.start()
            s3 = forebay.target().boto3()
        refused(lambda s3=s3: read(s3, "plain", folder + "a"), "NoSuchKey")
        now = s3.get_object(Bucket="plain", Key=folder + "ü b")
        assert now["Body"].read() == BODY[:size]
        for told in ("ETag", "LastModified", "ContentType", "Metadata", "TagCount"):
            assert now[told] == before[told]
        assert keys(s3, folder) == [folder + "ü b"]
    s3.put_object(Bucket="plain", Key=folder + "a", Body=b"new")
    rename(s3, folder + "%C3%BC%20b", folder + "a")
    assert read(s3, "plain", folder + "a") == BODY[:size]
    assert keys(s3, folder) == [folder + "a"]


def test_an_upload_goes_along(forebay):
    """An object in parts, read part by part."""
    s3 = forebay.target().boto3()
    upload = {"Bucket": "plain", "Key": "parts/a"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = []
    for number in (1, 2):
        body = BODY[number * 6 * MIB :][: 6 * MIB]
        etag = s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    rename(s3, "parts/a", "parts/b")
    part = s3.get_object(Bucket="plain", Key="parts/b", PartNumber=2)
    assert part["Body"].read() == BODY[12 * MIB :][: 6 * MIB]
    copied = {"Bucket": "plain", "Key": "parts/c", "CopySource": "plain/parts/b"}
    s3.copy_object(**copied)
    assert read(s3, "plain", "parts/c") == BODY[6 * MIB :][: 12 * MIB]


def test_conditions(forebay):
    """Those of the source and those of the target, and that nothing happens where one fails."""
    s3 = forebay.target().boto3()
    a = s3.put_object(Bucket="plain", Key="if/a", Body=b"a")["ETag"]
    b = s3.put_object(Bucket="plain", Key="if/b", Body=b"b")["ETag"]
    date = s3.head_object(Bucket="plain", Key="if/a")["LastModified"]
    for condition in (
        {"DestinationIfNoneMatch": "*"},
        {"DestinationIfMatch": a},
        {"DestinationIfModifiedSince": date.replace(year=2199)},
        {"DestinationIfUnmodifiedSince": date.replace(year=1999)},
        {"SourceIfMatch": b},
        {"SourceIfNoneMatch": a},
        {"SourceIfNoneMatch": "*"},
        {"SourceIfModifiedSince": date.replace(year=2199)},
        {"SourceIfUnmodifiedSince": date.replace(year=1999)},
    ):
        refused(lambda c=condition: rename(s3, "if/a", "if/b", **c), "PreconditionFailed")
        assert (read(s3, "plain", "if/a"), read(s3, "plain", "if/b")) == (b"a", b"b")
    refused(lambda: rename(s3, "if/a", "if/c", DestinationIfMatch=a), "PreconditionFailed")
    rename(s3, "if/a", "if/c", DestinationIfNoneMatch="*", SourceIfMatch=a)
    rename(s3, "if/c", "if/b", DestinationIfMatch=b, SourceIfModifiedSince=date.replace(year=1999))
    assert read(s3, "plain", "if/b") == b"a"
    refused(lambda: rename(s3, "if/a", "if/b"), "NoSuchKey")
    refused(lambda: rename(s3, "if/b", "if/"), "InvalidRequest")
    refused(lambda: rename(s3, "if/b", "if/b", DestinationIfNoneMatch="*"), "PreconditionFailed")


def test_tokens(forebay):
    """A rename that is sent again changes nothing, after kill -9 neither."""
    s3 = forebay.target().boto3()
    s3.put_object(Bucket="plain", Key="token/a", Body=b"1")
    rename(s3, "token/a", "token/b", ClientToken="one")
    s3.put_object(Bucket="plain", Key="token/a", Body=b"2")
    rename(s3, "token/a", "token/b", ClientToken="one")
    refused(
        lambda: rename(s3, "token/a", "token/c", ClientToken="one"), "IdempotencyParameterMismatch"
    )
    forebay.kill()
    forebay.start()
    s3 = forebay.target().boto3()
    rename(s3, "token/a", "token/b", ClientToken="one")
    assert (read(s3, "plain", "token/a"), read(s3, "plain", "token/b")) == (b"2", b"1")
    refused(lambda: rename(s3, "token/a", "token/b", ClientToken="x" * 65), "InvalidArgument")


def test_where_it_is_not(forebay, target):
    """Buckets with versions, and those of other origins, refuse it and change nothing."""
    s3 = forebay.target().boto3()
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="kept", Key="a", Body=b"a")
    told = refused(
        lambda: s3.rename_object(Bucket="kept", Key="b", RenameSource="a"), "NotImplemented"
    )
    assert "versions" in told["Error"]["Message"]
    assert read(s3, "kept", "a") == b"a"
    if target.label.startswith("native"):
        return
    other, bucket = target.boto3(), target.new_bucket("rename")
    other.put_object(Bucket=bucket, Key="a", Body=b"a")
    refused(
        lambda: other.rename_object(Bucket=bucket, Key="b", RenameSource="a"), "NotImplemented"
    )
    assert read(other, bucket, "a") == b"a"
