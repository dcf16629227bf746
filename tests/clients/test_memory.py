"""What `memory` bounds: requests that stop halfway and answers that nobody reads hold no more than
their shares of it, however many they are, and who comes meanwhile is served.
"""

import contextlib
import pathlib
import re
import socket
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from lib import daemon, origins, proc, sigv4
from lib.stand import parallel

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
MEMORY = ["--memory", "64MiB"]
# Of all that is bounded together, what is not (16 to 32 KiB for each request under way), and what
# the allocator keeps.
BOUND = 48 * MIB


class Crowd:
    """Connections that send something and then neither send nor read."""

    def __init__(self, forebay, stack):
        self.forebay = forebay
        self.stack = stack
        self.host, port = forebay.s3_address.rsplit(":", 1)
        self.port = int(port)
        self.process = pathlib.Path(f"/proc/{forebay.child.pid}")
        self.before = self.resident("VmRSS")
        (self.process / "clear_refs").write_text("5")  # the peak begins anew

    def resident(self, what):
        """The daemon's memory, now (VmRSS) or at its peak (VmHWM), in bytes."""
        return int(re.search(rf"{what}:\s+(\d+)", (self.process / "status").read_text())[1]) * 1024

    def grown(self):
        """How much more it has held at any time than before they came."""
        return self.resident("VmHWM") - self.before

    def unread(self):
        """Whether bytes that were sent are still in the daemon's sockets."""
        port = f":{self.port:04X}"
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        return any(row[1].endswith(port) and int(row[4].split(":")[1], 16) for row in rows)

    def add(self, method, path, query=(), length=None, body=b""):
        """One more: a signed head, and what it sends of a body that is announced as `length`."""
        headers = {"Host": f"{self.host}:{self.port}"}
        if length is not None:
            headers["Content-Length"] = str(length)
        signer = self.forebay.target().signer()
        signer.sign(method, path, list(query), headers, "UNSIGNED-PAYLOAD")
        target = path + "?" + sigv4.canonical_query(list(query))
        head = f"{method} {target} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        wire = self.stack.enter_context(socket.socket())
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.settimeout(30)
        wire.connect((self.host, self.port))
        wire.sendall(head.encode() + body)


@pytest.mark.parametrize("kind", ["dir", "native"])
@pytest.mark.parametrize(
    ("sent", "count"), [(59_999, 600), (256 * 1024 - 1, 120), (MIB - 1, 120), (2 * MIB + 1, 120)]
)
def test_puts_that_stop_halfway_hold_no_block_each(sent, count, kind):
    """One byte before the end of the body, half of them as parts."""
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(origins.KINDS[kind]())
        forebay = stack.enter_context(daemon.Forebay(default_origin=origin, flags=MEMORY))
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="puts")
        upload = s3.create_multipart_upload(Bucket="puts", Key="up")["UploadId"]
        s3.put_object(Bucket="puts", Key="k", Body=bytes(3 * MIB))
        crowd = Crowd(forebay, stack)

        def written():
            """Body bytes that have come to the origin."""
            return forebay.metric("forebay_origin_written_bytes_total")

        before = written()
        for number in range(count):
            path, query = f"/puts/{number}", [("x-id", "PutObject")]
            if number % 2:
                path, query = "/puts/up", [("partNumber", str(number)), ("uploadId", upload)]
            crowd.add("PUT", path, query, length=sent + 1, body=bytes(sent))
        nearly = count * (sent - 64 * 1024)  # the end is held back until all has come
        proc.wait_until("what was sent to be read", lambda: written() - before >= nearly, 120)
        proc.wait_until("all of it", lambda: not crowd.unread(), 60)
        assert crowd.grown() < BOUND
        body = bytes(range(256)) * (3 * MIB // 256)
        s3.put_object(Bucket="puts", Key="honest", Body=body)
        assert s3.get_object(Bucket="puts", Key="honest")["Body"].read() == body
        assert listed(s3, "puts") == ["honest", "k"]
        assert crowd.grown() < BOUND


def listed(s3, bucket):
    """All keys of a bucket, page by page."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def test_lists_that_nobody_reads_hold_no_answer_each():
    """A hundred of half a megabyte; then an honest list of all keys, and a put."""
    with (
        origins.DirOrigin() as origin,
        daemon.Forebay(flags=MEMORY) as forebay,
        contextlib.ExitStack() as stack,
    ):
        origin.make_bucket("many")
        keys = [f"{'d' * 200}/{'k' * 96}{number:04}" for number in range(1000)]
        for key in keys:
            origin.put("many", key, b"x", age=10)
        forebay.create_bucket("many", origin)
        s3 = forebay.target().boto3()
        assert listed(s3, "many") == keys
        crowd = Crowd(forebay, stack)
        for _ in range(100):
            crowd.add("GET", "/many", [("fetch-owner", "true"), ("list-type", "2")])
        proc.wait_until(
            "all to be answered",
            lambda: forebay.metric("forebay_origin_requests_total", operation="list") >= 100,
            120,
        )
        assert crowd.grown() < BOUND
        assert listed(s3, "many") == keys
        s3.put_object(Bucket="many", Key="one", Body=bytes(MIB))
        assert crowd.grown() < BOUND


def test_lists_of_a_large_folder_hold_few_of_its_names():
    """A hundred thousand files: one page of one key, then ten at once, by key and by prefix."""
    with (
        origins.DirOrigin() as origin,
        daemon.Forebay(flags=MEMORY) as forebay,
        contextlib.ExitStack() as stack,
    ):
        origin.make_bucket("large")
        origin.put("large", "d/000000", b"x")
        first = pathlib.Path(origin.root) / "large/d/000000"
        for number in range(1, 100_000):
            first.with_name(f"{number:06}").touch()
        forebay.create_bucket("large", origin)
        s3 = forebay.target().boto3()
        s3.list_objects_v2(Bucket="large", Prefix="none")
        crowd = Crowd(forebay, stack)

        def one(prefix, delimiter=""):
            page = s3.list_objects_v2(
                Bucket="large", Prefix=prefix, Delimiter=delimiter, MaxKeys=1
            )
            return [entry["Key"] for entry in page.get("Contents", [])] + [
                entry["Prefix"] for entry in page.get("CommonPrefixes", [])
            ]

        assert one("") == one("d/", "/") == ["d/000000"]
        assert one("", "/") == ["d/"]
        assert one("d/0", "1") == ["d/000000"]
        assert crowd.grown() < 8 * MIB
        assert parallel(10, lambda _: one("d/05")) == [["d/050000"]] * 10
        assert crowd.grown() < 12 * MIB


class Pages(BaseHTTPRequestHandler):
    """An S3 server with one bucket, whose 1000 keys are as long as keys may be."""

    protocol_version = "HTTP/1.1"
    keys = [f"{number:04}" + "k" * 1020 for number in range(1000)]
    asked = []

    def log_message(self, *_):
        """Says nothing."""

    def do_GET(self):
        """Lists; all else is not there."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        if "list-type" not in query:
            return self.answer(404, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        begin = int(query.get("continuation-token", "0"))
        end = min(begin + int(query["max-keys"]), len(self.keys))
        self.asked.append(end - begin)
        text = "<ListBucketResult><KeyCount>1</KeyCount>"
        for key in self.keys[begin:end]:
            text += f"<Contents><Key>{key}</Key><Size>1</Size>"
            text += f"<ETag>&quot;{'0' * 32}&quot;</ETag><x>{'y' * 400}</x></Contents>"
        if end < len(self.keys):
            text += f"<NextContinuationToken>{end}</NextContinuationToken>"
        more = "true" if end < len(self.keys) else "false"
        self.answer(200, f"{text}<IsTruncated>{more}</IsTruncated></ListBucketResult>")

    def answer(self, status, text):
        """Sends one document."""
        body = text.encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:-1])
            if len(body) > MIB:
                time.sleep(1)  # others come to here meanwhile
            self.wfile.write(body[-1:])

    def do_PUT(self):
        """It may only be read."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")

    do_HEAD = do_DELETE = do_GET


class Far(ThreadingHTTPServer):
    """Serves them; who asked for a page may not want the rest of it."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        """Says nothing."""


def test_lists_of_an_origin_share_what_there_is():
    """Forty at once, of pages that are 1.6 MB each: all of them come to their end."""
    with (
        Far(("127.0.0.1", 0), Pages) as server,
        daemon.Forebay(flags=MEMORY) as forebay,
        contextlib.ExitStack() as stack,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        origin = origins.Origin()
        origin.endpoint = f"http://127.0.0.1:{server.server_port}"
        forebay.create_bucket("far", origin)
        crowd = Crowd(forebay, stack)
        s3 = forebay.target().boto3()
        for keys in parallel(40, lambda _: listed(s3, "far")):
            assert keys == Pages.keys
        assert crowd.grown() < BOUND
        assert max(Pages.asked) == 1000
        whole = s3.list_objects_v2(Bucket="far")
        assert len(whole["Contents"]) == 1000 and not whole["IsTruncated"]
