"""`--storage s3 --bucket ENDPOINT/BUCKET`; its metadata are in SQLite here."""

import contextlib
import os
import shutil

from place import body, tree

CLIENT = "JuiceFS"
VERSION = ["juicefs", "version"]


def _meta(place):
    return f"sqlite3://{place.work}/meta.db"


@contextlib.contextmanager
def _mounted(place):
    point = place.work / "jfs"
    place.run("juicefs", "mount", "-d", "--no-usage-report", "--cache-dir", place.work / "cache",
              "--log", place.work / "juicefs.log", _meta(place), point)
    try:
        yield point
    finally:
        place.run("juicefs", "umount", point)


def formats_mounts_and_checks(place):
    """`format`, files written and renamed through a mount, `fsck`, a mount without a local cache
    reads all again.
    """
    place.run("juicefs", "format", "--storage", "s3", "--bucket",
              f"{place.endpoint}/{place.bucket}", "--access-key", place.access_key,
              "--secret-key", place.secret_key, "--block-size", "1M", "--trash-days", "0",
              _meta(place), "vol")
    files = {f"d{i % 2}/f{i}": body(1000 + i, i) for i in range(10)} | {"large": body(9 << 20)}
    with _mounted(place) as top:
        for path, content in files.items():
            (top / path).parent.mkdir(exist_ok=True)
            (top / path).write_bytes(content)
        os.rename(top / "d0", top / "d2")
        with open(top / "large", "r+b") as file:
            file.seek(5 << 20)
            file.write(b"inside")
    said = place.run("juicefs", "fsck", _meta(place))
    assert "ERROR" not in said, said
    shutil.rmtree(place.work / "cache", ignore_errors=True)
    with _mounted(place) as top:
        wanted = {p.replace("d0/", "d2/"): b for p, b in files.items()}
        large = bytearray(wanted["large"])
        large[5 << 20: (5 << 20) + 6] = b"inside"
        assert tree(top) == wanted | {"large": bytes(large)}


def collects_what_was_deleted(place):
    """`gc` and `destroy`: what was deleted leaves the bucket."""
    with _mounted(place) as top:
        (top / "large").unlink()
    place.run("juicefs", "gc", "--delete", _meta(place))
    left = sum(o["Size"] for o in place.s3().list_objects_v2(Bucket=place.bucket)["Contents"])
    assert left < 1 << 20, left
    uuid = place.run("sh", "-c", f"juicefs status '{_meta(place)}' | grep -o '\"UUID\": \"[^\"]*' "
                     "| cut -d'\"' -f4").splitlines()[-1]
    place.run("juicefs", "destroy", "--yes", _meta(place), uuid)
    assert place.keys() == []
