"""Copies and moves as stock clients make them: within a bucket and between buckets, in parts, with
    new metadata; and what may not be copied leaves everything as it was.
"""

import base64
import hashlib
import random

import boto3.s3.transfer
import botocore.exceptions
import pytest
from lib import clients, daemon

MIB = 1024 * 1024
PART = 5 * MIB
SMALL = b"a few bytes"
BODY = random.Random(19).randbytes(11 * MIB + 3)
CONFIG = boto3.s3.transfer.TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)


@pytest.fixture(scope="module")
def pair(target):
    """Two buckets of one target."""
    return target.new_bucket("from"), target.new_bucket("to")


def read(s3, bucket, key):
    """All bytes of an object."""
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def refused(call, code):
    """Calls it and expects S3's error of that name."""
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call()
    got = error.value.response["Error"]["Code"]
    assert got == code, error.value.response
    return error.value.response


@pytest.mark.parametrize("body", [b"", SMALL, BODY], ids=["empty", "small", "large"])
def test_copy_object(target, pair, body):
    """Bytes, type and metadata go along; within the bucket and to the other one; a read sees it."""
    s3 = target.boto3()
    source, other = pair
    key = f"copy me/ü+%?&{len(body)}"
    s3.put_object(
        Bucket=source, Key=key, Body=body, ContentType="text/x", Metadata={"color": "blue"}
    )
    for bucket, name in ((source, f"copied/{len(body)}"), (other, f"copied {len(body)}")):
        made = s3.copy_object(Bucket=bucket, Key=name, CopySource={"Bucket": source, "Key": key})
        head = s3.head_object(Bucket=bucket, Key=name)
        assert made["CopyObjectResult"]["ETag"] == head["ETag"]
        assert abs((made["CopyObjectResult"]["LastModified"] - head["LastModified"]).seconds) < 2
        assert (head["ContentType"], head["Metadata"]) == ("text/x", {"color": "blue"})
        assert read(s3, bucket, name) == body


def test_metadata(target, pair):
    """COPY ignores what the request says of metadata, REPLACE takes it and nothing else; a copy
    onto itself must change something.
    """
    s3 = target.boto3()
    bucket, _ = pair
    source = {"Bucket": bucket, "Key": "meta"}
    s3.put_object(**source, Body=SMALL, ContentType="text/x", Metadata={"a": "b"})
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=source, Metadata={"c": "d"})
    assert s3.head_object(Bucket=bucket, Key="kept")["Metadata"] == {"a": "b"}
    replaced = {"Metadata": {"c": "d"}, "MetadataDirective": "REPLACE", "ContentType": "text/y"}
    for key in ("replaced", "meta"):
        s3.copy_object(Bucket=bucket, Key=key, CopySource=source, **replaced)
        head = s3.head_object(Bucket=bucket, Key=key)
        assert (head["Metadata"], head["ContentType"]) == ({"c": "d"}, "text/y")
        assert read(s3, bucket, key) == SMALL
    refused(lambda: s3.copy_object(**source, CopySource=source), "InvalidRequest")


def test_conditions(target, pair):
    """Conditions of the source and of the target; 412 and nothing is written."""
    s3 = target.boto3()
    source, other = pair
    etag = s3.put_object(Bucket=source, Key="cond", Body=SMALL)["ETag"]
    modified = s3.head_object(Bucket=source, Key="cond")["LastModified"]
    copy = {"Bucket": other, "Key": "cond", "CopySource": {"Bucket": source, "Key": "cond"}}
    for words in (
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfModifiedSince": modified},
        {"CopySourceIfUnmodifiedSince": modified.replace(year=2001)},
        {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": modified.replace(year=2001)},
    ):
        answer = refused(lambda w=words: s3.copy_object(**copy, **w), "PreconditionFailed")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert "Contents" not in s3.list_objects_v2(Bucket=other, Prefix="cond")
    s3.copy_object(
        **copy, CopySourceIfMatch=etag, CopySourceIfUnmodifiedSince=modified.replace(year=2001)
    )
    assert read(s3, other, "cond") == SMALL
    refused(lambda: s3.copy_object(**copy, IfNoneMatch="*"), "PreconditionFailed")
    s3.copy_object(**{**copy, "Key": "cond2"}, IfNoneMatch="*")


def test_missing(target, pair):
    """What is not there is said in S3's words, and leaves no trace."""
    s3 = target.boto3()
    source, other = pair
    s3.put_object(Bucket=source, Key="there", Body=SMALL)

    def copy(bucket, from_bucket, key, **more):
        named = {"Bucket": from_bucket, "Key": key, **more}
        return lambda: s3.copy_object(Bucket=bucket, Key="missing", CopySource=named)

    refused(copy(other, source, "not there"), "NoSuchKey")
    refused(copy(other, "nobody-has-this", "there"), "NoSuchBucket")
    refused(copy("nobody-has-this", source, "there"), "NoSuchBucket")
    refused(copy(other, source, "there", VersionId="v" * 32), "NoSuchVersion")
    refused(copy(other, source, "there", VersionId="abc"), "InvalidArgument")
    assert "Contents" not in s3.list_objects_v2(Bucket=other, Prefix="missing")


def test_parts(target, pair):
    """UploadPartCopy with ranges, beside an ordinary part; refused ones change nothing."""
    s3 = target.boto3()
    source, other = pair
    s3.put_object(Bucket=source, Key="whole", Body=BODY)
    upload = {"Bucket": other, "Key": "joined"}
    upload["UploadId"] = s3.create_multipart_upload(Bucket=other, Key="joined")["UploadId"]
    named = {"CopySource": {"Bucket": source, "Key": "whole"}}

    def part(number, first, last, **more):
        words = {"CopySourceRange": f"bytes={first}-{last}", **named, **more}
        return s3.upload_part_copy(**upload, PartNumber=number, **words)["CopyPartResult"]["ETag"]

    refused(lambda: part(1, 0, len(BODY)), "InvalidRange")
    refused(lambda: part(1, 5, 2), "InvalidArgument")
    refused(lambda: part(1, 0, 2, CopySourceIfMatch='"other"'), "PreconditionFailed")
    assert "Parts" not in s3.list_parts(**upload)
    etags = [part(1, 1, PART), s3.upload_part(**upload, PartNumber=2, Body=BODY[:PART])["ETag"]]
    etags.append(part(3, len(BODY) - 7, len(BODY) - 1))
    parts = [{
  "PartNumber" : i + 1, "ETag" : etag} for i, etag in enumerate(etags)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert read(s3, other, "joined") == BODY[1 : PART + 1] + BODY[:PART] + BODY[-7:]
    refused(lambda: part(4, 0, 1), "NoSuchUpload")


def test_managed_copy(target, pair):
    """boto3's copy(), in one piece and in parts."""
    s3 = target.boto3()
    source, other = pair
    for body, key in ((SMALL, "managed small"), (BODY, "managed large")):
        s3.put_object(Bucket=source, Key=key, Body=body)
        s3.copy({"Bucket": source, "Key": key}, other, key, Config=CONFIG)
        assert read(s3, other, key) == body


def test_overwritten_source(target, pair):
    """A copy that is made straight after an overwrite has the new bytes, and so has a read straight
    after the copy.
    """
    s3 = target.boto3()
    source, other = pair
    for i in range(10):
        body = b"%d" % i * 100_000
        s3.put_object(Bucket=source, Key="again", Body=body)
        s3.copy_object(Bucket=other, Key="again", CopySource={"Bucket": source, "Key": "again"})
        assert read(s3, other, "again") == body


def test_checksums(target, pair):
    """The algorithm that is asked for; without one, the source's."""
    s3 = target.boto3()
    source, other = pair
    s3.put_object(Bucket=source, Key="sum", Body=SMALL, ChecksumAlgorithm="CRC32")
    named = {"Bucket": other, "CopySource": {"Bucket": source, "Key": "sum"}}
    made = s3.copy_object(**named, Key="sum", ChecksumAlgorithm="SHA256")["CopyObjectResult"]
    assert made["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(SMALL).digest()).decode()
    if target.label.startswith("radosgw-"):  # keeps none
        return
    head = s3.head_object(Bucket=other, Key="sum", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == made["ChecksumSHA256"]
    if not target.label.startswith("dir-"):
        return
    s3.copy_object(**named, Key="same")
    first = s3.head_object(Bucket=source, Key="sum", ChecksumMode="ENABLED")
    assert (
        s3.head_object(Bucket=other, Key="same", ChecksumMode="ENABLED")["ChecksumCRC32"]
        == first["ChecksumCRC32"]
    )


def test_between_origins(servers, tmp_path):
    """From a folder to an S3 server and back."""
    seaweed = servers.origin("seaweedfs")
    with daemon.Forebay() as forebay:
        target = forebay.target("mixed-http")
        folder = tmp_path / "folder"
        folder.mkdir()
        forebay.cli("bucket", "create", "folder", "--origin", f"dir://{folder}")
        seaweed.make_bucket("server")
        forebay.create_bucket("server", seaweed)
        s3 = target.boto3()
        s3.put_object(Bucket="folder", Key="k", Body=BODY, Metadata={"a": "b"})
        s3.copy_object(Bucket="server", Key="k", CopySource={"Bucket": "folder", "Key": "k"})
        s3.copy_object(Bucket="folder", Key="back", CopySource={"Bucket": "server", "Key": "k"})
        assert read(s3, "folder", "back") == BODY
        assert s3.head_object(Bucket="folder", Key="back")["Metadata"] == {"a": "b"}


def test_aws_cli(target, pair):
    """`s3 mv` and `s3 sync` between buckets, below and above the size of a part. Above it the CLI
    asks for the source's tags (GetObjectTagging) unless it is told to leave them.
    """
    s3 = target.boto3()
    source, other = pair
    untagged = ("--no-progress", "--copy-props", "metadata-directive")
    cli = clients.AwsCli(target)
    try:
        for body, key in ((SMALL, "cli/small"), (BODY, "cli/deep/large")):
            s3.put_object(Bucket=source, Key=key, Body=body)
        cli.aws("s3", "sync", *untagged, f"s3://{source}/cli", f"s3://{other}/synced")
        assert read(s3, other, "synced/deep/large") == BODY
        cli.aws("s3", "mv", "--no-progress", f"s3://{source}/cli/small", f"s3://{other}/moved")
        assert read(s3, other, "moved") == SMALL
        cli.aws("s3", "mv", *untagged, f"s3://{source}/cli/deep/large", f"s3://{source}/cli/up")
        assert read(s3, source, "cli/up") == BODY
        refused(lambda: read(s3, source, "cli/deep/large"), "NoSuchKey")
    finally:
        cli.close()


def test_rclone(target, pair, tmp_path):
    """A move on the server's side, and a time that is set by a copy onto itself."""
    s3 = target.boto3()
    source, other = pair
    rclone = clients.Rclone(target)
    try:
        path = tmp_path / "file"
        path.write_bytes(SMALL)
        rclone.put(source, "r/a b", path)
        rclone.rclone("moveto", f"t:{source}/r/a b", f"t:{other}/r/c d+e")
        assert read(s3, other, "r/c d+e") == SMALL
        refused(lambda: read(s3, source, "r/a b"), "NoSuchKey")
        rclone.rclone("touch", "-t", "2020-02-02T02:02:02", f"t:{other}/r/c d+e")
        assert read(s3, other, "r/c d+e") == SMALL
        listed = rclone.rclone("lsl", f"t:{other}/r").decode()
        assert "2020-02-02 02:02:02" in listed
    finally:
        rclone.close()


def test_pyarrow(target, pair):
    """A move, which pyarrow makes of a copy and a delete."""
    from pyarrow import fs

    source, other = pair
    target.boto3().put_object(Bucket=source, Key="arrow/a", Body=SMALL)
    files = fs.S3FileSystem(
        access_key=target.access_key,
        secret_key=target.secret_key,
        endpoint_override=target.endpoint.split("//")[1],
        scheme=target.endpoint.split(":")[0],
        tls_ca_file_path=str(target.ca) if target.ca else None,
        region="us-east-1",
    )
    files.move(f"{source}/arrow/a", f"{other}/arrow/b")
    with files.open_input_stream(f"{other}/arrow/b") as stream:
        assert stream.read() == SMALL
    files.copy_file(f"{other}/arrow/b", f"{source}/arrow/c")
    assert target.get(source, "arrow/c").body == SMALL


def test_tags_are_not_lost(servers):
    """Tags that lie at an S3 origin stay with a copy that the origin makes."""
    seaweed = servers.origin("seaweedfs")
    target = servers.target("seaweedfs", "http")
    bucket = target.new_bucket("tagged")
    s3 = target.boto3()
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL)
    direct = clients.boto3_client(seaweed.endpoint, seaweed.access_key, seaweed.secret_key)
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    direct.put_object_tagging(Bucket=bucket, Key="k", Tagging=tags)
    s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": "k"})
    assert direct.get_object_tagging(Bucket=bucket, Key="copied")["TagSet"] == tags["TagSet"]


def test_too_large(tmp_path):
    """More than 5 GiB are refused before a byte is read."""
    with daemon.Forebay() as forebay:
        folder = tmp_path / "large"
        folder.mkdir()
        with open(folder / "large", "wb") as file:
            file.truncate((5 << 30) + 1)
        forebay.cli("bucket", "create", "large", "--origin", f"dir://{folder}")
        s3 = forebay.target("large-http").boto3()
        source = {"Bucket": "large", "Key": "large"}
        refused(
            lambda: s3.copy_object(Bucket="large", Key="to", CopySource=source), "InvalidRequest"
        )
        assert not (folder / "to").exists()


def test_s3cmd(target, pair):
    """s3cmd sends the ACL back that it was told, and removes the source of a move only then."""
    s3 = target.boto3()
    source, other = pair
    s3.put_object(Bucket=source, Key="by-s3cmd", Body=SMALL)
    s3cmd = clients.S3cmd(target)
    s3cmd.s3cmd("cp", f"s3://{source}/by-s3cmd", f"s3://{other}/copied-by-s3cmd")
    s3cmd.s3cmd("mv", f"s3://{source}/by-s3cmd", f"s3://{other}/moved-by-s3cmd")
    header = "--add-header=x-amz-meta-color:blue"
    s3cmd.s3cmd("modify", header, f"s3://{other}/moved-by-s3cmd")
    s3cmd.close()
    assert read(s3, other, "copied-by-s3cmd") == read(s3, other, "moved-by-s3cmd") == SMALL
    assert s3.head_object(Bucket=other, Key="moved-by-s3cmd")["Metadata"]["color"] == "blue"
    refused(lambda: s3.get_object(Bucket=source, Key="by-s3cmd"), "NoSuchKey")
