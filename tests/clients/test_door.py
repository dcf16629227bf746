"""The edges of the S3 door and of the admin address, seen from a socket: whom a request is for,
what a signature covers, and answers in S3's own words.
"""

import contextlib
import gzip
import hashlib
import json
import os
import re
import secrets
import subprocess
import urllib.parse

import pytest
from lib import daemon, sigv4
from lib.rawhttp import Call, Connection

pytestmark = pytest.mark.daemon


@pytest.fixture(scope="module")
def forebay(servers):
    """A daemon of its own over a folder, so that its log and its buckets are this module's."""
    with daemon.Forebay(default_origin=servers.origin("dir")) as running:
        yield running


@pytest.fixture(scope="module")
def target(forebay):
    """Its S3 address."""
    return forebay.target()


@pytest.fixture(scope="module")
def pair(target):
    """Two buckets that hold other bytes under one key."""
    names = [target.new_bucket(name) for name in ("alpha", "beta")]
    for name in names:
        assert target.call("PUT", f"/{name}/k", body=name.encode()).status == 200
    return names


def raw(target, *lines, body=b""):
    """Sends these very lines and returns the answer."""
    with target.connect() as connection:
        connection.continued = connection.early = None
        head = "\r\n".join(lines) + "\r\n\r\n"
        connection.sock.sendall(head.encode("latin-1") + body)
        return connection.receive(lines[0].split()[0])


def test_a_presigned_url_stays_with_its_bucket(target, pair):
    """An absolute target for another bucket, or another place of any kind, than the Host that was
    signed: refused, and nothing is read or written."""
    alpha, beta = pair
    port = target.endpoint.rsplit(":", 1)[1]
    signed_host = f"{alpha}.localhost:{port}"
    for method, body in (("GET", b""), ("PUT", b"overwritten")):
        query = target.signer().presign(method, signed_host, "/k")
        length = [f"Content-Length: {len(body)}"] if body else []

        def use(authority, host=signed_host):
            """The URL with that authority in the target."""
            line = f"{method} http://{authority}/k?{query} HTTP/1.1"
            return raw(target, line, f"Host: {host}", *length, body=body)

        for authority in (
            f"{beta}.localhost:{port}",
            f"127.0.0.1:{port}",
            f"{alpha}.localhost:1",
            f"{alpha}.localhost",
        ):
            answer = use(authority)
            assert answer.status == 400, (authority, answer)
            # Both changed: then they agree, and the signature is of another host.
            assert use(authority, authority).status in (403, 404), authority
    assert target.get(alpha, "k").body == alpha.encode()
    assert target.get(beta, "k").body == beta.encode()
    # Path style: the same key of a path below another host's bucket.
    path_signed = target.signer().presign("GET", f"127.0.0.1:{port}", f"/{beta}/k")
    answer = raw(
        target,
        f"GET http://{alpha}.localhost:{port}/{beta}/k?{path_signed} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
    )
    assert answer.status == 400, answer
    # An absolute target that agrees is served, whatever its case.
    query = target.signer().presign("GET", signed_host, "/k")
    line = f"GET http://{signed_host.upper()}/k?{query} HTTP/1.1"
    assert raw(target, line, f"Host: {signed_host}").body == alpha.encode()


def test_an_empty_bucket_name_is_no_service(target, pair):
    """`//bucket/key`, `//` and a subresource of nothing list no buckets."""
    for path, query in (("//" + pair[0] + "/k", []), ("//", []), ("/", [("location", "")])):
        answer = target.call("GET", path, query=query)
        assert answer.status in (400, 405) and pair[0].encode() not in answer.body.split(
            b"<Resource>"
        )[0], (path, answer)
    assert target.call("GET", "/", query=[("max-buckets", "0")]).code() == "InvalidArgument"
    region = target.call("GET", "/", query=[("bucket-region", "moon-1")])
    assert region.status == 200 and pair[0].encode() not in region.body


def test_an_upload_without_a_length_is_refused(target, pair):
    """411, and the object stays; an empty one says so with a length."""
    bucket = pair[0]
    with target.connect() as connection:
        signer = target.signer()
        headers = {"Host": connection.host}
        signer.sign("PUT", f"/{bucket}/k", [], headers, hashlib.sha256(b"").hexdigest())
    lines = [f"{n}: {v}" for n, v in headers.items()]
    answer = raw(target, f"PUT /{bucket}/k HTTP/1.1", *lines)
    assert (answer.status, answer.code()) == (411, "MissingContentLength")
    assert target.get(bucket, "k").body == bucket.encode()
    key = secrets.token_hex(4)
    assert target.call("PUT", f"/{bucket}/{key}").status == 200


def test_a_new_bucket_is_what_was_asked_for(target):
    """What CreateBucket cannot do it refuses, and makes nothing."""
    xml = "<CreateBucketConfiguration>{}</CreateBucketConfiguration>"
    place = "<LocationConstraint>{}</LocationConstraint>"
    name = f"asked-{secrets.token_hex(4)}"
    for headers, body, code in (
        ({"x-amz-acl": "public-read"}, "", "AccessControlListNotSupported"),
        ({"x-amz-grant-read": "id=1"}, "", "NotImplemented"),
        ({"x-amz-object-ownership": "ObjectWriter"}, "", "NotImplemented"),
        ({"x-amz-bucket-object-lock-enabled": "true"}, "", "NotImplemented"),
        ({}, xml.format(place.format("mars-1")), "IllegalLocationConstraintException"),
        ({}, xml.format("<Tags><Tag/></Tags>"), "NotImplemented"),
        ({}, xml.format("<Odd/>"), "MalformedXML"),
        ({}, "<not xml", "MalformedXML"),
        ({}, "{}", "MalformedXML"),
    ):
        answer = target.call("PUT", f"/{name}", headers=headers, body=body.encode())
        assert answer.code() == code, (headers, body, answer)
        assert target.call("HEAD", f"/{name}").status == 404
    good = {"x-amz-acl": "private", "x-amz-object-ownership": "BucketOwnerEnforced"}
    body = xml.format(place.format("us-east-1")).encode()
    assert target.call("PUT", f"/{name}", headers=good, body=body).status == 200


def test_objects_are_what_was_asked_for(target, pair):
    """An unknown storage class is refused; a coding keeps its spelling; headers of a presigned
    query count."""
    path = f"/{pair[0]}/{secrets.token_hex(4)}"
    wrong = target.call("PUT", path, headers={"x-amz-storage-class": "SHINY"}, body=b"x")
    assert (wrong.status, wrong.code()) == (400, "InvalidStorageClass")
    assert target.call("HEAD", path).status == 404
    coded = {"Content-Encoding": "deflate, gzip"}
    assert target.call("PUT", path, headers=coded, body=gzip.compress(b"x")).status == 200
    assert target.call("GET", path).headers["content-encoding"] == "deflate, gzip"

    def put(*query):
        """A presigned PUT with these parameters more."""
        host = target.endpoint.split("//")[1]
        signed = target.signer().presign("PUT", host, path, query=query)
        with target.connect() as connection:
            return connection.call(Call("PUT", path, raw_query=signed, body=b"y"))

    assert put(("x-amz-acl", "public-read")).code() == "AccessControlListNotSupported"
    assert put(("x-amz-website-redirect-location", "/a")).code() == "NotImplemented"
    assert put(("x-amz-expected-bucket-owner", "111122223333")).code() == "AccessDenied"
    assert target.call("GET", path).headers["content-encoding"] == "deflate, gzip"
    # What the SDK for JavaScript signs for a body it has not seen.
    assert put(("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-meta-a", "1")).status == 200
    assert target.call("GET", path).headers["x-amz-meta-a"] == "1"


def test_the_part_of_an_empty_object(target, pair):
    """Part 1 of nothing is the object: no range that cannot be."""
    path = f"/{pair[0]}/{secrets.token_hex(4)}"
    assert target.call("PUT", path).status == 200
    for method in ("GET", "HEAD"):
        answer = target.call(method, path, query=[("partNumber", "1")])
        assert (answer.status, answer.body) == (200, b""), answer
        assert "content-range" not in answer.headers


def test_a_failed_condition_is_named(target, pair):
    """s3fs looks for the condition in a 412."""
    path = f"/{pair[0]}/k"
    for headers, name in (
        ({"If-None-Match": "*"}, "If-None-Match"),
        ({"If-Match": '"no"'}, "If-Match"),
    ):
        answer = target.call("PUT", path, headers=headers, body=b"other")
        assert answer.status == 412 and f"<Condition>{name}</Condition>" in answer.body.decode()
    for name, value in (
        ("If-Match", '"no"'),
        ("If-Unmodified-Since", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ):
        answer = target.call("GET", path, headers={name: value})
        assert answer.status == 412 and f"<Condition>{name}</Condition>" in answer.body.decode()
    assert target.get(pair[0], "k").body == pair[0].encode()


def test_what_is_no_text_is_refused(target, pair):
    """Bytes that XML cannot hold do not come back as broken XML."""
    host = target.endpoint.split("//")[1]
    for query in ("prefix=%FF", "prefix=%00", "marker=%ED%A0%80", "delimiter=%C3"):
        with target.connect() as connection:
            signer = target.signer()
            headers = {"Host": host}
            # Signed as sent.
            pairs = [(n, urllib.parse.unquote_to_bytes(v)) for n, v in [query.split("=")]]
            signer.sign("GET", f"/{pair[0]}", pairs, headers, hashlib.sha256(b"").hexdigest())
            lines = [f"{n}: {v}" for n, v in headers.items()]
        answer = raw(target, f"GET /{pair[0]}?{query} HTTP/1.1", *lines)
        assert (answer.status, answer.code()) == (400, "InvalidURI"), (query, answer)


def test_refusals_have_their_code(target, pair):
    """A transfer coding that is not known is not implemented; a session token is invalid; an
    expectation that is not known is passed over."""
    host = f"Host: {target.endpoint.split('//')[1]}"
    coded = raw(target, f"PUT /{pair[0]}/k HTTP/1.1", host, "Transfer-Encoding: gzip")
    assert (coded.status, coded.code()) == (501, "NotImplemented")
    token = target.call("GET", f"/{pair[0]}", headers={"x-amz-security-token": "x"})
    assert (token.status, token.code()) == (400, "InvalidToken")
    path = f"/{pair[0]}/{secrets.token_hex(4)}"
    assert target.call("PUT", path, headers={"Expect": "200-ok"}, body=b"x").status == 200


def test_a_form_without_a_policy_is_nobodys(target, pair):
    """A browser's form has its signature in its body; without one it counts as unsigned."""
    form = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    form += b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'
    call = Call("POST", f"/{pair[0]}", body=form,
                headers={"Content-Type": "multipart/form-data; boundary=b"})
    with target.connect() as connection:
        answer = connection.call(call, None)
    assert (answer.status, answer.code()) == (403, "AccessDenied")


def test_the_log_and_the_counters_tell_who_was_wrong(forebay, target, pair):
    """What a client causes is no warning and no error of the server; a 416 has its code in the
    access log."""
    errors = forebay.metric("forebay_s3_requests_total", result="server_error")
    assert target.call("GET", f"/{pair[0]}", query=[("website", "")]).status == 501
    headers = {"x-amz-object-lock-mode": "GOVERNANCE"}
    assert target.call("PUT", f"/{pair[0]}/k", headers=headers).status == 501
    answer = target.get(pair[0], "k", Range="bytes=999-")
    assert answer.code() == "InvalidRange"
    log = (forebay.root / "log").read_text()
    assert "request failed" not in log
    assert forebay.metric("forebay_s3_requests_total", result="server_error") == errors


def test_the_admin_address_takes_signed_bodies_only(forebay):
    """A control request whose signature does not cover its body is refused."""
    host = forebay.admin_address
    name = f"ordered-{secrets.token_hex(4)}"
    (forebay.root / name).mkdir()
    body = json.dumps({"name": name, "origin": f"dir://{forebay.root}/{name}"}).encode()

    class AdminSigner(sigv4.Signer):
        """The same for the service of the admin address."""

        def __init__(self):
            super().__init__(daemon.ACCESS_KEY, daemon.SECRET_KEY)
            self.scope = self.scope.replace("/s3/", "/forebay/")
            key = b"AWS4" + daemon.SECRET_KEY.encode()
            for part in (self.stamp[:8], self.region, "forebay", "aws4_request"):
                key = sigv4._hmac(key, part)
            self.key = key

    def post(payload):
        """Asks for a bucket with that x-amz-content-sha256."""
        with contextlib.closing(Connection(f"http://{host}")) as connection:
            return connection.call(
                Call("POST", "/v1/buckets", body=body, payload=payload), AdminSigner()
            )

    def delete(query):
        """Removes that bucket, with parameters."""
        with contextlib.closing(Connection(f"http://{host}")) as connection:
            call = Call("DELETE", f"/v1/buckets/{name}", query=query)
            return connection.call(call, AdminSigner())

    assert post("UNSIGNED-PAYLOAD").status == 400
    assert post(hashlib.sha256(b"other").hexdigest()).status == 400
    assert name not in forebay.cli("bucket", "ls")
    assert post(None).status == 201
    assert delete([("dry-run", "true")]).status == 400
    assert delete([("X-Amz-Dry-Run", "true")]).status == 400
    assert name in forebay.cli("bucket", "ls")
    for members, word in [({"unit_max": 1}, b"1048576"), ({"fill": "some"}, b"adaptive")]:
        body = json.dumps({"name": "other"} | members).encode()
        answer = post(None)
        assert answer.status == 400 and word in answer.body, "what cannot be is told"
    assert delete([]).status == 204


def test_what_is_typed_wrong_ends_with_2(forebay, tmp_path):
    """Also where only the server knows that it is wrong; what fails otherwise ends with 1."""
    folder = f"dir://{tmp_path}"
    forebay.cli("bucket", "create", "typed-own", "--native")
    forebay.cli("bucket", "create", "typed-dir", "--origin", folder)

    def code(*words):
        """What the command ends with."""
        env = os.environ | forebay.env | {"FOREBAY_ADMIN": forebay.admin_address}
        return subprocess.run([daemon.binary(), "bucket", *words], env=env).returncode

    for words in [
        ["Bad_Name"],
        ["typed", "--origin", folder, "--freshness", "soon"],
        ["typed", "--origin", folder, "--fill", "some"],
        ["typed", "--origin", folder, "--verify", "never"],
        ["typed", "--origin", folder, "--hedge", "p99"],
        ["typed", "--origin", folder, "--hedge", "p50"],
        ["typed", "--origin", folder, "--origin-region", "r"],
        ["typed", "--origin", folder, "--max-bytes", "1"],
        ["typed", "--origin", "dir://relative"],
        ["typed", "--origin", "ftp://host"],
        ["typed", "--origin", "s3://?endpoint=http://127.0.0.1:1"],
        ["typed", "--origin", "s3://bkt?endpoint=none"],
        ["typed", "--origin", "s3://bkt?what=x"],
    ]:
        assert code("create", *words) == 2, words
    assert "typed " not in forebay.cli("bucket", "ls")
    assert code("set", "typed-dir", "--max-bytes", "1") == 2
    assert code("set", "typed-own", "--hedge", "p99") == 2
    assert code("create", "typed-own", "--native") == 1, "it is there"
    assert code("set", "typed-none", "--max-bytes", "1") == 1
    assert code("create", "typed", "--origin", "s3://bkt?endpoint=http://127.0.0.1:1") == 1


def test_root_keys_of_the_environment_serve_with_a_data_folder(forebay):
    """A daemon with root keys from its environment writes no credentials file; `--data` then means
    those keys too."""
    assert not (forebay.data / "credentials").exists()
    name = f"made-{secrets.token_hex(4)}"
    origin = forebay.root / name
    origin.mkdir()
    forebay.cli("--data", forebay.data, "bucket", "create", name, "--origin", f"dir://{origin}")
    assert re.search(name, forebay.cli("--data", forebay.data, "bucket", "ls"))
