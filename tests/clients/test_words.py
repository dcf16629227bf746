"""What a client is told of an error, and what the log: S3's words to one, all to the other."""

import http.server
import json
import re
import threading

import pytest
from lib import daemon, origins, proc

pytestmark = pytest.mark.daemon

EMPTY_LIST = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
BEGUN = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
PARTS = (
    b"<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>"
    b"<ETag>d41d8cd98f00b204e9800998ecf8427e</ETag><Size>1</Size></Part></ListPartsResult>"
)
COMPLETE = (
    b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
    b"<ETag>d41d8cd98f00b204e9800998ecf8427e</ETag></Part></CompleteMultipartUpload>"
)
NO_ETAG = b"<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"
SECRET = "node-17 of rack 4"


def fault(code):
    """An error document that tells of the origin's insides."""
    return f"<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode()


class Rude(http.server.BaseHTTPRequestHandler):
    """Answers what the server's `answers` say for a method and key, else 404."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing."""

    def reply(self):
        """One answer, after the whole request."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        key = path.removeprefix("/rude").removeprefix("/")
        status, body, headers = self.server.answers.get((self.command, key), (404, b"", {}))
        if key == "" and self.command == "GET":
            status, body = 200, EMPTY_LIST
        if key == "upload" and self.command == "GET":
            status, body = 200, PARTS
        if key == "upload" and query.startswith("uploads"):
            status, body = 200, BEGUN
        self.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = reply


class RudeOrigin(origins.Origin):
    """The server above, as an origin."""

    kind = "rude"

    def start(self):
        """Listens and serves in threads."""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rude)
        self.server.answers = {}
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Closes the address."""
        self.server.shutdown()
        self.server.server_close()

    def says(self, method, key, status, body=b"", **headers):
        """What it answers from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.server.answers[method, key] = (status, body, named)


@pytest.fixture
def rude():
    """The origin."""
    with RudeOrigin() as origin:
        yield origin


@pytest.fixture
def forebay(rude):
    """A daemon with a bucket there."""
    with daemon.Forebay() as made:
        made.create_bucket("rude", rude)
        yield made


def logged(forebay, answer):
    """The log's line of that request; a thread of its own writes it."""
    which = answer.headers["x-amz-request-id"]

    def line():
        lines = (forebay.root / "log").read_text().splitlines()
        return next((line for line in lines if which in line), None)

    return proc.wait_until(f"a line of {which}", line, 10, pause=0.02)


def test_an_answer_that_cannot_be_one_is_told_without_its_unit(forebay, rude):
    """The reason is said; which unit of the cache it was for is in the log only."""
    rude.says("HEAD", "cut", 200, ETag='"one"', Content_Length=9)
    rude.says("GET", "cut", 206, b"x", ETag='"one"', Content_Range="bytes 7-7/9")
    answer = forebay.target().get("rude", "cut", range="bytes=2-4")
    assert (answer.status, answer.code()) == (502, "BadGateway")
    assert b"<Message>the origin gave another range than was asked</Message>" in answer.body
    assert re.search(r" warn .*fill unit [0-9a-f]{32}: .*another range", logged(forebay, answer))


def test_what_an_origin_says_is_for_the_log(forebay, rude):
    """A key, a size or a text that an origin sends is shown to nobody."""
    target = forebay.target()
    rude.says("HEAD", "huge", 200, ETag='"one"', Content_Length=str(2**60))
    huge = target.call("GET", "/rude/huge")
    assert huge.code() == "BadGateway" and str(2**60).encode() not in huge.body
    assert str(2**60) in logged(forebay, huge)
    for code in ["BadDigest", "InvalidPart", "EntityTooSmall", "Odd", "InternalError", "SlowDown"]:
        status = {"InternalError": 500, "SlowDown": 503}.get(code, 400)
        rude.says("PUT", "told", status, fault(code))
        answer = target.call("PUT", "/rude/told", body=b"x")
        assert SECRET.encode() not in answer.body and b"origin answered" not in answer.body
        assert SECRET in logged(forebay, answer), code
    rude.says("PUT", "told", 400, fault("BadDigest"))
    answer = target.call("PUT", "/rude/told", body=b"x")
    assert (answer.status, answer.code()) == (400, "BadDigest")
    assert b"did not match what we received" in answer.body


def test_a_clients_fault_at_an_origin_is_no_warning(forebay, rude):
    """What a client did wrong is told at info; what the operator must mend is a warning."""
    target = forebay.target()
    for status, code, level in [
        (400, "BadDigest", "info"),
        (400, "InvalidArgument", "info"),
        (409, "OperationAborted", "info"),
        (403, "InvalidAccessKeyId", "warn"),
        (404, "NoSuchBucket", "warn"),
        (500, "InternalError", "warn"),
    ]:
        rude.says("PUT", "wrong", status, fault(code))
        line = logged(forebay, target.call("PUT", "/rude/wrong", body=b"x"))
        assert level in line.lower().split() and SECRET in line, f"{code}: {line}"


def test_a_folder_is_named_to_the_operator_only(forebay):
    """Where a bucket lies is no client's business, also when it is gone."""
    place = forebay.root / "place"
    place.mkdir()
    forebay.cli("bucket", "create", "placed", "--origin", f"dir://{place}")
    forebay.stop()
    place.rmdir()
    forebay.start()
    answer = forebay.target().call("GET", "/placed")
    assert answer.code() == "NoSuchBucket" and str(place).encode() not in answer.body
    assert str(place) in logged(forebay, answer)


def test_where_a_bucket_may_not_lie_is_told_to_the_operator_only():
    """A default origin that cannot be is not the client's to know."""
    made = daemon.Forebay()
    made.flags += ["--default-origin", f"dir://{made.data}/inner"]
    with made:
        answer = made.target().call("PUT", "/somewhere")
        assert (answer.status, answer.code()) == (400, "InvalidArgument")
        assert str(made.data).encode() not in answer.body and b"folder of the daemon" in answer.body
        assert str(made.data) in logged(made, answer)


def test_a_completion_without_an_etag_is_believed_when_the_object_is_there(forebay, rude):
    """The ETag is learned from the object, if it is the one that the parts make; else nobody knows
    whether the upload has completed, and the client is told to ask again."""
    target = forebay.target()
    rude.says("POST", "upload", 200, NO_ETAG)
    rude.says("HEAD", "upload", 200, ETag='"somebody-1"', Content_Length="1")

    def complete():
        return target.call("POST", "/rude/upload", query=[("uploadId", "u")], body=COMPLETE)

    unclear = complete()
    assert (unclear.status, unclear.code()) == (503, "ServiceUnavailable")
    assert "without an ETag" in logged(forebay, unclear)
    made = '"59adb24ef3cdbe0297f05b395827453f-1"'
    rude.says("HEAD", "upload", 200, ETag=made, Content_Length="1")
    done = complete()
    assert done.status == 200 and made.strip('"').encode() in done.body


def test_a_bucket_whose_folder_became_the_daemons_own_is_out(forebay):
    """A link that leads elsewhere since the bucket was made: that bucket answers 503, log and
    status tell why, others work; led back, it is there again."""
    place, other = forebay.root / "place", forebay.root / "other"
    for folder in (place, other):
        folder.mkdir()
    link = forebay.root / "link"
    link.symlink_to(place)
    forebay.cli("bucket", "create", "linked", "--origin", f"dir://{link}")
    forebay.cli("bucket", "create", "other", "--origin", f"dir://{other}")
    forebay.cli("bucket", "create", "mine")
    forebay.stop()
    link.unlink()
    link.symlink_to(forebay.data)
    forebay.start()
    target = forebay.target()
    for path in ["/linked/credentials", "/linked"]:
        answer = target.call("GET", path)
        assert (answer.status, answer.code()) == (503, "ServiceUnavailable"), path
        assert str(link).encode() not in answer.body
        assert "folder of the daemon itself" in logged(forebay, answer)
    assert target.call("PUT", "/linked/meta/x", body=b"x").status == 503
    for bucket in ("other", "mine"):
        assert target.call("PUT", f"/{bucket}/k", body=b"x").status == 200
    assert (forebay.root / "log").read_text().count("a bucket is out") == 1, "told once"
    status = json.loads(forebay.cli("status", "--json"))
    assert [one["name"] for one in status["buckets_out"]] == ["linked"]
    assert str(link) in status["buckets_out"][0]["trouble"] and status["healthy"] is False
    link.unlink()
    link.symlink_to(place)
    assert target.call("PUT", "/linked/k", body=b"x").status == 200
    assert json.loads(forebay.cli("status", "--json")).get("buckets_out") is None
