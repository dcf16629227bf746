"""`storage_options`: `aws_endpoint_url`, and `aws_allow_http` for http."""

import polars as pl

CLIENT = "Polars"
PACKAGES = ["polars"]


def scans_and_sinks(place):
    """Parquet is written, scanned with a filter (pieces are read), and sunk in partitions."""
    options = {"aws_endpoint_url": place.endpoint, "aws_allow_http": "true",
               "aws_virtual_hosted_style_request": "false"}
    frame = pl.DataFrame({"id": range(20_000), "day": [i % 5 for i in range(20_000)]})
    frame.write_parquet(place.url("one.parquet"), storage_options=options, row_group_size=1000)
    found = pl.scan_parquet(place.url("one.parquet"), storage_options=options).filter(
        pl.col("id") > 19_990).select("id").collect()
    assert found["id"].to_list() == list(range(19_991, 20_000))
    for part in range(3):
        frame.slice(part * 5000, 5000).write_parquet(place.url(f"many/p{part}.parquet"),
                                                     storage_options=options)
    many = pl.scan_parquet(place.url("many/*.parquet"), storage_options=options)
    assert many.select(pl.len()).collect().item() == 15_000
    many.sink_parquet(place.url("sunk.parquet"), storage_options=options)
    assert pl.read_parquet(place.url("sunk.parquet"), storage_options=options).equals(
        frame.slice(0, 15_000))
