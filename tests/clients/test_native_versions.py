"""Versions that a native bucket keeps by itself, as boto3 and the AWS CLI use them, on a real
daemon, also after kill -9.
"""

import json

import boto3
import botocore.exceptions
import pytest
from lib import clients, daemon, proc
from test_copy import read, refused

pytestmark = pytest.mark.daemon
MIB = 1 << 20
NULL = "null"


class Kept:
    """A daemon with a native bucket that keeps versions."""

    def __init__(self, forebay, bucket):
        self.forebay = forebay
        self.bucket = bucket
        self._clients = {}

    @property
    def target(self):
        """The daemon as it runs now."""
        return self.forebay.target()

    @property
    def s3(self):
        """A boto3 client of it."""
        target = self.target
        if target.endpoint not in self._clients:
            self._clients[target.endpoint] = target.boto3()
        return self._clients[target.endpoint]

    def say(self, status):
        """PutBucketVersioning."""
        self.s3.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": status}
        )
        assert self.s3.get_bucket_versioning(Bucket=self.bucket)["Status"] == status

    def put(self, key, body, **more):
        """Puts an object; its version id."""
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more).get("VersionId")

    def get(self, key, version):
        """The bytes of a version."""
        got = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=version)
        assert got["VersionId"] == version
        return got["Body"].read()

    def delete(self, key, version=None):
        """Deletes; what the answer says of markers and ids."""
        named = {"VersionId": version} if version else {}
        done = self.s3.delete_object(Bucket=self.bucket, Key=key, **named)
        return done.get("DeleteMarker", False), done.get("VersionId")

    def ids(self, key, **more):
        """The ids of a key, the newest first; markers with a '-' before."""
        page = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key, **more)
        found = [(v["LastModified"], v["VersionId"], v) for v in page.get("Versions", [])]
        for marker in page.get("DeleteMarkers", []):
            found.append((marker["LastModified"], "-" + marker["VersionId"], marker))
        text = self.target.call("GET", f"/{self.bucket}", query=[("versions", ""), ("prefix", key)])
        told = [v.split("<")[0] for v in text.body.decode().split("<VersionId>")[1:]]
        order = {version: at for at, version in enumerate(told)}
        found.sort(key=lambda one: order[one[1].lstrip("-")])
        assert [one[2]["IsLatest"] for one in found] == [i == 0 for i in range(len(found))]
        return [one[1] for one in found]

    def shown(self):
        """How full the bucket is: bytes and objects."""
        bucket = json.loads(self.forebay.cli("bucket", "show", self.bucket, "--json"))
        return bucket.get("bytes"), bucket.get("objects")


@pytest.fixture(scope="module")
def running():
    """One daemon for all tests here."""
    with daemon.Forebay() as forebay:
        yield forebay


@pytest.fixture
def kept(running, request):
    """A bucket of the test's own, versions switched on."""
    bucket = request.node.name.replace("_", "-")[:50]
    running.create_native(bucket)
    made = Kept(running, bucket)
    assert "Status" not in made.s3.get_bucket_versioning(Bucket=bucket)
    made.say("Enabled")
    return made


def test_read_and_deleted_by_id(kept):
    """Each read gives the version it names; deletes put markers and uncover what was before."""
    s3, bucket = kept.s3, kept.bucket
    bodies = [b"0", b"1" * 70_000, b"2" * (3 * MIB)]
    ids = [kept.put("k", body) for body in bodies]
    assert len(set(ids)) == 3 and all(len(i) == 32 for i in ids)
    assert read(s3, bucket, "k") == bodies[2]
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == ids[2]
    assert kept.ids("k") == ids[::-1]
    for body, version in zip(bodies, ids):
        assert kept.get("k", version) == body
        part = s3.get_object(Bucket=bucket, Key="k", VersionId=version, Range="bytes=0-0")
        assert part["Body"].read() == body[:1]
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", VersionId=ids[1], ObjectAttributes=["ObjectSize"]
    )
    assert (told["ObjectSize"], told["VersionId"]) == (70_000, ids[1])
    marked, marker = kept.delete("k")
    assert marked and kept.ids("k") == ["-" + marker, *ids[::-1]]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    hidden = refused(lambda: read(s3, bucket, "k"), "NoSuchKey")
    assert hidden["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    named = {"Bucket": bucket, "Key": "k", "VersionId": marker}
    for call, code in ((s3.get_object, "MethodNotAllowed"), (s3.head_object, "405")):
        said = refused(lambda call=call: call(**named), code)["ResponseMetadata"]
        assert said["HTTPStatusCode"] == 405
        assert said["HTTPHeaders"]["x-amz-delete-marker"] == "true"
        assert said["HTTPHeaders"]["last-modified"].endswith("GMT")
    assert kept.delete("k", marker) == (True, marker)
    assert read(s3, bucket, "k") == bodies[2]
    assert kept.delete("k", ids[2]) == (False, ids[2])
    assert read(s3, bucket, "k") == bodies[1]
    refused(lambda: kept.get("k", ids[2]), "NoSuchVersion")
    refused(lambda: kept.get("k", "1"), "InvalidArgument")
    assert kept.delete("never")[0]
    assert read(s3, bucket, "k") == bodies[1]


def test_null(running):
    """What was put before, and while suspended, is null, of which there is one."""
    running.create_native("null-bucket")
    kept = Kept(running, "null-bucket")
    assert kept.put("k", b"before") is None
    assert kept.ids("k") == [NULL]
    kept.say("Enabled")
    one = kept.put("k", b"one")
    assert kept.ids("k") == [one, NULL]
    assert kept.get("k", NULL) == b"before"
    kept.say("Suspended")
    assert kept.put("k", b"while suspended") == NULL
    assert kept.ids("k") == [NULL, one]
    assert kept.get("k", NULL) == b"while suspended"
    assert kept.delete("k") == (True, NULL)
    assert kept.ids("k") == ["-" + NULL, one]
    assert kept.delete("k", NULL) == (True, NULL)
    assert read(kept.s3, kept.bucket, "k") == b"one"
    assert kept.shown() == (3, 1)


def test_copies_and_uploads(kept):
    """Copies of a version, whole and as a part, and what completes uploads."""
    s3, bucket = kept.s3, kept.bucket
    body = bytes(range(256)) * 4096 * 6
    old = kept.put("src", body)
    kept.put("src", b"newer")
    source = {"Bucket": bucket, "Key": "src", "VersionId": old}
    done = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert done["CopySourceVersionId"] == old and len(done["VersionId"]) == 32
    assert kept.get("copy", done["VersionId"]) == body
    restored = s3.copy_object(Bucket=bucket, Key="src", CopySource=source)["VersionId"]
    assert read(s3, bucket, "src") == body and len(kept.ids("src")) == 3
    upload = s3.create_multipart_upload(Bucket=bucket, Key="src")["UploadId"]
    where = {"Bucket": bucket, "Key": "src", "UploadId": upload}
    part = s3.upload_part_copy(**where, PartNumber=1, CopySource=source)
    assert part["CopySourceVersionId"] == old
    last = s3.upload_part(**where, PartNumber=2, Body=b"end")
    parts = [
        {"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]},
        {"PartNumber": 2, "ETag": last["ETag"]},
    ]
    made = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})["VersionId"]
    assert kept.get("src", made) == body + b"end"
    kept.put("src", b"on top")
    again = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert again["VersionId"] == made
    assert kept.ids("src")[1:3] == [made, restored]
    marker = kept.delete("src")[1]
    source["VersionId"] = marker
    refused(lambda: s3.copy_object(Bucket=bucket, Key="x", CopySource=source), "InvalidRequest")


def test_tags(kept):
    """Tags are those of one version."""
    s3, bucket = kept.s3, kept.bucket
    old, new = kept.put("k", b"old", Tagging="a=1"), kept.put("k", b"new")
    named = {"Bucket": bucket, "Key": "k"}
    assert s3.get_object_tagging(**named)["TagSet"] == []
    assert s3.get_object_tagging(**named, VersionId=old)["TagSet"] == [{"Key": "a", "Value": "1"}]
    tags = {"TagSet": [{"Key": "b", "Value": "2"}]}
    said = s3.put_object_tagging(**named, VersionId=old, Tagging=tags)
    assert said["VersionId"] == old
    assert s3.get_object_tagging(**named, VersionId=old)["TagSet"] == tags["TagSet"]
    assert s3.get_object_tagging(**named)["TagSet"] == []
    kept.delete("k", new)
    assert s3.get_object_tagging(**named)["TagSet"] == tags["TagSet"]
    s3.delete_object_tagging(**named, VersionId=old)
    assert s3.get_object_tagging(**named)["TagSet"] == []


def test_conditions(kept):
    """They hold against the current version; a marker is no object."""
    s3, bucket = kept.s3, kept.bucket
    kept.put("k", b"one")
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    kept.put("k", b"two")
    refused(lambda: kept.put("k", b"x", IfMatch=etag), "PreconditionFailed")
    refused(lambda: kept.put("k", b"x", IfNoneMatch="*"), "PreconditionFailed")
    kept.delete("k")
    refused(lambda: kept.put("k", b"x", IfMatch=etag), "NoSuchKey")
    assert kept.put("k", b"three", IfNoneMatch="*")
    assert len(kept.ids("k")) == 4


def test_pages(kept):
    """Pages of every size are the same list, also for who deletes as he goes; then the bucket can
    be removed.
    """
    s3, bucket = kept.s3, kept.bucket
    for i in range(40):
        key = f"{'ab'[i % 2]}/{i % 5}"
        if i % 7 == 6:
            kept.delete(key)
        else:
            kept.put(key, b"%d" % i)

    def pages(size, **more):
        """Keys and ids, page by page."""
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}, **more
        ):
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            assert len(entries) + len(page.get("CommonPrefixes", [])) <= size
            found += [(v["Key"], v["VersionId"], v["IsLatest"]) for v in entries]
            found += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        return found

    whole = sorted(pages(1000))
    assert len(whole) == 40 and sum(latest for _, _, latest in whole) == 10
    for size in (1, 3, 7):
        assert sorted(pages(size)) == whole
    assert pages(1, Delimiter="/") == ["a/", "b/"]
    assert len(pages(2, Prefix="a/")) == 20
    refused(lambda: s3.delete_bucket(Bucket=bucket), "BucketNotEmpty")
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 7}
    ):
        named = [
            {"Key": v["Key"], "VersionId": v["VersionId"]}
            for v in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]
        done = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
        assert not done.get("Errors") and len(done["Deleted"]) == len(named)
    assert pages(1000) == [] and kept.shown() == (0, 0)
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/1"}, {"Key": "a/2"}]})
    assert all(one["DeleteMarker"] and one["DeleteMarkerVersionId"] for one in done["Deleted"])
    refused(lambda: s3.delete_bucket(Bucket=bucket), "BucketNotEmpty")
    resource = boto3.resource(
        "s3",
        endpoint_url=kept.target.endpoint,
        aws_access_key_id=kept.target.access_key,
        aws_secret_access_key=kept.target.secret_key,
        region_name=clients.REGION,
        config=s3.meta.config,
    )
    resource.Bucket(bucket).object_versions.delete()
    s3.delete_bucket(Bucket=bucket)


def test_room(running):
    """Older versions take room and give it back; no delete is refused for it."""
    limits = ["--max-bytes", "2MiB", "--max-objects", "3"]
    running.cli("bucket", "create", "room", "--native", *limits)
    kept = Kept(running, "room")
    kept.say("Enabled")
    old = kept.put("k", bytes(MIB))
    kept.put("k", bytes(MIB))
    refused(lambda: kept.put("k", b"1"), "QuotaExceeded")
    assert kept.shown() == (2 * MIB, 2)
    marker = kept.delete("k")[1]
    assert kept.shown() == (2 * MIB, 2)
    kept.delete("k", old)
    kept.delete("k", marker)
    assert kept.shown() == (MIB, 1)
    kept.put("k", bytes(MIB))


def test_many_of_one_key(kept):
    """Three hundred of one key are listed, read and deleted as few are."""
    s3, bucket = kept.s3, kept.bucket
    ids = [kept.put("k", b"") for _ in range(300)]
    kept.put("l", b"")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k", "l"]
    page = s3.list_object_versions(
        Bucket=bucket, KeyMarker="k", VersionIdMarker=ids[100], MaxKeys=50
    )
    assert [v["VersionId"] for v in page["Versions"]] == ids[50:100][::-1]
    for version in ids[:0:-1]:  # each time what is current
        kept.delete("k", version)
    assert kept.ids("k") == ids[:1]


def test_awscli(kept):
    """`aws s3api` with versions."""
    cli = clients.AwsCli(kept.target)
    try:
        told = json.loads(cli.aws("s3api", "get-bucket-versioning", "--bucket", kept.bucket))
        assert told["Status"] == "Enabled"
        named = ["--bucket", kept.bucket, "--key", "k"]
        made = [
            json.loads(cli.aws("s3api", "put-object", *named, "--body", path))["VersionId"]
            for path in ("/etc/hostname", "/etc/hosts")
        ]
        marker = json.loads(cli.aws("s3api", "delete-object", *named))
        assert marker["DeleteMarker"]
        told = json.loads(
            cli.aws("s3api", "list-object-versions", "--bucket", kept.bucket, "--max-items", "10")
        )
        assert [v["VersionId"] for v in told["Versions"]] == made[::-1]
        assert [m["VersionId"] for m in told["DeleteMarkers"]] == [marker["VersionId"]]
        cli.aws("s3api", "delete-object", *named, "--version-id", marker["VersionId"])
        head = json.loads(cli.aws("s3api", "head-object", *named))
        assert head["VersionId"] == made[1]
    finally:
        cli.close()


def test_after_a_kill():
    """Everything that was told stands after kill -9, and the space of what was deleted is free."""
    with daemon.Forebay() as forebay:
        forebay.create_native("bkt")
        kept = Kept(forebay, "bkt")
        kept.say("Enabled")
        ids = [kept.put("k", b"%d" % i * MIB) for i in range(3)]
        marker = kept.delete("k")[1]
        other = kept.put("gone", bytes(4 * MIB))
        kept.delete("gone", other)
        forebay.kill()
        forebay.start()
        assert kept.s3.get_bucket_versioning(Bucket="bkt")["Status"] == "Enabled"
        assert kept.ids("k") == ["-" + marker, *ids[::-1]]
        for i, version in enumerate(ids):
            assert kept.get("k", version) == b"%d" % i * MIB
        with pytest.raises(botocore.exceptions.ClientError):
            kept.get("gone", other)
        proc.wait_until("it is counted", lambda: kept.shown() == (3 * MIB, 3), 20)
        proc.wait_until(
            "the space is free",
            lambda: forebay.metric("forebay_native_bytes") <= 3 * MIB + 3 * 8192,
            60,
        )
