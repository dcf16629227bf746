"""`s3://` of fsspec (pandas, dask, torch). Presigned URLs need `config_kwargs={"signature_version":
"s3v4"}`; of an authority it is told by `client_kwargs={"verify": FILE}`.
"""

import s3fs
from place import body, refused

CLIENT = "s3fs (fsspec)"
PACKAGES = ["s3fs", "aiobotocore"]


def _fs(place, **more):
    client = {"verify": place.ca} if place.ca else {}
    return s3fs.S3FileSystem(client_kwargs=client, use_listings_cache=False,
                             config_kwargs={"retries": {"total_max_attempts": 1},
                                            "signature_version": "s3v4"}, **more)


def moves_copies_and_removes(place):
    """`pipe`, `cat`, `mv`, `cp` and `rm` of files and of folders, `find`, `glob`, `du`."""
    fs, top = _fs(place), place.bucket
    files = {f"{top}/m/d{i % 3}/f{i}": body(500 + i, i) for i in range(12)}
    fs.pipe(files)
    assert fs.cat(fs.find(f"{top}/m")) == files
    fs.mv(f"{top}/m/d0/f0", f"{top}/m/one")
    assert fs.cat_file(f"{top}/m/one") == body(500, 0)
    fs.cp(f"{top}/m/d1", f"{top}/copied", recursive=True)
    assert fs.find(f"{top}/copied") == [f"{top}/copied/f{i}" for i in (1, 10, 4, 7)]
    # `mv` of a folder copies its name too, which is no object, and fails, at every S3.
    fs.cp(f"{top}/m/d2", f"{top}/moved", recursive=True)
    fs.rm(f"{top}/m/d2", recursive=True)
    # SeaweedFS goes on listing a folder that has been emptied.
    assert fs.find(f"{top}/m/d2") == [] and len(fs.ls(f"{top}/moved")) == 4
    assert fs.glob(f"{top}/m/*/f1*") == [f"{top}/m/d1/f1", f"{top}/m/d1/f10"]
    assert fs.du(f"{top}/moved") == sum(500 + i for i in (2, 5, 8, 11))
    fs.rm(f"{top}/m", recursive=True)
    assert not [k for k in place.keys("m/") if k[-1] != "/"]


def appends(place):
    """Appends to a small object, to one above 5 MiB (its part is copied) and to none."""
    fs, top = _fs(place), place.bucket
    for name, first in (("small", body(1000)), ("large", body(11 << 20)), ("none", b"")):
        if first:
            fs.pipe_file(f"{top}/{name}", first)
        for more in (b"x" * 10, body(6 << 20, 3)):
            with fs.open(f"{top}/{name}", "ab") as file:
                file.write(more)
        assert place.read(name) == first + b"x" * 10 + body(6 << 20, 3), name
    assert place.uploads() == []


def reads_pieces_and_writes_parts(place):
    """A file object over 12 MiB: parts as it is written, seeks and read-ahead as it is read; what
    is discarded leaves nothing.
    """
    fs, whole = _fs(place, default_block_size=5 << 20), body(12 << 20)
    with fs.open(f"{place.bucket}/file", "wb") as file:
        for at in range(0, len(whole), 1 << 20):
            file.write(whole[at: at + (1 << 20)])
    with fs.open(f"{place.bucket}/file") as file:
        assert file.size == len(whole)
        for at in (11 << 20, 0, 5 << 20, len(whole) - 3):
            file.seek(at)
            assert file.read(100_000) == whole[at: at + 100_000]
    assert fs.cat_ranges([f"{place.bucket}/file"] * 3, [0, 7, -5], [4, 9, None]) == [
        whole[:4], whole[7:9], whole[-5:]]
    file = fs.open(f"{place.bucket}/gone", "wb", autocommit=False)
    file.write(whole[: 6 << 20])
    file.discard()
    assert place.keys("gone") == []
    assert place.uploads() == []


def metadata_tags_and_exclusive_writes(place):
    """`setxattr`, tags, `touch`, `mode="xb"`, presigned URLs, `makedirs` of a bucket."""
    import urllib.request

    fs, path = _fs(place), f"{place.bucket}/meta"
    fs.pipe_file(path, b"meta")
    fs.setxattr(path, a="b")
    assert fs.getxattr(path, "a") == "b" and place.read("meta") == b"meta"
    fs.put_tags(path, {"k": "v"})
    assert fs.get_tags(path) == {"k": "v"}
    with refused(FileExistsError), fs.open(path, "xb") as file:
        file.write(b"second")
    assert place.read("meta") == b"meta"
    with urllib.request.urlopen(fs.url(path)) as answer:
        assert answer.read() == b"meta"
    fs.touch(f"{place.bucket}/touched")
    assert fs.info(f"{place.bucket}/touched")["size"] == 0
    fs.mkdir(f"{place.bucket}-two")
    fs.pipe_file(f"{place.bucket}-two/x", b"x")
    fs.rm(f"{place.bucket}-two", recursive=True)
    assert not fs.exists(f"{place.bucket}-two")
