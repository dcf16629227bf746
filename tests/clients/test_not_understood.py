"""What Forebay does not understand it refuses, and all bytes stay as they were: every query name
and every header of the S3 model that botocore has, with every method, against a filled bucket.
"""

import itertools
import re

import botocore.session
import pytest
from lib.operations import table
from lib.rawhttp import Call, crc32_base64

pytestmark = pytest.mark.daemon

MODEL = botocore.session.get_session().get_service_model("s3")
METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
# Operations of the model that have another's request or another address.
ALIASES = {
    "GetBucketLifecycle",
    "GetBucketNotification",
    "PutBucketLifecycle",
    "PutBucketNotification",
    "WriteGetObjectResponse",
}
# What else the model leaves to the eye of the reader: parameters without which it is another
# operation, and those it tells apart by the address.
SELECTS = {
    "GetBucketAnalyticsConfiguration": {"id"},
    "GetBucketIntelligentTieringConfiguration": {"id"},
    "GetBucketInventoryConfiguration": {"id"},
    "GetBucketMetricsConfiguration": {"id"},
    "GetObjectAnnotation": {"annotationName"},
    "ListDirectoryBuckets": {"max-directory-buckets"},
    "ListParts": {"uploadId"},
    "AbortMultipartUpload": {"uploadId"},
    "CompleteMultipartUpload": {"uploadId"},
    "UploadPart": {"partNumber", "uploadId"},
    "UploadPartCopy": {"partNumber", "uploadId"},
}
OBJECTS = {"k": b"precious", "folder/k": b"also precious", "empty": b""}
JUNK = b"what must not be stored"


class Shape:
    """One operation of the model: its request in the terms of Forebay's table."""

    def __init__(self, name):
        model = MODEL.operation_model(name)
        path, _, query = model.http["requestUri"].partition("?")
        members = model.input_shape.members.values() if model.input_shape else []
        place = [(m.serialization.get("location"), m.serialization.get("name")) for m in members]
        names = {n for where, n in place if where == "querystring"}
        self.method = model.http["method"]
        self.scope = "/" if path == "/" else "/b/k" if "{Key+}" in path else "/b"
        self.markers = {p.split("=")[0] for p in query.split("&") if p} | SELECTS.get(name, set())
        self.names = names - self.markers
        self.headers = {n.lower() for where, n in place if where in ("header", "headers")}


SHAPES = {n: Shape(n) for n in MODEL.operation_names if n not in ALIASES}
QUERY_NAMES = sorted(set().union(*(s.markers | s.names for s in SHAPES.values())))
HEADER_NAMES = sorted(
    n
    for n in set().union(*(s.headers for s in SHAPES.values()))
    if n.startswith(("x-amz-", "if-"))
)


@pytest.fixture(scope="module")
def filled(servers):
    """A target with a bucket that holds OBJECTS and an upload, and a function that looks whether
    they are all there and nothing else is.
    """
    target = servers.target("dir", "http")
    bucket = target.new_bucket("kept")
    for key, body in OBJECTS.items():
        assert target.call("PUT", f"/{bucket}/{key}", body=body).status == 200
    buckets = target.call("GET", "/").body

    def unchanged(connection):
        """Compares every byte."""
        listed = connection.call(Call("GET", f"/{bucket}"), target.signer()).body.decode()
        assert re.findall("<Key>(.*?)</Key>", listed) == sorted(OBJECTS)
        for key, body in OBJECTS.items():
            read = connection.call(Call("GET", f"/{bucket}/{key}"), target.signer())
            assert (read.status, read.body) == (200, body)
        assert connection.call(Call("GET", "/"), target.signer()).body == buckets

    return target, bucket, unchanged


def test_the_table_is_the_models(filled):
    """Every operation of the model has a row with exactly its names, and there are no others."""
    rows = table()
    assert set(rows) == set(SHAPES) | {"PostObject"}
    for name, shape in SHAPES.items():
        assert rows[name]["request"] == (shape.method, shape.scope, shape.markers), name
        assert rows[name]["names"] == shape.names, name
        admitted = {h.replace("x-amz-meta-*", "x-amz-meta-") for h in rows[name]["headers"]}
        # s3fs-fuse says of a plain write too that it replaces metadata; anything else is refused.
        beside = {"x-amz-checksum-*"}
        if name in ("PutObject", "CreateMultipartUpload"):
            beside.add("x-amz-metadata-directive")
        unknown = admitted - shape.headers - beside
        assert not unknown, (name, unknown)


def own(shape_rows, method, scope, name):
    """Whether an answered operation takes that name alone."""
    for row in shape_rows.values():
        markers = row["request"][2]
        if row["answered"] and row["request"][:2] == (method, scope):
            if markers <= {name} and name in markers | row["names"]:
                return True
    return False


def test_no_query_name_changes_a_byte(filled):
    """Every query name of the model with every method on bucket and object: refused, unless it is
    that operation's own; and with that the bytes are the same.
    """
    target, bucket, unchanged = filled
    rows = table()
    with target.connect() as connection:
        for name, method, scope in itertools.product(QUERY_NAMES, METHODS, ("/b", "/b/k")):
            path = f"/{bucket}" if scope == "/b" else f"/{bucket}/k"
            taken = own(rows, method, scope, name)
            for value in ("x",) if taken else ("", "x", "1"):
                body = JUNK if method in ("PUT", "POST") else b""
                call = Call(method, path, query=[(name, value)], body=body)
                answer = connection.call(call, target.signer())
                where = (method, path, name, value, answer)
                if not taken:
                    assert answer.status in (405, 501), where
                assert taken or method == "HEAD" or answer.code(), where
            if method not in ("GET", "HEAD"):
                unchanged(connection)
        unchanged(connection)


def test_no_operation_falls_through_to_another(filled):
    """Every operation that is not answered, with all its names and with those it needs, is
    refused."""
    target, bucket, unchanged = filled
    rows = table()
    with target.connect() as connection:
        for name, shape in SHAPES.items():
            if rows[name]["answered"]:
                continue
            path = shape.scope.replace("b", bucket, 1)
            for names in (shape.markers, shape.markers | shape.names):
                query = [(n, "2" if n.endswith("-type") else "1") for n in sorted(names)]
                body = JUNK if shape.method in ("PUT", "POST") else b""
                call = Call(shape.method, path, query=query, body=body)
                answer = connection.call(call, target.signer())
                assert answer.status in (405, 501), (name, answer)
            if shape.method not in ("GET", "HEAD"):
                unchanged(connection)


def test_names_that_s3_does_not_have(filled):
    """A read ignores them, a write does not; names that begin with x- always pass."""
    target, bucket, unchanged = filled
    with target.connect() as connection:

        def call(method, query, body=b""):
            """One request at the object."""
            made = Call(method, f"/{bucket}/k", query=query, body=body)
            return connection.call(made, target.signer())

        assert call("GET", [("v", "3"), ("x-id", "GetObject")]).body == OBJECTS["k"]
        for method in ("PUT", "POST", "DELETE"):
            assert call(method, [("v", "3")], JUNK).status in (405, 501)
        assert call("PUT", [("x-id", "PutObject"), ("x-note", "1")], OBJECTS["k"]).status == 200
        assert call("DELETE", [("versionId", "null"), ("versionId", "1")]).code() == (
            "InvalidArgument"
        )
        unchanged(connection)


def test_no_header_is_dropped_by_a_write(filled):
    """Every x-amz- and If- header of the model, with every write that is answered: it is carried
    out or refused."""
    target, bucket, unchanged = filled
    # Those that say nothing of the effect, and the one that is compared.
    harmless = {"x-amz-request-payer", "x-amz-sdk-checksum-algorithm"}
    requests = {
        "PutObject": ("PUT", f"/{bucket}/k", []),
        "CopyObject": ("PUT", f"/{bucket}/k", []),
        "UploadPartCopy": ("PUT", f"/{bucket}/k", [("partNumber", "1"), ("uploadId", "x")]),
        "RenameObject": ("PUT", f"/{bucket}/k", [("renameObject", "")]),
        "DeleteObject": ("DELETE", f"/{bucket}/k", []),
        "DeleteObjects": ("POST", f"/{bucket}", [("delete", "")]),
        "PostObject": ("POST", f"/{bucket}", []),
        "CreateBucket": ("PUT", f"/{bucket}-2", []),
        "DeleteBucket": ("DELETE", f"/{bucket}", []),
        "CreateMultipartUpload": ("POST", f"/{bucket}/k", [("uploads", "")]),
        "UploadPart": ("PUT", f"/{bucket}/k", [("partNumber", "1"), ("uploadId", "x")]),
        "CompleteMultipartUpload": ("POST", f"/{bucket}/k", [("uploadId", "x")]),
        "AbortMultipartUpload": ("DELETE", f"/{bucket}/k", [("uploadId", "x")]),
        "PutObjectTagging": ("PUT", f"/{bucket}/k", [("tagging", "")]),
        "DeleteObjectTagging": ("DELETE", f"/{bucket}/k", [("tagging", "")]),
        "PutObjectAcl": ("PUT", f"/{bucket}/k", [("acl", "")]),
        "PutBucketAcl": ("PUT", f"/{bucket}", [("acl", "")]),
        "PutBucketOwnershipControls": ("PUT", f"/{bucket}", [("ownershipControls", "")]),
        "PutPublicAccessBlock": ("PUT", f"/{bucket}", [("publicAccessBlock", "")]),
        "PutBucketCors": ("PUT", f"/{bucket}", [("cors", "")]),
        "DeleteBucketCors": ("DELETE", f"/{bucket}", [("cors", "")]),
        "PutBucketVersioning": ("PUT", f"/{bucket}", [("versioning", "")]),
        "PutBucketLifecycleConfiguration": ("PUT", f"/{bucket}", [("lifecycle", "")]),
        "DeleteBucketLifecycle": ("DELETE", f"/{bucket}", [("lifecycle", "")]),
        "PutBucketTagging": ("PUT", f"/{bucket}", [("tagging", "")]),
        "DeleteBucketTagging": ("DELETE", f"/{bucket}", [("tagging", "")]),
    }
    rows = table()
    assert set(requests) == {
        n for n, r in rows.items() if r["answered"] and r["request"][0] not in ("GET", "HEAD")
    }
    deletes = b"<Delete><Object><Key>k</Key></Object></Delete>"
    with target.connect() as connection:
        for operation, header in itertools.product(requests, HEADER_NAMES):
            method, path, query = requests[operation]
            carried = rows[operation]["headers"] | harmless
            if any(re.fullmatch(c.replace("*", ".*"), header) for c in carried):
                continue
            body = deletes if operation == "DeleteObjects" else JUNK if method == "PUT" else b""
            name = header + "x" if header.endswith("-") else header
            headers = {name: "1"}
            if "x-amz-copy-source" in carried:
                headers["x-amz-copy-source"] = f"{bucket}/folder/k"
            call = Call(method, path, query=query, body=body, headers=headers)
            answer = connection.call(call, target.signer())
            wanted = 403 if header.endswith("-expected-bucket-owner") else 501
            if header == "x-amz-copy-source" and operation in ("PutObject", "UploadPart"):
                wanted = 400  # a copy of what is no object's name
            assert answer.status == wanted, (operation, header, answer)
            unchanged(connection)


def test_conditions_of_deletes(filled):
    """Elements that restrict a delete are refused, and a key is all of its text."""
    target, bucket, unchanged = filled
    with target.connect() as connection:
        for inside in (
            '<Key>k</Key><ETag>"0"</ETag>',
            "<Key>k</Key><ETag>*</ETag><VersionId>null</VersionId>",
            "<Key>k</Key><Size>1</Size>",
            "<Key>k</Key><LastModifiedTime>Wed, 21 Oct 2015 07:28:00 GMT</LastModifiedTime>",
            "<Key>k</Key><Unknown/>",
            "<Key>k</Key><Key>empty</Key>",
            "<Key>k<![CDATA[ ]]></Key>",
        ):
            body = f"<Delete><Object>{inside}</Object></Delete>".encode()
            call = Call("POST", f"/{bucket}", query=[("delete", "")], body=body)
            call.headers["x-amz-checksum-crc32"] = crc32_base64(body)
            answer = connection.call(call, target.signer())
            assert answer.status in (200, 400, 501), (inside, answer)
            unchanged(connection)


def test_expected_owner(filled):
    """The owner that lists show is the one that may be expected; another is 403 everywhere."""
    target, bucket, unchanged = filled
    s3 = target.boto3()
    owner = s3.list_buckets()["Owner"]["ID"]
    wrong = {"Bucket": bucket, "ExpectedBucketOwner": "111122223333"}
    right = {"Bucket": bucket, "ExpectedBucketOwner": owner}
    for call in (
        lambda who: s3.head_bucket(**who),
        lambda who: s3.list_objects_v2(**who),
        lambda who: s3.get_object(**who, Key="k")["Body"].read(),
        lambda who: s3.head_object(**who, Key="k"),
        lambda who: s3.put_object(**who, Key="k", Body=OBJECTS["k"]),
        lambda who: s3.delete_object(**who, Key="not-there"),
        lambda who: s3.get_bucket_location(**who),
    ):
        call(right)
        with pytest.raises(s3.exceptions.ClientError) as refused:
            call(wrong)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with target.connect() as connection:
        unchanged(connection)
