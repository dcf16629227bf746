"""`storage_options={"endpoint_url": …}`; versions that use obstore (0.2.76) take https alone."""

import os

from place import body

CLIENT = "LitData"
PACKAGES = ["litdata"]
SAMPLES = 60


def _sample(index):
    return {"index": index, "blob": body(5000, index)}


def optimizes_and_streams(place):
    """`optimize` by two workers straight into the bucket; StreamingDataset, shuffled, with two."""
    os.environ |= {"DATA_OPTIMIZER_CACHE_FOLDER": str(place.work / "chunks"),
                   "DATA_OPTIMIZER_DATA_CACHE_FOLDER": str(place.work / "data")}
    import litdata

    options = {"endpoint_url": place.endpoint}
    litdata.optimize(fn=_sample, inputs=list(range(SAMPLES)), output_dir=place.url("lit"),
                     chunk_bytes="64KB", num_workers=2, storage_options=options)
    assert "lit/index.json" in place.keys("lit/"), place.keys("lit/")
    data = litdata.StreamingDataset(place.url("lit"), shuffle=True, storage_options=options,
                                    cache_dir=str(place.work / "cache"))
    for _ in range(2):
        seen = {}
        for batch in litdata.StreamingDataLoader(data, batch_size=6, num_workers=2):
            seen |= dict(zip(batch["index"].tolist(), batch["blob"], strict=True))
        assert seen == {i: body(5000, i) for i in range(SAMPLES)}
