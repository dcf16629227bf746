"""What clients ask of a bucket beside its objects: ACLs, ownership, public access, versioning, and
    the attributes of an object.
"""

import json
import urllib.parse

import botocore.exceptions
import pytest
from lib import clients, rawhttp
from test_copy import refused


@pytest.fixture(scope="module")
def bucket(target):
    """One with an object."""
    name = target.new_bucket("settings")
    target.boto3().put_object(Bucket=name, Key="k", Body=b"bytes")
    return name


def test_access(target, bucket):
    """The owner may all, nobody else may anything, and it stays so."""
    s3 = target.boto3()
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        grants = [(g["Permission"], g["Grantee"]["ID"]) for g in acl["Grants"]]
        assert grants == [("FULL_CONTROL", acl["Owner"]["ID"])]
    code = "AccessControlListNotSupported"
    refused(lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"), code)
    refused(lambda: s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read"), code)
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert len(block) == 4 and all(block.values())
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    opened = {**block, "BlockPublicPolicy": False}
    refused(
        lambda: s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=opened),
        "NotImplemented",
    )
    owner = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert owner["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=owner)
    refused(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy")
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


def test_attributes(target, bucket):
    """GetObjectAttributes tells what a HEAD tells."""
    s3 = target.boto3()
    head = s3.head_object(Bucket=bucket, Key="k")
    names = ["ETag", "ObjectSize", "StorageClass", "ObjectParts", "Checksum"]
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=names)
    assert told["ETag"] == head["ETag"].strip('"')
    assert (told["ObjectSize"], told["StorageClass"]) == (5, "STANDARD")
    assert told["LastModified"] == head["LastModified"]
    etag = head["ETag"]
    upload = {"Bucket": bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(
        **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )
    told = s3.get_object_attributes(Bucket=bucket, Key="parts", ObjectAttributes=names)
    assert told["ObjectParts"]["TotalPartsCount"] == 1


def page(target, method, url, **headers):
    """What a browser sends for a page at https://page.example, and the answer."""
    parts = urllib.parse.urlsplit(url)
    with target.connect() as connection:
        return connection.call(
            rawhttp.Call(
                method, parts.path, raw_query=parts.query,
                headers={"Origin": "https://page.example", **headers},
            )
        )


def test_pages(target):
    """A page of another origin may do by a presigned URL what the bucket's rules let it, after a
    preflight that nobody signed, and nothing else.
    """
    s3 = target.boto3(signature="s3v4")
    bucket = target.new_bucket("pages")
    s3.put_object(Bucket=bucket, Key="k", Body=b"bytes")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    refused(lambda: s3.get_bucket_cors(Bucket=bucket), "NoSuchCORSConfiguration")
    wants = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    assert page(target, "OPTIONS", url, **wants).code() == "AccessForbidden"
    assert "access-control-allow-origin" not in page(target, "GET", url).headers
    rules = [{
        "AllowedOrigins": ["https://*.example"], "AllowedMethods": ["GET"],
        "AllowedHeaders": ["Range"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60,
    }]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    may = page(target, "OPTIONS", url, **wants)
    assert (may.status, may.headers["access-control-allow-headers"]) == (200, "range")
    read = page(target, "GET", url, Range="bytes=1-2")
    assert (read.status, read.body) == (206, b"yt")
    assert read.headers["access-control-allow-origin"] == "https://page.example"
    assert read.headers["access-control-expose-headers"] == "ETag"
    wants["Access-Control-Request-Method"] = "PUT"
    assert page(target, "OPTIONS", url, **wants).code() == "AccessForbidden"
    unsigned = page(target, "GET", url.split("?")[0])
    assert (unsigned.status, unsigned.code()) == (403, "AccessDenied")
    s3.delete_bucket_cors(Bucket=bucket)
    refused(lambda: s3.get_bucket_cors(Bucket=bucket), "NoSuchCORSConfiguration")


def test_tags_of_a_bucket(target):
    """They are kept, told and removed; they are not those of its objects."""
    s3 = target.boto3()
    bucket = target.new_bucket("tagged")
    refused(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet")
    tags = [{"Key": "team", "Value": "vision"}, {"Key": "empty", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    refused(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet")


def test_commands(target, bucket):
    """The awscli's and s3cmd's own words for it."""
    cli = clients.AwsCli(target)
    got = json.loads(cli.aws("s3api", "get-bucket-acl", "--bucket", bucket))
    assert got["Grants"][0]["Permission"] == "FULL_CONTROL"
    cli.close()
    s3cmd = clients.S3cmd(target)
    for url in (f"s3://{bucket}", f"s3://{bucket}/k"):
        said = s3cmd.s3cmd("info", url).decode()
        assert "FULL_CONTROL" in said, said
    s3cmd.close()


def test_encryption(target, bucket):
    """SSE-S3 is the origin's to do: what it says is told, and a folder says that it cannot."""
    s3 = target.boto3()
    named = {"Bucket": bucket, "Key": "encrypted", "Body": b"bytes"}
    if not target.label.startswith("seaweedfs-"):
        # A folder cannot, and a radosgw without keys for it does not.
        with pytest.raises(botocore.exceptions.ClientError) as error:
            s3.put_object(**named, ServerSideEncryption="AES256")
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501)
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="encrypted")
        return
    made = s3.put_object(**named, ServerSideEncryption="AES256")
    head = s3.head_object(Bucket=bucket, Key="encrypted")
    assert made["ServerSideEncryption"] == head["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="encrypted")["Body"].read() == b"bytes"
    refused(lambda: s3.put_object(**named, ServerSideEncryption="aws:kms"), "NotImplemented")
