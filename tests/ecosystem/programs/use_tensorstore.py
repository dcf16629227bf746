"""`endpoint` and `aws_region` of the s3 driver."""

import numpy as np
import tensorstore as ts

CLIENT = "TensorStore"
PACKAGES = ["tensorstore"]


def _kvstore(place, path):
    return {"driver": "s3", "bucket": place.bucket, "path": path, "endpoint": place.endpoint,
            "aws_region": place.region, "aws_credentials": {"type": "environment"}}


def writes_arrays_at_once(place):
    """A zarr3 array: pieces written concurrently, by conditional puts, and read back."""
    spec = {"driver": "zarr3", "kvstore": _kvstore(place, "array/"), "metadata": {
        "shape": [200, 300], "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [64, 64]}}}}
    array = ts.open(spec, create=True, delete_existing=True).result()
    data = np.arange(60000, dtype="int32").reshape(200, 300)
    writes = [array[i: i + 10].write(data[i: i + 10]) for i in range(0, 200, 10)]
    for write in writes:
        write.result()
    again = ts.open({"driver": "zarr3", "kvstore": _kvstore(place, "array/")}).result()
    assert np.array_equal(again.read().result(), data)
    assert np.array_equal(again[50:60, 200:210].read().result(), data[50:60, 200:210])


def keys_and_values(place):
    """Conditional writes by generation, ranges, list, delete of a range."""
    kv = ts.KvStore.open(_kvstore(place, "kv/")).result()
    none = kv.read("a/one").result().stamp.generation
    first = kv.write("a/one", b"first", if_equal=none).result()
    assert kv.write("a/one", b"second", if_equal=none).result().generation != first.generation
    assert place.read("kv/a/one") == b"first"
    kv.write("a/one", b"second", if_equal=first.generation).result()
    assert kv.read("a/one").result().value == b"second"
    for i in range(5):
        kv.write(f"b/{i}", bytes([i])).result()
    assert sorted(kv.list().result()) == [b"a/one"] + [f"b/{i}".encode() for i in range(5)]
    kv.delete_range(ts.KvStore.KeyRange("b/1", "b/4")).result()
    assert place.keys("kv/") == ["kv/a/one", "kv/b/0", "kv/b/4"]
    assert kv.read("none").result().state == "missing"
