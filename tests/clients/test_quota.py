"""What a native bucket may hold: to the byte, through every kind of write, and after a restart."""

import json

import botocore.exceptions
import pytest
from lib import daemon, origins, proc

pytestmark = pytest.mark.daemon
MIB = 1 << 20


@pytest.fixture
def forebay():
    """A daemon with a native bucket that may hold 8 MiB in three objects."""
    with daemon.Forebay() as running:
        limits = ["--max-bytes", "8MiB", "--max-objects", "3"]
        running.cli("bucket", "create", "bkt", "--native", *limits)
        yield running


def shown(forebay):
    """What `bucket show` tells of how full it is."""
    bucket = json.loads(forebay.cli("bucket", "show", "bkt", "--json"))
    return bucket.get("bytes"), bucket.get("objects")


def refused(call, *args, **kwargs):
    """The call ends with QuotaExceeded."""
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(*args, **kwargs)
    error = raised.value.response
    assert error["Error"]["Code"] == "QuotaExceeded"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_to_the_byte_and_after_a_restart(forebay):
    """Puts, overwrites and deletes at the limit and one past it."""
    s3 = forebay.target().boto3()
    s3.put_object(Bucket="bkt", Key="a", Body=bytes(8 * MIB - 10))
    s3.put_object(Bucket="bkt", Key="b", Body=bytes(10))
    refused(s3.put_object, Bucket="bkt", Key="c", Body=b"1")
    refused(s3.put_object, Bucket="bkt", Key="b", Body=bytes(11))
    assert s3.get_object(Bucket="bkt", Key="b")["Body"].read() == bytes(10)
    s3.put_object(Bucket="bkt", Key="c")
    refused(s3.put_object, Bucket="bkt", Key="d")
    refused(s3.copy_object, Bucket="bkt", Key="d", CopySource="bkt/c")
    assert shown(forebay) == (8 * MIB, 3)
    forebay.kill()
    forebay.start()
    s3 = forebay.target().boto3()
    refused(s3.put_object, Bucket="bkt", Key="d")
    proc.wait_until("it is counted", lambda: shown(forebay) == (8 * MIB, 3), 20)
    s3.delete_object(Bucket="bkt", Key="b")
    s3.put_object(Bucket="bkt", Key="d", Body=bytes(10))
    assert shown(forebay) == (8 * MIB, 3)
    forebay.cli("bucket", "set", "bkt", "--max-bytes", "0", "--max-objects", "0")
    s3.put_object(Bucket="bkt", Key="e", Body=bytes(MIB))
    assert shown(forebay) == (9 * MIB, 4)


def test_uploads_in_parts(forebay):
    """Parts take room when they come, give it back when their upload ends, and none twice."""
    s3 = forebay.target().boto3()
    upload = s3.create_multipart_upload(Bucket="bkt", Key="up")["UploadId"]
    where = {"Bucket": "bkt", "Key": "up", "UploadId": upload}
    one = s3.upload_part(**where, PartNumber=1, Body=bytes(5 * MIB))
    refused(s3.upload_part, **where, PartNumber=2, Body=bytes(3 * MIB + 1))
    refused(s3.put_object, Bucket="bkt", Key="other", Body=bytes(3 * MIB + 1))
    two = s3.upload_part(**where, PartNumber=2, Body=bytes(3 * MIB))
    parts = [{"PartNumber": n + 1, "ETag": p["ETag"]} for n, p in enumerate((one, two))]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert shown(forebay) == (8 * MIB, 1)
    s3.delete_object(Bucket="bkt", Key="up")
    upload = s3.create_multipart_upload(Bucket="bkt", Key="up")["UploadId"]
    where["UploadId"] = upload
    s3.upload_part(**where, PartNumber=1, Body=bytes(8 * MIB))
    refused(s3.put_object, Bucket="bkt", Key="other", Body=b"1")
    s3.abort_multipart_upload(**where)
    assert shown(forebay) == (0, 0)


def test_only_native_buckets_have_one(forebay):
    """Of others the store behind them keeps count."""
    with origins.DirOrigin() as origin:
        origin.make_bucket("far")
        forebay.create_bucket("far", origin)
        said = proc.run(
            [daemon.binary(), "bucket", "set", "far", "--max-bytes", "1GiB"],
            env=forebay.env | {"FOREBAY_ADMIN": forebay.admin_address},
            check=False,
        )
        assert said.returncode == 2 and b"only a native bucket" in said.stderr
        assert "max_bytes" not in forebay.cli("bucket", "show", "far")
