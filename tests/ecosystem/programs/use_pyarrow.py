"""`S3FileSystem(endpoint_override=, scheme=, tls_ca_file_path=)`."""

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from place import body
from pyarrow import fs

CLIENT = "pyarrow"
PACKAGES = ["pyarrow"]
FAST = True


def _fs(place):
    ca = {"tls_ca_file_path": place.ca} if place.ca else {}
    return fs.S3FileSystem(access_key=place.access_key, secret_key=place.secret_key,
                           region=place.region, endpoint_override=place.host,
                           scheme=place.scheme, **ca)


def _table(first, count):
    return pa.table({"id": range(first, first + count),
                     "day": [i % 4 for i in range(first, first + count)],
                     "text": [f"row {i}" for i in range(first, first + count)]})


def moves_and_copies(place):
    """`move`, `copy_file`, `create_dir`, `delete_dir`, `get_file_info` of a tree."""
    s3, top = _fs(place), place.bucket
    with s3.open_output_stream(f"{top}/tree/a/one", metadata={"Content-Type": "x/y"}) as out:
        out.write(body(100_000))
    s3.copy_file(f"{top}/tree/a/one", f"{top}/tree/b/two")
    s3.move(f"{top}/tree/a/one", f"{top}/tree/c/three")
    found = s3.get_file_info(fs.FileSelector(f"{top}/tree", recursive=True))
    assert sorted(f.path for f in found if f.type == fs.FileType.File) == [
        f"{top}/tree/b/two", f"{top}/tree/c/three"]
    assert place.read("tree/c/three") == body(100_000)
    s3.create_dir(f"{top}/tree/empty")
    assert s3.get_file_info(f"{top}/tree/empty").type == fs.FileType.Directory
    s3.delete_dir(f"{top}/tree")
    assert place.keys("tree/") == []
    assert s3.get_file_info(f"{top}/tree/b/two").type == fs.FileType.NotFound


def partitioned_dataset(place):
    """A Parquet dataset in hive partitions is written, extended, read with a filter on both."""
    s3 = _fs(place)
    for part in range(2):
        ds.write_dataset(_table(part * 1000, 1000), f"{place.bucket}/days", filesystem=s3,
                         format="parquet", partitioning=["day"], partitioning_flavor="hive",
                         basename_template=f"p{part}-{{i}}.parquet",
                         existing_data_behavior="overwrite_or_ignore")
    assert len([k for k in place.keys("days/") if k.endswith(".parquet")]) == 8
    found = ds.dataset(f"{place.bucket}/days", filesystem=s3, partitioning="hive").to_table(
        filter=(ds.field("day") == 3) & (ds.field("id") >= 1500))
    assert sorted(found["id"].to_pylist()) == [i for i in range(1500, 2000) if i % 4 == 3]


def large_stream_and_column(place):
    """A Parquet file of some 15 MiB goes up in parts; one column and a row group are read alone."""
    s3 = _fs(place)
    table = pa.table({"id": range(4000), "blob": [body(4000, i) for i in range(4000)]})
    pq.write_table(table, f"{place.bucket}/large.parquet", filesystem=s3, row_group_size=500,
                   compression="none")
    assert place.head("large.parquet")["ContentLength"] > 15 << 20
    ids = pq.read_table(f"{place.bucket}/large.parquet", filesystem=s3, columns=["id"])
    assert ids["id"].to_pylist() == list(range(4000))
    file = pq.ParquetFile(s3.open_input_file(f"{place.bucket}/large.parquet"))
    assert file.read_row_group(7)["blob"].to_pylist() == table["blob"].to_pylist()[3500:]
    assert place.uploads() == []
