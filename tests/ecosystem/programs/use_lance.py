"""`storage_options`: `aws_endpoint`, and `allow_http` for http."""

import datetime
import multiprocessing

import lance
import pyarrow as pa
from place import body

CLIENT = "Lance"
PACKAGES = ["pylance"]


def _options(place):
    return {"aws_endpoint": place.endpoint, "allow_http": "true",
            "aws_virtual_hosted_style_request": "false"}


def _rows(first, count):
    return pa.table({"id": range(first, first + count),
                     "blob": [body(2000, i) for i in range(first, first + count)]})


def _append(url, options, first):
    lance.write_dataset(_rows(first, 10), url, mode="append", storage_options=options)


def writes_appends_and_compacts(place):
    """Write, append, take, filter, delete, compact, clean up; an old version is still read."""
    url, options = place.url("set.lance"), _options(place)
    lance.write_dataset(_rows(0, 500), url, storage_options=options)
    for first in (500, 600):
        lance.write_dataset(_rows(first, 100), url, mode="append", storage_options=options)
    data = lance.dataset(url, storage_options=options)
    assert data.count_rows() == 700
    assert data.take([3, 650])["blob"].to_pylist() == [body(2000, 3), body(2000, 650)]
    assert data.to_table(columns=["id"], filter="id >= 690")["id"].to_pylist() == list(
        range(690, 700))
    data.delete("id < 100")
    data.optimize.compact_files()
    assert len(data.get_fragments()) == 1
    old = lance.dataset(url, version=1, storage_options=options)
    assert old.count_rows() == 500
    data.cleanup_old_versions(older_than=datetime.timedelta(0))
    again = lance.dataset(url, storage_options=options)
    assert again.to_table()["id"].to_pylist() == list(range(100, 700))
    assert again.take([0])["blob"].to_pylist() == [body(2000, 100)]


def commits_from_processes_at_once(place):
    """Four processes append at once, by conditional puts of manifests: every row is there once."""
    url, options = place.url("raced.lance"), _options(place)
    lance.write_dataset(_rows(0, 10), url, storage_options=options)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(url, options, 10 * i)) for i in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(90)
        assert writer.exitcode == 0
    found = lance.dataset(url, storage_options=options)
    assert sorted(found.to_table(columns=["id"])["id"].to_pylist()) == list(range(50))
    assert found.version == 5
