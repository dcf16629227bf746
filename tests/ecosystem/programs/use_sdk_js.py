"""`forcePathStyle: true`; an authority by NODE_EXTRA_CA_CERTS."""

import os
import shutil
from pathlib import Path

CLIENT = "AWS SDK for JavaScript"
_HERE = Path(__file__).parent
VERSION = ["grep", '"version"', f"{os.environ['FOREBAY_SDK_JS']}/node_modules/@aws-sdk/client-s3/"
           "package.json"]


def _node(place, case):
    """Modules are found beside the file that imports them, so it is run beside them."""
    beside = Path(os.environ["FOREBAY_SDK_JS"]) / f"use-{os.getpid()}.mjs"
    shutil.copy(_HERE / "use_sdk_js.mjs", beside)
    try:
        place.run("node", beside, case, place.bucket)
    finally:
        beside.unlink()


def puts_and_gets(place):
    """Put with metadata and the default checksum, get whole, by range, conditionally; NoSuchKey."""
    _node(place, "putsAndGets")


def uploads_in_parts(place):
    """`Upload` of lib-storage from a stream of unknown length, 17 MiB; abort leaves nothing."""
    _node(place, "uploadsInParts")
    assert place.uploads() == []


def lists_and_deletes(place):
    """Paginated lists with a delimiter and odd keys, DeleteObjects."""
    _node(place, "listsAndDeletes")


def presigns(place):
    """Presigned PUT and GET, used by fetch."""
    _node(place, "presigns")
