"""Shards are written and read through commands (`pipe:s5cmd cat s3://…`) or presigned URLs."""

import webdataset as wds
from place import body
from torch.utils.data import DataLoader

CLIENT = "WebDataset"
PACKAGES = ["webdataset"]
SAMPLES = {f"{i:04d}": body(1000 + i, i) for i in range(120)}


def _pipe(place, verb, key):
    return f"pipe:s5cmd --endpoint-url {place.endpoint} {verb} {place.url(key)}"


def _same(samples):
    return {s["__key__"]: s["bin"] for s in samples} == SAMPLES


def shards_by_pipe(place):
    """TarWriter through `pipe:s5cmd pipe`, WebDataset through `pipe:` with two workers."""
    keys = iter(SAMPLES.items())
    for shard in range(4):
        with wds.TarWriter(_pipe(place, "pipe", f"set-{shard:06d}.tar")) as tar:
            for _ in range(30):
                key, content = next(keys)
                tar.write({"__key__": key, "bin": content, "cls": int(key)})
    urls = _pipe(place, "cat", "set-{000000..000003}.tar")
    data = wds.WebDataset(urls, shardshuffle=4, empty_check=False).shuffle(50)
    loader = DataLoader(data, batch_size=None, num_workers=2)
    for _ in range(2):
        assert _same(loader)


def shards_by_url(place):
    """The shards through presigned URLs, by curl."""
    s3 = place.s3()
    urls = [s3.generate_presigned_url("get_object", ExpiresIn=300, Params={
        "Bucket": place.bucket, "Key": f"set-{i:06d}.tar"}) for i in range(4)]
    commands = [f"pipe:curl -sSf '{url}'" for url in urls]
    assert _same(wds.WebDataset(commands, shardshuffle=False))
