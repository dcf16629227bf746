"""What a client sees of each fault of the folder behind a `dir://` bucket: the table of
docs/guide/when-things-break.md, row by row. In every row: no wrong byte under an answer that looks
complete, what is here and believed is served, nothing is left of what was refused, and all is well
again once the folder is. Two rows need root, for file systems that break.
"""

import contextlib
import os
import shutil
import time

import pytest
from lib import daemon, proc, small
from test_faults import GOOD, bare, seen

pytestmark = pytest.mark.daemon

OLD, NEW = b"old!" * 75_000, b"new!" * 70_000
NO_BUCKET = (404, "NoSuchBucket")
UNAVAILABLE = (503, "ServiceUnavailable")
FULL = (507, "InsufficientStorage")
ERROR = (500, "InternalError")

# What a client sees: of a read that needs bytes, of one that must ask, of a HEAD, of a list, of a
# write, of a delete; and whether the daemon must be started again.
TABLE = {
    "full": (GOOD, GOOD, GOOD, GOOD, FULL, GOOD, False),
    "read-only": (GOOD, GOOD, GOOD, GOOD, UNAVAILABLE, UNAVAILABLE, True),
    "dead": (ERROR, ERROR, ERROR, ERROR, ERROR, UNAVAILABLE, True),
    "moved": (NO_BUCKET, NO_BUCKET, NO_BUCKET, NO_BUCKET, NO_BUCKET, NO_BUCKET, False),
    "removed": (NO_BUCKET, NO_BUCKET, NO_BUCKET, NO_BUCKET, NO_BUCKET, NO_BUCKET, False),
}
BREAKS = ("read-only", "dead")


class Folder:
    """A small file system with the folder of two buckets, `exact` and `immutable`."""

    def __init__(self, stack, place, row):
        self.row = row
        made = small.ext4(place) if row in BREAKS else small.tmpfs(place)
        self.system = stack.enter_context(made)
        self.path = self.system.outside / "bkt"
        self.aside = self.system.outside / "aside"
        self.path.mkdir()
        self.forebay = daemon.Forebay()
        self.forebay.prefix = self.system.enter
        stack.enter_context(self.forebay)
        for mode in ("exact", "immutable"):
            origin = f"dir://{self.system.place}/bkt"
            self.forebay.cli(
                "bucket", "create", mode, "--origin", origin, "--freshness", mode
            )

    def put(self, *keys):
        """Files that are old enough to have a strong tag."""
        for key in keys:
            (self.path / key).write_bytes(OLD)
            then = time.time() - 10
            os.utime(self.path / key, (then, then))

    def break_it(self):
        """From now on."""
        os.sync()
        match self.row:
            case "full":
                self.system.fill()
            case "read-only":
                self.system.become_read_only()
            case "dead":
                self.system.die()
            case "moved":
                self.path.rename(self.aside)
            case "removed":
                shutil.rmtree(self.path)

    def is_out(self):
        """Of a folder that is gone: it is looked for once a second."""
        proc.wait_until(
            "the folder is missed",
            lambda: self.forebay.target().get("exact", "cold").status == 404,
            20,
        )
        assert "buckets out of service" in self.forebay.cli("status")

    def heal(self):
        """All is well; of a removed folder what was in it is gone."""
        match self.row:
            case "full":
                self.system.empty()
            case "moved":
                self.aside.rename(self.path)
            case "removed":
                self.path.mkdir()
            case _:
                self.forebay.kill()
                self.system.mend()
                self.forebay.start()

    def left(self):
        """What lies in the folder for a write under way."""
        return sorted(p.name for p in (self.path / ".forebay-tmp").glob("**/*"))


@pytest.mark.parametrize("row", list(TABLE))
def test_what_a_client_sees(tmp_path, row):
    """A row of the table, and that nothing of it stays."""
    with contextlib.ExitStack() as stack:
        folder = Folder(stack, tmp_path / "small", row)
        check_row(folder, *TABLE[row])


def check_row(folder, bytes_needed, check_needed, head, listed, write, delete, restart):
    """See above."""
    forebay = folder.forebay
    t = forebay.target()
    s3 = t.boto3()
    folder.put("cold", "warm", "headed", "written", "deleted")
    for mode in ("exact", "immutable"):
        assert seen(lambda mode=mode: t.get(mode, "warm"), OLD) == GOOD
        forebay.wait_idle()
        assert t.get(mode, "warm").headers["x-cache"] == "hit"
    uploads = {
        key: [("uploadId", s3.create_multipart_upload(Bucket="exact", Key=key)["UploadId"])]
        for key in ("parts", "whole")
    }
    part = [("partNumber", "1")]
    etag = t.call("PUT", "/exact/whole", query=part + uploads["whole"], body=OLD).headers["etag"]
    order = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    ).encode()
    before = folder.left()

    folder.break_it()
    if bytes_needed == NO_BUCKET:
        folder.is_out()
    assert seen(lambda: t.get("exact", "cold"), OLD) == bytes_needed
    assert seen(lambda: t.get("immutable", "cold"), OLD) == bytes_needed
    assert seen(lambda: t.get("exact", "warm"), OLD) == check_needed
    assert seen(lambda: t.get("immutable", "warm"), OLD) == GOOD, "it is believed"
    assert seen(lambda: t.call("HEAD", "/exact/headed")) == bare(head)
    assert seen(lambda: t.call("GET", "/exact")) == listed
    assert seen(lambda: t.call("PUT", "/exact/written", body=NEW)) == write
    assert seen(lambda: t.call("PUT", "/exact/new", body=NEW)) == write
    query = part + uploads["parts"]
    assert seen(lambda: t.call("PUT", "/exact/parts", query=query, body=NEW)) == write
    begun = seen(lambda: t.call("POST", "/exact/begun", query=[("uploads", "")]))
    assert begun == write, "CreateMultipartUpload"
    done = seen(lambda: t.call("POST", "/exact/whole", query=uploads["whole"], body=order))
    assert done == write, "CompleteMultipartUpload"
    assert seen(lambda: t.call("DELETE", "/exact/deleted")) == delete
    assert seen(lambda: t.get("exact", "written"), OLD) == bytes_needed, "nothing was written"
    if write in (FULL, UNAVAILABLE, ERROR):
        assert forebay.metric("forebay_origin_requests_total", result="error") > 0
    if folder.row in ("full", "read-only"):
        assert folder.left() == before, "nothing is left of what was refused"

    folder.heal()
    assert restart == (forebay.starts > 1)
    t = forebay.target()
    if folder.row == "removed":
        proc.wait_until("it is found", lambda: t.get("exact", "cold").code() == "NoSuchKey", 20)
        folder.put("cold", "warm", "written")
    else:
        proc.wait_until("it is found", lambda: t.get("exact", "cold").status == 200, 20)
        done = seen(lambda: t.call("POST", "/exact/whole", query=uploads["whole"], body=order))
        assert done == GOOD
        assert t.get("exact", "whole").body == OLD
    for mode in ("exact", "immutable"):
        assert seen(lambda mode=mode: t.get(mode, "cold"), OLD) == GOOD
        assert seen(lambda mode=mode: t.get(mode, "warm"), OLD) == GOOD
    assert seen(lambda: t.get("exact", "written"), OLD) == GOOD
    assert seen(lambda: t.call("PUT", "/exact/written", body=NEW)) == GOOD
    assert t.get("exact", "written").body == NEW
    assert "out of service" not in forebay.cli("status")
