"""Stock clients against Forebay over every origin, http and https: what they write is what anyone
reads.
"""

import hashlib
import random
import secrets
import threading
import urllib.parse

import pytest
from lib import rawhttp

MIB = 1024 * 1024
PART = 8 * MIB  # all four clients are at, or set to, parts of 8 MiB
LARGE = random.Random(1).randbytes(21 * MIB + 17)


def etag_of_parts(body, part=PART):
    """The ETag that S3 gives to a multipart upload: MD5 of the parts' MD5s, dash, their number."""
    digests = [hashlib.md5(body[i : i + part]).digest() for i in range(0, len(body), part)]
    return f'"{hashlib.md5(b"".join(digests)).hexdigest()}-{len(digests)}"'


@pytest.fixture(scope="session")
def many(target):
    """A bucket full of keys, made once per target: 2,500 over http, fewer where only TLS
    differs.
    """
    count = 2500 if target.ca is None else 120
    bucket = target.new_bucket("many")
    keys = [f"many/d{i % 7}/key-{i:05d}" for i in range(count)]
    failed = []

    def put(mine):
        """Writes one thread's share of the keys over one connection."""
        try:
            with target.connect() as connection:
                signer = target.signer()
                for key in mine:
                    answer = connection.call(
                        rawhttp.Call("PUT", f"/{bucket}/{key}", body=key.encode()), signer
                    )
                    assert answer.status == 200, answer
        except Exception as error:  # noqa: BLE001: reported by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=put, args=(keys[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failed, failed[0]
    return bucket, sorted(keys)


@pytest.fixture(scope="session")
def large(target):
    """A multipart object of 21 MiB, made once per target."""
    bucket = target.new_bucket("large")
    s3 = target.boto3()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    parts = []
    for number in range(1, 4):
        body = LARGE[(number - 1) * PART : number * PART]
        tag = s3.upload_part(
            Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=body
        )
        parts.append({"PartNumber": number, "ETag": tag["ETag"]})
    s3.complete_multipart_upload(
        Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    return bucket


@pytest.fixture(scope="session")
def home(client):
    """A bucket that the client itself made."""
    bucket = f"{client.name}-{secrets.token_hex(4)}"
    client.make_bucket(bucket)
    return bucket


def fetch(target, method, url, body=b""):
    """Uses a presigned URL without signing or adding anything; returns status and body."""
    parts = urllib.parse.urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == target.endpoint
    assert "X-Amz-Signature=" in parts.query, "not a V4 signature"
    with target.connect() as connection:
        answer = connection.call(rawhttp.Call(method, parts.path, raw_query=parts.query, body=body))
    return answer.status, answer.body


def test_bucket(client, target):
    """A client makes a bucket, it is listed, the client removes it, it is gone."""
    bucket = f"{client.name}-{secrets.token_hex(4)}"
    client.make_bucket(bucket)
    assert bucket in [b["Name"] for b in target.boto3().list_buckets()["Buckets"]]
    assert target.call("HEAD", f"/{bucket}").status == 200
    client.remove_bucket(bucket)
    assert target.call("HEAD", f"/{bucket}").status == 404
    assert bucket not in [b["Name"] for b in target.boto3().list_buckets()["Buckets"]]


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_small_object(client, home, target, tmp_path, size):
    """A small file goes up and comes back; an independent reader sees the same bytes and their MD5
    as ETag.
    """
    body = random.Random(size).randbytes(size)
    (tmp_path / "up").write_bytes(body)
    client.put(home, f"small/{size}", tmp_path / "up")
    client.get(home, f"small/{size}", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == body
    answer = target.get(home, f"small/{size}")
    assert answer.status == 200 and answer.body == body
    assert answer.headers["etag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert answer.headers["content-length"] == str(size)


def test_large_object(client, home, target, tmp_path):
    """A file above the client's multipart threshold goes up in parts and comes back whole."""
    (tmp_path / "up").write_bytes(LARGE)
    client.put(home, "large", tmp_path / "up")
    head = target.call("HEAD", f"/{home}/large")
    assert head.headers["etag"] == etag_of_parts(LARGE)
    client.get(home, "large", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == LARGE
    answer = target.get(home, "large")
    assert answer.status == 200 and answer.body == LARGE


def test_overwrite(client, home, target, tmp_path):
    """A second upload under the same key replaces the first for the client and for others."""
    for body in (b"first" * 1000, b"second, shorter"):
        (tmp_path / "up").write_bytes(body)
        client.put(home, "twice", tmp_path / "up")
        client.get(home, "twice", tmp_path / "down")
        assert (tmp_path / "down").read_bytes() == body
        assert target.get(home, "twice").body == body


def test_odd_key(client, home, target, tmp_path):
    """Keys that need escaping survive signing, paths and listings."""
    key = "odd/a b+c&d=e,f;g@h$(1)~é%25.bin"
    (tmp_path / "up").write_bytes(b"odd")
    client.put(home, key, tmp_path / "up")
    client.get(home, key, tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"odd"
    assert target.get(home, key).body == b"odd"
    assert client.list(home, "odd/") == [key]
    client.delete(home, key)
    assert target.get(home, key).status == 404


def test_list_by_pages(client, many):
    """Every key is listed exactly once, across pages; S3's order is asked of clients that keep
    it.
    """
    bucket, keys = many
    listed = client.list(bucket, "many/")
    assert len(listed) == len(keys)
    assert sorted(listed) == keys
    if client.name != "rclone":  # rclone prints in its own order
        assert listed == keys


@pytest.mark.parametrize(
    "first,last",
    [(0, 0), (PART - 3, PART + 4), (12_345_678, 12_445_678), (len(LARGE) - 5, len(LARGE) - 1)],
)
def test_ranged_get(client, large, first, last):
    """Ranges at the start, across a part boundary, inside a part and at the end."""
    if not client.can_range:
        last = len(LARGE) - 1  # s3cmd reads "from here to the end" only
        first = max(first, 1)
    assert client.read_range(large, "large", first, last) == LARGE[first : last + 1]


def test_presigned_get(client, home, target, tmp_path):
    """A presigned GET works with a plain HTTP client."""
    (tmp_path / "up").write_bytes(b"presigned get")
    client.put(home, "presigned/get me", tmp_path / "up")
    url = client.presign("GET", home, "presigned/get me")
    assert fetch(target, "GET", url) == (200, b"presigned get")


def test_presigned_put(client, home, target, tmp_path):
    """A presigned PUT works with a plain HTTP client, and the client then reads the object."""
    url = client.presign("PUT", home, "presigned/put me")
    status, _ = fetch(target, "PUT", url, b"presigned put")
    assert status == 200
    client.get(home, "presigned/put me", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"presigned put"


def test_delete(client, home, target, tmp_path):
    """One object and then several are deleted; they are gone from reads and lists, the others
    stay.
    """
    (tmp_path / "up").write_bytes(b"x")
    keys = [f"delete/{i}" for i in range(5)]
    for key in keys:
        client.put(home, key, tmp_path / "up")
    client.delete(home, keys[0])
    client.delete(home, *keys[1:4])
    assert client.list(home, "delete/") == keys[4:]
    for key in keys[:4]:
        answer = target.get(home, key)
        assert (answer.status, answer.code()) == (404, "NoSuchKey")
    assert target.get(home, keys[4]).body == b"x"
