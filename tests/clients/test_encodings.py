"""Uploads byte by byte: every encoding that SDKs send, in good order and damaged; a damaged one
leaves nothing behind.
"""

import datetime
import hashlib
import random
import secrets
import time

import pytest
from lib import proc, sigv4
from lib.rawhttp import Call, crc32_base64, md5_base64

BODY = random.Random(2).randbytes(150_001)  # two whole chunks of 64 KiB and a short one
CRC = "x-amz-checksum-crc32"


class Upload:
    """One upload in one encoding; fields of `call` and the encoder can be changed before it is
    sent.
    """

    def __init__(self, encoding, bucket, key, body=BODY):
        self.body = body
        self.call = Call("PUT", f"/{bucket}/{key}", body=body)
        self.encoding = encoding
        self.tamper = None
        self.checksum = crc32_base64(body)
        headers = self.call.headers
        if encoding.startswith("stream"):
            headers["x-amz-decoded-content-length"] = str(len(body))
            headers["Content-Encoding"] = "aws-chunked"
        if encoding.endswith("trailer"):
            headers["x-amz-trailer"] = CRC
            headers["x-amz-sdk-checksum-algorithm"] = "CRC32"
        self.call.payload = {
            "signed": None,
            "unsigned": sigv4.UNSIGNED,
            "stream-signed": sigv4.STREAM_SIGNED,
            "stream-signed-trailer": sigv4.STREAM_SIGNED_TRAILER,
            "stream-unsigned-trailer": sigv4.STREAM_UNSIGNED_TRAILER,
            "stream-unsigned-chunked-trailer": sigv4.STREAM_UNSIGNED_TRAILER,
        }[encoding]
        self.call.http_chunked = "chunked" in encoding

    def send(self, target, signer=None):
        """Sends it on its own connection and returns the Answer."""
        signer = signer or target.signer()

        def encode(seed):
            """Gives the bytes on the wire for this encoding."""
            if self.encoding in ("signed", "unsigned"):
                return self.body
            trailers = [(CRC, self.checksum)] if self.checksum else []
            if "unsigned" in self.encoding:
                return sigv4.plain_chunks(self.body, trailers=trailers)
            return sigv4.aws_chunks(
                signer,
                seed,
                self.body,
                tamper=self.tamper,
                trailers=trailers if "trailer" in self.encoding else None,
            )

        with target.connect() as connection:
            return connection.call(self.call, signer, encode)


ENCODINGS = [
    "signed",
    "unsigned",
    "stream-signed",
    "stream-signed-trailer",
    "stream-unsigned-trailer",
    "stream-unsigned-chunked-trailer",
]


def fresh():
    """A key that nothing else uses."""
    return f"k-{secrets.token_hex(6)}"


def skip_in_direct_mode(target, case):
    """True when the foreign server under direct check is known to differ here; never for
    Forebay.
    """
    return case in target.diverges


@pytest.mark.parametrize("style", ["path", "vhost"])
@pytest.mark.parametrize("expect", [False, True], ids=["plain", "expect"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_upload(target, bucket, encoding, expect, style):
    """Bodies from nothing to 3 MiB arrive as they were, with their MD5 as ETag and no trace of the
    encoding.
    """
    if "trailer" in encoding and skip_in_direct_mode(target, "trailers"):
        return
    for size in (0, 1, 65_536, len(BODY), 3 << 20):
        if size == 0 and skip_in_direct_mode(target, f"{encoding}-empty"):
            continue
        key = fresh()
        body = (BODY * 21)[:size]
        upload = Upload(encoding, bucket, key, body)
        upload.call.expect = expect
        upload.call.headers["Content-Type"] = "application/x-test"
        upload.call.headers["x-amz-meta-colour"] = "deep blue"
        if style == "vhost":
            port = target.endpoint.rsplit(":", 1)[1]
            upload.call.host = f"{bucket}.localhost:{port}"
            upload.call.path = f"/{key}"
        answer = upload.send(target)
        assert answer.status == 200, (size, answer)
        if expect and size:  # with nothing to send, 100 may be left out
            assert answer.continued, f"no 100 Continue at size {size}"
        assert answer.headers["etag"] == f'"{hashlib.md5(body).hexdigest()}"'
        read = target.get(bucket, key)
        assert (read.status, read.body == body) == (200, True), size
        assert read.headers["etag"] == answer.headers["etag"]
        assert read.headers["content-type"] == "application/x-test"
        assert read.headers["x-amz-meta-colour"] == "deep blue"
        if not skip_in_direct_mode(target, "content-encoding"):
            assert "content-encoding" not in read.headers


def test_virtual_host_reads(target, bucket):
    """GET, HEAD, list and delete work with the bucket in the Host header."""
    host = f"{bucket}.localhost:{target.endpoint.rsplit(':', 1)[1]}"
    key = fresh()
    assert Upload("signed", bucket, key).send(target).status == 200
    assert target.call("GET", f"/{key}", host=host).body == BODY
    assert target.call("HEAD", f"/{key}", host=host).headers["content-length"] == str(len(BODY))
    listed = target.call("GET", "/", host=host, query=[("list-type", "2"), ("prefix", key)])
    assert f"<Key>{key}</Key>".encode() in listed.body
    assert target.call("DELETE", f"/{key}", host=host).status == 204
    assert target.get(bucket, key).status == 404


def test_other_content_encoding_is_kept(target, bucket):
    """`aws-chunked,gzip` is stored as `gzip`."""
    if skip_in_direct_mode(target, "content-encoding"):
        return
    key = fresh()
    upload = Upload("stream-signed", bucket, key)
    upload.call.headers["Content-Encoding"] = "aws-chunked,gzip"
    assert upload.send(target).status == 200
    assert target.get(bucket, key).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("encoding", ["signed", "unsigned", "stream-unsigned-trailer"])
def test_checksum_is_returned(target, bucket, encoding):
    """A checksum given at upload comes back when it is asked for, but never on part of the
    object.
    """
    if skip_in_direct_mode(target, "checksums") or (
        "trailer" in encoding and skip_in_direct_mode(target, "trailers")
    ):
        return
    key = fresh()
    upload = Upload(encoding, bucket, key)
    if "trailer" not in encoding:
        upload.call.headers[CRC] = upload.checksum
    assert upload.send(target).headers[CRC] == upload.checksum
    if not target.keeps_checksums(encoding):
        return  # radosgw forgets them; a trailer comes too late for the headers of an origin's PUT
    mode = {"x-amz-checksum-mode": "ENABLED"}
    for method in ("GET", "HEAD"):
        assert target.call(method, f"/{bucket}/{key}", headers=mode).headers[CRC] == upload.checksum
        assert CRC not in target.call(method, f"/{bucket}/{key}").headers
    part = target.call("GET", f"/{bucket}/{key}", headers={**mode, "Range": "bytes=5-9"})
    assert part.status == 206 and part.body == BODY[5:10] and CRC not in part.headers


def test_multipart_with_trailers(target, bucket):
    """Parts uploaded in the trailer encoding make one object."""
    if skip_in_direct_mode(target, "trailers"):
        return
    key = fresh()
    first = (BODY * 40)[: 5 << 20]
    path = f"/{bucket}/{key}"
    begun = target.call("POST", path, query=[("uploads", "")])
    upload_id = begun.body.decode().split("<UploadId>")[1].split("<")[0]
    parts = ""
    for number, body in ((1, first), (2, BODY)):
        upload = Upload("stream-unsigned-chunked-trailer", bucket, key, body)
        upload.call.query = [("partNumber", str(number)), ("uploadId", upload_id)]
        answer = upload.send(target)
        assert answer.status == 200, answer
        parts += (
            f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.headers['etag']}</ETag></Part>"
        )
    done = target.call(
        "POST",
        path,
        query=[("uploadId", upload_id)],
        body=f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
    )
    assert done.status == 200 and not done.code(), done
    assert target.get(bucket, key).body == first + BODY


def damaged(name):
    """Builds (upload, signer options) for one kind of damage; the table below says what must come
    of it.
    """
    encoding = {
        "payload-hash": "signed",
        "chunk": "stream-signed",
        "trailer-signed": "stream-signed-trailer",
        "trailer-unsigned": "stream-unsigned-trailer",
        "decoded": "stream-signed",
    }
    kind = next((e for n, e in encoding.items() if name.startswith(n)), "unsigned")

    def make(target, bucket, key):
        """Makes the damaged upload."""
        upload = Upload(kind, bucket, key)
        headers, options = upload.call.headers, {}
        if name == "secret":
            options["secret_key"] = "wrong" * 8
        elif name == "access-key":
            options["access_key"] = "NOSUCHKEY00000000001"
        elif name == "payload-hash":
            upload.call.payload = hashlib.sha256(b"other").hexdigest()
        elif name == "chunk-first":
            upload.tamper = 0
        elif name == "chunk-last":
            upload.tamper = 2
        elif name.startswith("trailer"):
            upload.checksum = crc32_base64(b"other") if name.endswith("checksum") else None
        elif name == "decoded-length":
            headers["x-amz-decoded-content-length"] = str(len(BODY) + 1)
        elif name == "md5":
            headers["Content-MD5"] = md5_base64(b"other")
        elif name == "md5-malformed":
            headers["Content-MD5"] = "bm90IGFuIG1kNQ=="
        elif name == "crc32-header":
            headers[CRC] = crc32_base64(b"other")
        else:
            now = datetime.datetime.now(datetime.timezone.utc)
            options["date"] = now + datetime.timedelta(hours={"too-old": -1, "too-new": 1}[name])
        return upload, options

    return make


DAMAGE = {
    "secret": (403, "SignatureDoesNotMatch"),
    "access-key": (403, "InvalidAccessKeyId"),
    "payload-hash": (400, "XAmzContentSHA256Mismatch"),
    "chunk-first": (403, "SignatureDoesNotMatch"),
    "chunk-last": (403, "SignatureDoesNotMatch"),
    "trailer-signed-checksum": (400, "BadDigest"),
    "trailer-unsigned-checksum": (400, "BadDigest"),
    "trailer-signed-missing": (400, "MalformedTrailerError|InvalidRequest|IncompleteBody"),
    "trailer-unsigned-missing": (400, "MalformedTrailerError|InvalidRequest|IncompleteBody"),
    "decoded-length": (400, "IncompleteBody"),
    "md5": (400, "BadDigest"),
    "md5-malformed": (400, "InvalidDigest"),
    "crc32-header": (400, "BadDigest"),
    "too-old": (403, "RequestTimeTooSkewed"),
    "too-new": (403, "RequestTimeTooSkewed"),
}


@pytest.mark.parametrize("expect", [False, True], ids=["plain", "expect"])
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_upload(target, bucket, name, expect):
    """A damaged upload is refused with S3's error; no new object appears and an old one stays as it
    was.
    """
    if skip_in_direct_mode(target, name) or (
        name.startswith("trailer") and skip_in_direct_mode(target, "trailers")
    ):
        return
    new, old = fresh(), fresh()
    assert target.call("PUT", f"/{bucket}/{old}", body=b"old").status == 200
    for key in (new, old):
        upload, options = damaged(name)(target, bucket, key)
        upload.call.expect = expect
        answer = upload.send(target, target.signer(**options))
        if not skip_in_direct_mode(target, f"{name}:code"):
            status, codes = DAMAGE[name]
            assert answer.status == status and answer.code() in codes.split("|"), answer
        assert answer.status >= 400
    assert target.get(bucket, new).status == 404
    assert target.get(bucket, old).body == b"old"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_broken_off_upload(target, bucket, encoding):
    """A connection that closes in the middle of a body commits nothing."""
    if "trailer" in encoding and skip_in_direct_mode(target, "trailers"):
        return
    key = fresh()
    upload = Upload(encoding, bucket, key)
    signer = target.signer()
    whole = {"signed": lambda seed: BODY, "unsigned": lambda seed: BODY}.get(
        encoding,
        lambda seed: (
            sigv4.aws_chunks(signer, seed, BODY)
            if "unsigned" not in encoding
            else sigv4.plain_chunks(BODY, trailers=[(CRC, upload.checksum)])
        ),
    )
    upload.call.http_chunked = False
    upload.call.headers["Content-Length"] = str(len(whole("0" * 64)))
    with target.connect() as connection:
        connection.send(upload.call, signer, lambda seed: whole(seed)[:-20_000])
    time.sleep(0.3)
    assert target.get(bucket, key).status == 404


def test_anonymous_and_v2(target, bucket):
    """Requests without a signature, or with the old one, are refused."""
    key = fresh()
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with target.connect() as connection:
        answer = connection.call(Call("PUT", f"/{bucket}/{key}", body=b"x"))
    assert (answer.status, answer.code()) == (403, "AccessDenied")
    with target.connect() as connection:
        answer = connection.call(
            Call(
                "PUT",
                f"/{bucket}/{key}",
                body=b"x",
                headers={"Date": date, "Authorization": f"AWS {target.access_key}:c2lnbmF0dXJl"},
            )
        )
    assert answer.status in (400, 403) and answer.code()
    assert target.get(bucket, key).status == 404


def test_presigned(target, bucket):
    """A presigned GET and PUT work; changed, expired, for another key or method they do not."""
    key, host = fresh(), target.endpoint.split("//")[1]
    path = f"/{bucket}/{key}"

    def use(method, query, path=path, body=b""):
        """Uses a query string as it is."""
        with target.connect() as connection:
            return connection.call(Call(method, path, raw_query=query, body=body))

    put = target.signer().presign("PUT", host, path)
    bad = put[:-1] + ("0" if put[-1] != "0" else "1")
    old = target.signer(
        date=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=90)
    ).presign("PUT", host, path, expires=60)
    for query in (bad, put.replace("Expires=300", "Expires=301"), old):
        assert use("PUT", query, body=b"no").status == 403
    assert use("GET", put).status == 403
    assert target.get(bucket, key).status == 404
    assert use("PUT", put, body=BODY).status == 200
    get = target.signer().presign("GET", host, path)
    assert use("GET", get).body == BODY
    assert use("GET", get, path=path + "x").status == 403
    assert use("PUT", get, body=b"no").status == 403
    disposition = target.signer().presign(
        "GET", host, path, query=[("response-content-disposition", 'attachment; filename="a b"')]
    )
    assert use("GET", disposition).headers["content-disposition"] == 'attachment; filename="a b"'
    too_long = target.signer().presign("GET", host, path, expires=700_000)
    if not skip_in_direct_mode(target, "expires-limit"):
        assert use("GET", too_long).status in (400, 403)


def test_curl(target, bucket, tmp_path):
    """curl's own V4 signatures: with the payload header it works; without it, all or nothing."""
    (tmp_path / "up").write_bytes(BODY)
    (tmp_path / "home").mkdir()
    base = [
        "/usr/bin/curl",
        "-sS",
        "--max-time",
        "60",
        "--aws-sigv4",
        "aws:amz:us-east-1:s3",
        "--user",
        f"{target.access_key}:{target.secret_key}",
        "-w",
        "%{http_code}",
        *(["--cacert", target.ca] if target.ca else []),
    ]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home")}
    url = f"{target.endpoint}/{bucket}/{fresh()}"

    def curl(*argv):
        """Runs curl and returns the status."""
        return int(proc.run([*base, *argv], env=env).stdout[-3:])

    unsigned = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    assert curl("-o", tmp_path / "out", "-T", tmp_path / "up", *unsigned, url) == 200
    assert curl("-o", tmp_path / "down", *unsigned, url) == 200
    assert (tmp_path / "down").read_bytes() == BODY
    status = curl("-o", tmp_path / "out", "-T", tmp_path / "up", url + "-bare")
    read = target.call("GET", "/" + url.split("/", 3)[3] + "-bare")
    assert (
        (status, read.status) == (200, 200)
        and read.body == BODY
        or status in (400, 403)
        and read.status == 404
    )
