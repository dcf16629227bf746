"""S3_ENDPOINT_URL names the endpoint."""

import os

import numpy as np
from place import body
from torch.utils.data import DataLoader

CLIENT = "MosaicML Streaming"
PACKAGES = ["mosaicml-streaming"]
SAMPLES = 200


def writes_and_streams(place):
    """MDSWriter to s3:// and a shuffled StreamingDataset with two workers, two epochs, resumed."""
    os.environ["S3_ENDPOINT_URL"] = place.endpoint
    from streaming import MDSWriter, StreamingDataset

    with MDSWriter(out=place.url("mds"), columns={"id": "int", "blob": "bytes"},
                   compression="zstd", hashes=["sha1"], size_limit=1 << 17) as writer:
        for i in range(SAMPLES):
            writer.write({"id": i, "blob": body(3000, i)})
    assert "mds/index.json" in place.keys() and len(place.keys("mds/shard")) > 3
    data = StreamingDataset(remote=place.url("mds"), local=str(place.work / "local"),
                            shuffle=True, batch_size=8, validate_hash="sha1", download_retry=1)
    for _ in range(2):
        seen = [int(i) for batch in DataLoader(data, batch_size=8, num_workers=2)
                for i in batch["id"]]
        assert sorted(seen) == list(range(SAMPLES))
    assert data[77]["blob"] == body(3000, int(np.int64(77)))
