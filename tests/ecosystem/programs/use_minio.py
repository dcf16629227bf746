"""Host and port, `secure=` and keys are arguments; an authority by SSL_CERT_FILE."""

import io

from minio import Minio
from minio.commonconfig import CopySource, ComposeSource, Tags
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from place import body, refused

CLIENT = "MinIO SDK for Python"
PACKAGES = ["minio"]
FAST = True


def _minio(place):
    return Minio(place.host, place.access_key, place.secret_key, secure=place.secure,
                 region=place.region)


def files_there_and_back(place):
    """`fput_object` and `fget_object` of a small file and of one in parts; metadata and tags."""
    minio, whole = _minio(place), body(17 << 20)
    for name, content in (("small", b"small"), ("large", whole)):
        (place.work / name).write_bytes(content)
        minio.fput_object(place.bucket, name, str(place.work / name), part_size=5 << 20,
                          metadata={"a": "b"}, content_type="text/x")
        minio.fget_object(place.bucket, name, str(place.work / f"{name}.down"))
        assert (place.work / f"{name}.down").read_bytes() == content == place.read(name)
        stat = minio.stat_object(place.bucket, name)
        assert (stat.size, stat.content_type, stat.metadata["x-amz-meta-a"]) == (
            len(content), "text/x", "b")
    tags = Tags.new_object_tags()
    tags["k"] = "v"
    minio.set_object_tags(place.bucket, "small", tags)
    assert dict(minio.get_object_tags(place.bucket, "small")) == {"k": "v"}


def streams_of_unknown_length(place):
    """A stream without a length goes up in parts; a piece comes back."""
    minio, whole = _minio(place), body(12 << 20)
    minio.put_object(place.bucket, "stream", io.BytesIO(whole), -1, part_size=5 << 20)
    answer = minio.get_object(place.bucket, "stream", offset=6 << 20, length=1000)
    assert answer.read() == whole[6 << 20: (6 << 20) + 1000]
    answer.close()
    assert place.read("stream") == whole and place.uploads() == []


def composes_and_copies(place):
    """`compose_object` of whole objects and of a piece (parts are copied), `copy_object`."""
    minio = _minio(place)
    for i in range(3):
        place.put(f"piece{i}", body(5 << 20, i))
    minio.compose_object(place.bucket, "composed", [
        ComposeSource(place.bucket, "piece0"), ComposeSource(place.bucket, "piece1"),
        ComposeSource(place.bucket, "piece2", offset=1000, length=70_000)])
    assert place.read("composed") == body(5 << 20, 0) + body(5 << 20, 1) + body(
        5 << 20, 2)[1000:71_000]
    minio.copy_object(place.bucket, "copied", CopySource(place.bucket, "composed"))
    assert place.read("copied") == place.read("composed")


def lists_and_removes(place):
    """Recursive and folder lists, removal of many, a bucket made and removed."""
    minio = _minio(place)
    names = [f"l/d{i % 3}/f {i:02d}" for i in range(15)]
    for name in names:
        minio.put_object(place.bucket, name, io.BytesIO(b"x"), 1)
    found = [o.object_name for o in minio.list_objects(place.bucket, "l/", recursive=True)]
    assert found == sorted(names)
    assert [o.object_name for o in minio.list_objects(place.bucket, "l/")] == [
        "l/d0/", "l/d1/", "l/d2/"]
    errors = minio.remove_objects(place.bucket, [DeleteObject(n) for n in names])
    assert list(errors) == [] and place.keys("l/") == []
    with refused(S3Error):
        minio.get_object(place.bucket, names[0])
    minio.make_bucket(f"{place.bucket}-two")
    assert minio.bucket_exists(f"{place.bucket}-two")
    minio.remove_bucket(f"{place.bucket}-two")
    assert not minio.bucket_exists(f"{place.bucket}-two")
