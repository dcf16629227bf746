"""Through fsspec's s3fs or obstore, with their settings."""

import numpy as np
import zarr
from obstore.store import S3Store
from zarr.storage import FsspecStore, ObjectStore

CLIENT = "zarr"
PACKAGES = ["zarr", "s3fs", "obstore"]


def _writes_and_reads(open_store):
    data = np.arange(300 * 200, dtype="int32").reshape(300, 200)
    group = zarr.create_group(open_store(), overwrite=True)
    array = group.create_array("a/b", shape=data.shape, chunks=(50, 50), dtype="int32",
                               attributes={"unit": "m"})
    array[:] = data
    sharded = group.create_array("sharded", shape=data.shape, chunks=(10, 10), shards=(100, 100),
                                 dtype="int32")
    sharded[:] = data
    array[10:20, 5:7] = -1
    data[10:20, 5:7] = -1
    array.resize((350, 200))
    again = zarr.open_group(open_store(), mode="r")
    assert again["a/b"].shape == (350, 200) and dict(again["a/b"].attrs) == {"unit": "m"}
    assert np.array_equal(again["a/b"][:300], data) and not again["a/b"][300:].any()
    assert np.array_equal(again["sharded"][33:44, 5:190],
                          np.arange(60000, dtype="int32").reshape(300, 200)[33:44, 5:190])
    assert sorted(again.keys()) == ["a", "sharded"]


def through_fsspec(place):
    """Groups, chunked and sharded arrays, a resize, pieces read back; delete of a tree."""
    ca = {"client_kwargs": {"verify": place.ca}} if place.ca else {}
    _writes_and_reads(lambda: FsspecStore.from_url(place.url("fsspec.zarr"), storage_options=ca))
    assert "fsspec.zarr/a/b/c/0/0" in place.keys()


def through_obstore(place):
    """The same through obstore."""
    def store():
        return ObjectStore(S3Store(place.bucket, prefix="obstore.zarr", endpoint=place.endpoint,
                                   client_options={"allow_http": True}))

    _writes_and_reads(store)
    assert "obstore.zarr/a/b/c/0/0" in place.keys()
    del zarr.open_group(store())["a"]
    assert not [k for k in place.keys("obstore.zarr/a/")]
