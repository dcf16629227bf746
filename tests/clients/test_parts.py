"""What is uploaded in parts through Forebay is read without a fetch."""

import contextlib
import random

import pytest
from lib import proc
from lib.stand import Stand

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
SIZES = [5 * MIB, 9 * MIB, 6 * MIB + 1, 1000]
BODIES = [random.Random(size).randbytes(size) for size in SIZES]
WHOLE = b"".join(BODIES)


@pytest.fixture
def stand(servers):
    """A stand over the session's SeaweedFS; its daemon ends with the test."""
    with contextlib.ExitStack() as stack:
        yield Stand(stack, servers.origin("seaweedfs"))


class Upload:
    """An upload in parts through Forebay."""

    def __init__(self, s, key):
        self.s, self.names, self.parts = s, {"Bucket": "bkt", "Key": key}, {}
        self.names["UploadId"] = self.s3().create_multipart_upload(**self.names)["UploadId"]

    def s3(self):
        """A client of the daemon as it runs now."""
        return self.s.forebay.target().boto3()

    def put(self, number, body):
        """Uploads a part."""
        answer = self.s3().upload_part(**self.names, PartNumber=number, Body=body)
        self.parts[number] = answer["ETag"]

    def complete(self):
        """Makes the object of the parts that were answered last."""
        parts = [{"PartNumber": n, "ETag": tag} for n, tag in sorted(self.parts.items())]
        self.s3().complete_multipart_upload(**self.names, MultipartUpload={"Parts": parts})


def test_parts_are_hits_at_once_and_after_a_restart(stand):
    """No byte of an uploaded object is fetched, and each part is a unit."""
    upload = Upload(stand, "parts")
    for number, body in enumerate(BODIES, 1):
        upload.put(number, body)
    upload.complete()
    stand.settle()
    for _ in range(2):
        answer = stand.get("parts")
        assert answer.body == WHOLE and answer.headers["x-cache"] == "hit"
        assert stand.get("parts", Range="bytes=-7").body == WHOLE[-7:]
        assert stand.settle() == 0
        stand.forebay.restart()


def test_a_part_that_was_replaced_is_the_last_one(stand):
    """Of what was overwritten neither bytes nor space stay."""
    upload = Upload(stand, "again")
    upload.put(1, BODIES[1])
    upload.put(1, BODIES[0])
    upload.put(2, BODIES[3])
    upload.complete()
    stand.settle()
    assert stand.get("again").body == BODIES[0] + BODIES[3]
    assert stand.settle() == 0
    # A small part takes a little more, for what tells of it.
    assert stand.forebay.metric("forebay_cache_bytes") < SIZES[0] + 2 * SIZES[3]


def test_an_upload_that_is_aborted_leaves_nothing(stand):
    """Its parts take no space of the cache."""
    upload = Upload(stand, "never")
    upload.put(1, BODIES[0])
    assert stand.forebay.metric("forebay_cache_bytes") == SIZES[0]
    upload.s3().abort_multipart_upload(**upload.names)
    proc.wait_until("its bytes are gone",
                    lambda: stand.forebay.metric("forebay_cache_used_bytes") == 0, 10)


def test_a_daemon_killed_between_parts(stand):
    """What the dead process knew of the upload is fetched, and the object is right."""
    upload = Upload(stand, "killed")
    upload.put(1, BODIES[0])
    upload.put(2, BODIES[1])
    stand.forebay.kill()
    stand.forebay.start()
    upload.put(3, BODIES[2])
    upload.complete()
    stand.settle()
    assert stand.get("killed").body == b"".join(BODIES[:3])
    assert stand.settle() == SIZES[0] + SIZES[1]


def test_a_copy_in_parts_is_read_without_a_fetch(stand):
    """UploadPartCopy passes the same way where the origin does not copy by itself."""
    stand.origin.put(stand.bucket, "source", WHOLE)
    stand.get("source")
    upload = Upload(stand, "copied")
    source = {"Bucket": "bkt", "Key": "source"}
    first = f"bytes=0-{6 * MIB - 1}"
    for number, span in enumerate([first, f"bytes={6 * MIB}-{len(WHOLE) - 1}"], 1):
        answer = upload.s3().upload_part_copy(**upload.names, PartNumber=number,
                                              CopySource=source, CopySourceRange=span)
        upload.parts[number] = answer["CopyPartResult"]["ETag"]
    upload.complete()
    assert stand.get("copied").body == WHOLE
