"""`storage_options`: `aws_endpoint`, `allow_http` for http, and `conditional_put=etag`, so that two
commits of one version cannot both succeed.
"""

import multiprocessing

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

CLIENT = "Delta Lake (delta-rs)"
PACKAGES = ["deltalake"]


def _options(place):
    return {"conditional_put": "etag", "aws_endpoint": place.endpoint, "allow_http": "true",
            "aws_virtual_hosted_style_request": "false"}


def _rows(first, count, value="a"):
    return pa.table({"id": list(range(first, first + count)), "value": [value] * count})


def _append(url, options, first):
    write_deltalake(url, _rows(first, 10), mode="append", storage_options=options)


def appends_merges_and_travels(place):
    """Append, merge, delete, optimize, checkpoint and vacuum; an old version is still read."""
    url, options = place.url("table"), _options(place)
    write_deltalake(url, _rows(0, 100), storage_options=options)
    write_deltalake(url, _rows(100, 50), mode="append", storage_options=options)
    table = DeltaTable(url, storage_options=options)
    (table.merge(_rows(140, 20, "b"), "t.id = s.id", source_alias="s", target_alias="t")
     .when_matched_update_all().when_not_matched_insert_all().execute())
    table.delete("id < 10")
    found = DeltaTable(url, storage_options=options).to_pyarrow_table()
    assert sorted(found["id"].to_pylist()) == list(range(10, 160))
    assert found["value"].to_pylist().count("b") == 20
    table = DeltaTable(url, storage_options=options)
    table.optimize.compact()
    table.create_checkpoint()
    old = DeltaTable(url, version=1, storage_options=options).to_pyarrow_table()
    assert sorted(old["id"].to_pylist()) == list(range(150))
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)
    again = DeltaTable(url, storage_options=options)
    assert again.to_pyarrow_table().num_rows == 150
    assert len([k for k in place.keys("table/") if k.endswith(".parquet")
                and "_delta_log" not in k]) == len(again.file_uris())


def commits_from_processes_at_once(place):
    """Four processes append at once: every row is there once, each version has one writer."""
    url, options = place.url("raced"), _options(place)
    write_deltalake(url, _rows(0, 10), storage_options=options)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(url, options, 10 * i)) for i in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(90)
        assert writer.exitcode == 0
    table = DeltaTable(url, storage_options=options)
    assert table.version() == 4
    assert sorted(table.to_pyarrow_table()["id"].to_pylist()) == list(range(50))
