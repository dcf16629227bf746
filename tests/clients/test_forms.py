"""PostObject: forms that boto3 signs, sent by curl, by Python's own multipart, and byte by byte."""

import base64
import contextlib
import email.generator
import io
import json
import random
import socket
import ssl
import urllib.error
import urllib.request
import uuid

import pytest
import test_connections
from lib import daemon, proc
from test_copy import read

pytestmark = pytest.mark.daemon
MIB = 1 << 20
LARGE = random.Random(5).randbytes(6 * MIB + 17)


@pytest.fixture(scope="module")
def bucket(target):
    """One bucket for all tests of a target."""
    return target.new_bucket("forms")


def form(target, bucket, key, fields=None, conditions=(), expires=600):
    """What boto3's generate_presigned_post gives."""
    fields = dict(fields or {})
    all_of_them = [*conditions, *({name: value} for name, value in fields.items())]
    return target.boto3(signature="s3v4").generate_presigned_post(
        bucket, key, Fields=fields, Conditions=all_of_them, ExpiresIn=expires
    )


def encode(fields, body, filename="the file.txt", behind=()):
    """multipart/form-data: its type and bytes."""
    boundary = email.generator._make_boundary()
    out = io.BytesIO()

    def add(name, value, more=""):
        """One part."""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
        out.write(head.encode() + value + b"\r\n")

    for name, value in fields.items():
        add(name, value.encode())
    add("file", body, f'; filename="{filename}"\r\nContent-Type: application/octet-stream')
    for name, value in behind:
        add(name, value.encode())
    out.write(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", out.getvalue()


class Answer:
    """Status, headers, body, S3's code."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.code = body.split(b"<Code>")[1].split(b"<")[0].decode() if b"<Code>" in body else ""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    def redirect_request(self, *_):
        return None


def send(target, url, fields, body, headers=None, **more):
    """Sends a form by urllib."""
    kind, data = encode(fields, body, **more)
    fields_of_head = {"Content-Type": kind, **(headers or {})}
    request = urllib.request.Request(url, data=data, headers=fields_of_head)
    handlers = [NoRedirect()]
    if target.ca:
        handlers.append(
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(target.ca)))
        )
    try:
        answer = urllib.request.build_opener(*handlers).open(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Answer(answer.status, answer.headers, answer.read())


@pytest.mark.parametrize("size", [0, 1000, 65_536, len(LARGE)])
def test_uploads(target, bucket, size):
    """Bytes, type and metadata; read at once; the answer's ETag is the object's."""
    s3, key = target.boto3(), f"up/ü {size}"
    fields = {"Content-Type": "text/x", "x-amz-meta-color": "blue", "success_action_status": "201"}
    made = form(target, bucket, key, fields, [["content-length-range", size, size]])
    answer = send(target, made["url"], made["fields"], LARGE[:size])
    assert answer.status == 201, answer.body
    assert f"<Key>{key}</Key>".encode() in answer.body
    head = s3.head_object(Bucket=bucket, Key=key)
    assert head["ETag"] == answer.headers["etag"]
    assert (head["ContentType"], head["Metadata"]) == ("text/x", {"color": "blue"})
    assert read(s3, bucket, key) == LARGE[:size]
    with_more = send(target, made["url"], made["fields"], LARGE[:size] + b"x")
    assert (with_more.status, with_more.code) == (400, "EntityTooLarge")
    assert read(s3, bucket, key) == LARGE[:size]


def test_curl(target, bucket, tmp_path):
    """curl -F, with the file's name in the key, and what it makes of 100-continue."""
    (tmp_path / "data.bin").write_bytes(LARGE)
    made = form(target, bucket, "curl/${filename}")
    argv = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", made["url"]]
    for name, value in made["fields"].items():
        argv += ["-F", f"{name}={value}"]
    argv += ["-F", f"file=@{tmp_path}/data.bin"]
    if target.ca:
        argv += ["--cacert", str(target.ca)]
    for more in ([], ["-H", "Expect: 100-continue"]):
        assert proc.run([*argv, *more]).stdout == b"204"
        assert read(target.boto3(), bucket, "curl/data.bin") == LARGE
        target.boto3().delete_object(Bucket=bucket, Key="curl/data.bin")


def test_redirect(target, bucket):
    """A browser is sent on to the page that the form names."""
    fields = {"success_action_redirect": "http://page.example/done?a=b"}
    made = form(target, bucket, "redirect", fields)
    answer = send(target, made["url"], made["fields"], b"x")
    assert answer.status == 303
    to = answer.headers["location"]
    assert to.startswith(f"http://page.example/done?a=b&bucket={bucket}&key=redirect&etag=%22")


def test_refusals(target, bucket):
    """What the policy does not allow, and forms that are none; nothing is written."""
    key = f"refused/{uuid.uuid4()}"
    made = form(target, bucket, key, {"x-amz-meta-a": "1"})
    url, good = made["url"], made["fields"]

    def refused(status, code, fields, body=b"x", **more):
        """One form that is refused so."""
        answer = send(target, url, fields, body, **more)
        assert (answer.status, answer.code) == (status, code), answer.body

    refused(403, "AccessDenied", {"key": key})
    refused(403, "AccessDenied", {**good, "key": key + "x"})
    refused(403, "AccessDenied", {**good, "x-amz-meta-b": "2"})
    refused(403, "AccessDenied", {k: v for k, v in good.items() if k != "x-amz-meta-a"})
    refused(403, "SignatureDoesNotMatch", {**good, "x-amz-signature": "0" * 64})
    free = json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": []}).encode()
    other = base64.b64encode(free).decode()
    refused(403, "SignatureDoesNotMatch", {**good, "policy": other})
    nobody = good["x-amz-credential"].replace("FOREBAY", "NOBODY")
    refused(403, "InvalidAccessKeyId", {**good, "x-amz-credential": nobody})
    refused(403, "AccessDenied", form(target, bucket, key, expires=-5)["fields"])
    for fields, status, code in (
        ({"acl": "public-read"}, 400, "AccessControlListNotSupported"),
        ({"x-amz-server-side-encryption": "aws:kms"}, 501, "NotImplemented"),
        ({"x-amz-meta-long": "x" * 3000}, 400, "MetadataTooLarge"),
        ({"padding": "x" * 21_000}, 400, "MaxPostPreDataLengthExceededError"),
    ):
        refused(status, code, form(target, bucket, key, fields)["fields"])
    refused(400, "MalformedPOSTRequest", good, LARGE, behind=[("submit", "Send")])
    assert "Contents" not in target.boto3().list_objects_v2(Bucket=bucket, Prefix="refused/")
    assert send(target, url, good, b"small", behind=[("submit", "Send")]).status == 204
    assert read(target.boto3(), bucket, key) == b"small"


def test_pages(target, bucket):
    """CORS answers a form as it does any POST."""
    s3 = target.boto3()
    if not target.label.startswith(("dir", "native")):
        return
    rule = {"AllowedMethods": ["POST"], "AllowedOrigins": ["http://page.example"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    made = form(target, bucket, "page")
    page = {"Origin": "http://page.example"}
    answer = send(target, made["url"], made["fields"], b"x", headers=page)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "http://page.example"
    s3.delete_bucket_cors(Bucket=bucket)


def test_boundaries_split_over_reads():
    """Every place where a form may be cut between two packets."""
    with daemon.Forebay() as forebay:
        forebay.create_native("cut")
        target = forebay.target()
        host, port = target.endpoint.removeprefix("http://").split(":")
        body = b"\r\n--\r\n" + bytes(70_000) + b"\r\n-"
        made = form(target, "cut", "k")
        kind, data = encode(made["fields"], body)
        head = f"POST /cut HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\n"
        head = (head + f"Content-Length: {len(data)}\r\n\r\n").encode()
        end = len(data)
        cuts = [1, 50, 100, end - 70_100, *range(end - 60, end, 3)]
        with socket.create_connection((host, int(port))) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for cut in cuts:
                connection.sendall(head + data[:cut])
                connection.sendall(data[cut:])
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(4096)
                assert answer.startswith(b"HTTP/1.1 204"), (cut, answer)
        assert read(target.boto3(), "cut", "k") == body


def half_front(forebay, size):
    """A connection that stops in a field of a form."""
    return test_connections.dial(
        forebay,
        f"POST /forms HTTP/1.1\r\nHost: {forebay.s3_address}\r\nContent-Length: 99999\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        '--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n'.encode() + b"a" * size,
    )


def half_forms(forebay, over):
    """Strangers that stop in large fronts."""
    test_connections.flood(over, 300, lambda: half_front(forebay, 6000), b"a")


def test_a_large_form_gets_through_a_flood():
    """300 strangers stop in fronts of 6 KB again and again; that of an honest form has 12 KB."""
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay:
        forebay.create_native("forms")
        target = forebay.target()
        made = form(target, "forms", "k")
        fields = {**made["fields"], "x-ignore-a": "a" * 12_000}
        with test_connections.in_background(lambda over: half_forms(forebay, over)):
            proc.wait_until(
                "the flood",
                lambda: forebay.metric("forebay_http_evicted_total", server="s3") > 0,
                30,
            )
            for number in range(10):
                assert send(target, made["url"], fields, str(number).encode()).status == 204
        assert read(target.boto3(), "forms", "k") == b"9"


def test_strangers_shut_no_form_out():
    """They stop in fronts of all sizes, until there is no room for the least of them."""
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay, contextlib.ExitStack() as wires:
        forebay.create_native("forms")
        target = forebay.target()
        made = form(target, "forms", "k", {"x-amz-meta-a": "a" * 500})
        for size in (20_000, 4000, 1500, 600, 200, 60):
            for _ in range(100):
                wires.enter_context(half_front(forebay, size))
        for number in range(10):
            body = str(number).encode()
            assert send(target, made["url"], made["fields"], body).status == 204
        assert read(target.boto3(), "forms", "k") == b"9"
        # Those who were refused are told of once.
        assert (forebay.root / "log").read_text().count(" warn ") < 5


def test_holders_of_a_form_keep_no_xml_away():
    """120 clients with one form announce more than its policy allows, and others as much as it
    does; they do not end. Who deletes a thousand keys with one request is served.
    """
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay, contextlib.ExitStack() as wires:
        for bucket in ("forms", "other"):
            forebay.create_native(bucket)
        target = forebay.target()

        def half(most):
            """60 forms whose files do not end, and the last one of them."""
            made = form(target, "forms", "k", conditions=[["content-length-range", 0, most]])
            kind, data = encode(made["fields"], b"z" * 64_000)
            head = f"POST /forms HTTP/1.1\r\nHost: {forebay.s3_address}\r\nContent-Type: {kind}\r\n"
            head += f"Content-Length: {len(data)}\r\n\r\n"
            begun = head.encode() + data[:-300]
            for _ in range(60):
                wire = wires.enter_context(test_connections.dial(forebay, begun))
            return wire

        too_long, slow = half(10), half(MIB)
        keys = [{"Key": f"{number:06} {'y' * 40}"} for number in range(1000)]
        for _ in range(5):
            done = target.boto3().delete_objects(Bucket="other", Delete={"Objects": keys})
            assert len(done["Deleted"]) == 1000
        made = form(target, "forms", "k")
        assert send(target, made["url"], made["fields"], LARGE[:60_000]).status == 204
        assert read(target.boto3(), "forms", "k") == LARGE[:60_000]
        assert b"EntityTooLarge" in too_long.recv(4096)
        assert b"RequestTimeout" in slow.recv(4096)


def test_who_has_shown_nothing():
    """A form that stops in its fields is a stranger's: it is refused in time, and meanwhile a
    hundred of them keep nobody out.
    """
    with daemon.Forebay() as forebay:
        forebay.create_native("strangers")
        target = forebay.target()
        host, port = target.endpoint.removeprefix("http://").split(":")
        head = (
            f"POST /strangers HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 99999\r\n"
            "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
            '--B\r\nContent-Disposition: form-data; name="key"\r\n\r\nk'
        ).encode()
        half = []
        for _ in range(100):
            half.append(socket.create_connection((host, int(port)), timeout=60))
            half[-1].sendall(head)
        made = form(target, "strangers", "k")
        assert send(target, made["url"], made["fields"], b"honest").status == 204
        assert read(target.boto3(), "strangers", "k") == b"honest"
        for connection in half:
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
            assert b"RequestTimeout" in answer, answer
            connection.close()
