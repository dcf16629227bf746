"""Buckets with fill=adaptive: what pieces of large files cost at the origin, byte by byte, and that
who reads all of one pays for all of it once.
"""

import contextlib
import random

import pyarrow
import pyarrow.fs
import pyarrow.parquet
import pytest
from lib.stand import Stand, parallel

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
BLOCK = random.Random(14).randbytes(MIB)
LARGE = b"".join(i.to_bytes(8, "big") + BLOCK[8:] for i in range(300))


@pytest.fixture
def stand(servers):
    """Makes stands over the session's SeaweedFS and ends their daemons after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: Stand(stack, servers.origin("seaweedfs"), **options)


def requests(s, key):
    """How many GETs of `key` the origin got since the last look."""
    return len(s.proxy.seen("GET", f"/{s.bucket}/{key}"))


def test_a_footer_of_a_large_object(stand):
    """The last 64 KiB of 300 MiB cost a few MiB, once, also after a restart."""
    s = stand(fill="adaptive", flags=["--cache-size", "1GiB"])
    s.origin.put(s.bucket, "large", LARGE)
    s.proxy.clear()
    answer = s.get("large", Range="bytes=-65536")
    assert answer.status == 206 and answer.body == LARGE[-65536:]
    assert answer.headers["x-cache"] == "miss"
    assert s.settle() <= 4 * MIB
    for _ in range(2):
        answer = s.get("large", Range="bytes=-65536")
        assert answer.body == LARGE[-65536:] and answer.headers["x-cache"] == "hit"
        assert s.settle() == 0
        s.forebay.restart()
    asked = s.forebay.metric("forebay_bucket_asked_bytes_total", bucket="bkt")
    fetched = s.forebay.metric("forebay_bucket_origin_bytes_total", bucket="bkt")
    assert (asked, fetched) == (0, 0), "counters begin anew with the process"


def test_one_who_reads_all(stand):
    """All of a large object costs its bytes once and few requests, whole or piece by piece, by one
    reader or many at once; then nothing.
    """
    costs = {}
    for fill in ["part", "adaptive"]:
        s = stand(fill=fill, flags=["--cache-size", "2GiB"])
        for key in ["whole", "pieces", "together"]:
            s.origin.put(s.bucket, key, LARGE)
        s.proxy.clear()
        assert s.get("whole").body == LARGE
        costs[fill] = requests(s, "whole")
        assert s.fetched() == len(LARGE)
        if fill == "part":
            continue
        for at in range(0, len(LARGE), 4 * MIB):
            last = at + 4 * MIB - 1
            assert s.get("pieces", Range=f"bytes={at}-{last}").body == LARGE[at : last + 1]
        assert requests(s, "pieces") <= 15
        assert s.settle() == len(LARGE)
        for body in parallel(3, lambda _, s=s: s.get("together").body):
            assert body == LARGE
        assert s.settle() == len(LARGE)
        for key in ["whole", "pieces", "together"]:
            assert s.get(key).headers["x-cache"] == "hit"
        assert s.settle() == 0
        asked = s.forebay.metric("forebay_bucket_asked_bytes_total", bucket="bkt")
        fetched = s.forebay.metric("forebay_bucket_origin_bytes_total", bucket="bkt")
        assert (asked, fetched) == (8 * len(LARGE), 3 * len(LARGE))
    print(f"requests for {len(LARGE) // MIB} MiB: {costs}")
    assert costs["adaptive"] <= costs["part"] + 4


def write_table(path):
    """Writes a Parquet file of 6 columns and 4 row groups, 4 MiB a piece; returns the bytes of one
    column in it.
    """
    rows = 4 * 4 * MIB // 8
    source = random.Random(15)
    columns = {
        f"c{i}": pyarrow.Array.from_buffers(
            pyarrow.int64(), rows, [None, pyarrow.py_buffer(source.randbytes(rows * 8))]
        )
        for i in range(6)
    }
    pyarrow.parquet.write_table(
        pyarrow.table(columns),
        path,
        row_group_size=rows // 4,
        compression="none",
        use_dictionary=False,
    )
    meta = pyarrow.parquet.read_metadata(path)
    groups = range(meta.num_row_groups)
    return sum(meta.row_group(g).column(3).total_compressed_size for g in groups)


def test_a_column_of_a_parquet_file(stand, tmp_path):
    """One column of six costs about itself, by a real reader."""
    path = tmp_path / "table.parquet"
    column = write_table(path)
    body = path.read_bytes()
    s = stand(fill="adaptive", flags=["--cache-size", "1GiB"])
    s.origin.put(s.bucket, "table.parquet", body)
    s.proxy.clear()
    target = s.forebay.target()
    files = pyarrow.fs.S3FileSystem(
        access_key=target.access_key,
        secret_key=target.secret_key,
        endpoint_override=target.endpoint.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )
    for cost in [column + 4 * 4 * MIB + 4 * MIB, 0]:
        read = pyarrow.parquet.read_table("bkt/table.parquet", filesystem=files, columns=["c3"])
        assert read.equals(pyarrow.parquet.read_table(path, columns=["c3"]))
        fetched = s.settle()
        print(f"{column} bytes of {len(body)} cost {fetched}")
        assert fetched <= cost
    assert s.get("table.parquet").body == body
    assert s.settle() < len(body), "what is there is not fetched again"
