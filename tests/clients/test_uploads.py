"""boto3's managed uploads in parts with checksums: what the client asks for is verified, kept, and
told again; a wrong word about the whole leaves nothing behind.
"""

import base64
import hashlib
import io
import random
import struct
import zlib

import boto3.s3.transfer
import botocore.exceptions
import pytest

MIB = 1024 * 1024
PART = 5 * MIB
BODY = random.Random(5).randbytes(11 * MIB + 3)
PARTS = [BODY[i : i + PART] for i in range(0, len(BODY), PART)]
CONFIG = boto3.s3.transfer.TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
# Those that botocore can reckon by itself.
RAW = {
    "CRC32": lambda data: struct.pack(">I", zlib.crc32(data)),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def text(raw):
    """A checksum as S3 writes it."""
    return base64.b64encode(raw).decode()


def composite(algorithm):
    """What S3 makes of the parts' checksums."""
    raw = RAW[algorithm]
    return f"{text(raw(b''.join(raw(part) for part in PARTS)))}-{len(PARTS)}"


def keeps(target):
    """Whether the origin keeps checksums of uploads and tells them."""
    return target.label.startswith("dir-")


@pytest.fixture(scope="session")
def bucket(target):
    """One bucket per target."""
    return target.new_bucket("uploads")


def head(target, bucket, key):
    """HEAD with the checksums."""
    return target.boto3().head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")


@pytest.mark.parametrize("algorithm", ["", *RAW])
def test_each_algorithm(target, bucket, algorithm):
    """Every algorithm goes up and comes down, and the object has the composite checksum."""
    s3 = target.boto3()
    extra = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    s3.upload_fileobj(io.BytesIO(BODY), bucket, f"a{algorithm}", ExtraArgs=extra, Config=CONFIG)
    down = io.BytesIO()
    s3.download_fileobj(bucket, f"a{algorithm}", down, Config=CONFIG)
    assert down.getvalue() == BODY
    if not keeps(target):
        return
    told = head(target, bucket, f"a{algorithm}")
    used = algorithm or "CRC32"  # what botocore takes when nobody says
    assert told[f"Checksum{used}"] == composite(used)
    assert told["ChecksumType"] == "COMPOSITE"
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"a{algorithm}")["Contents"][0]
    assert listed["ChecksumAlgorithm"] == [used] and listed["ChecksumType"] == "COMPOSITE"


def test_whole(target, bucket):
    """The checksum of all bytes, said beforehand: verified where it can be, never passed over."""
    s3 = target.boto3()
    crc = text(RAW["CRC32"](BODY))
    up = {"ChecksumCRC32": crc, "ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    try:
        s3.upload_fileobj(io.BytesIO(BODY), bucket, "whole", ExtraArgs=up, Config=CONFIG)
    except botocore.exceptions.ClientError as error:
        assert not keeps(target) and error.response["Error"]["Code"] == "NotImplemented"
    else:
        assert s3.get_object(Bucket=bucket, Key="whole")["Body"].read() == BODY
        if keeps(target):
            told = head(target, bucket, "whole")
            assert told["ChecksumCRC32"] == crc and told["ChecksumType"] == "FULL_OBJECT"


def test_wrong_whole(target, bucket):
    """A wrong checksum of the whole: refused, and there is no object."""
    s3 = target.boto3()
    up = {"ChecksumCRC32": "AAAAAA==", "ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        s3.upload_fileobj(io.BytesIO(BODY), bucket, "wrong", ExtraArgs=up, Config=CONFIG)
    code = raised.value.response["Error"]["Code"]
    assert code == "BadDigest" or (not keeps(target) and code == "NotImplemented")
    assert target.call("HEAD", f"/{bucket}/wrong").status == 404


def begin(s3, bucket):
    """An upload with one part; its id, and what completes it."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="up")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="up", UploadId=upload, PartNumber=1, Body=b"old bytes")
    return upload, {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}


def test_bucket_made_anew(target):
    """An upload of a bucket that was deleted and made again is no upload of the new one."""
    s3 = target.boto3()
    bucket = target.new_bucket("anew")
    upload, parts = begin(s3, bucket)
    s3.delete_bucket(Bucket=bucket)
    assert target.call("HEAD", f"/{bucket}").status == 404
    s3.create_bucket(Bucket=bucket)
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        s3.complete_multipart_upload(
            Bucket=bucket, Key="up", UploadId=upload, MultipartUpload=parts
        )
    # radosgw 16 answers 5xx for an upload that it has ended.
    code = raised.value.response["Error"]["Code"]
    assert code == "NoSuchUpload" or target.label.startswith("radosgw-")
    assert target.call("HEAD", f"/{bucket}/up").status == 404
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_folder_goes_with_its_bucket(servers, target):
    """The folder that Forebay made for a bucket does not stay behind."""
    if not keeps(target):
        return
    s3 = target.boto3()
    bucket = target.new_bucket("folder")
    folder = servers.origin("dir").root / bucket
    begin(s3, bucket)
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"x")
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        s3.delete_bucket(Bucket=bucket)
    assert raised.value.response["Error"]["Code"] == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="a/b")
    s3.delete_bucket(Bucket=bucket)
    assert not folder.exists()


def test_completion_asked_again(target, bucket):
    """A client that lost the answer to its completion gets it again."""
    if not keeps(target):
        return  # the origin's own rule
    s3 = target.boto3()
    upload, parts = begin(s3, bucket)
    call = {"Bucket": bucket, "Key": "up", "UploadId": upload, "MultipartUpload": parts}
    first = s3.complete_multipart_upload(**call)
    assert s3.complete_multipart_upload(**call)["ETag"] == first["ETag"]
    s3.put_object(Bucket=bucket, Key="up", Body=b"newer")
    assert s3.complete_multipart_upload(**call)["ETag"] == first["ETag"]
    assert s3.get_object(Bucket=bucket, Key="up")["Body"].read() == b"newer"
