"""`endpoint=` and `S3ClientConfig(force_path_style=True)`; over https the authority must be one of
the system.
"""

import os

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from place import body
from s3torchconnector import S3Checkpoint, S3ClientConfig, S3IterableDataset, S3MapDataset
from s3torchconnector.dcp import S3StorageReader, S3StorageWriter

CLIENT = "s3torchconnector"
PACKAGES = ["s3torchconnector", "torch"]
FILES = {f"set/f{i:02d}.bin": body(20_000 + i, i) for i in range(30)}
_CONFIG = S3ClientConfig(force_path_style=True, part_size=5 << 20)


def _whole(reader):
    return reader.key, reader.read()


def _numbered(batch):
    return batch


def _options(place):
    return {"region": place.region, "endpoint": place.endpoint, "transform": _whole,
            "s3client_config": _CONFIG}


def datasets_with_workers(place):
    """S3MapDataset and S3IterableDataset, sharded, in a DataLoader with two workers, two epochs."""
    for key, content in FILES.items():
        place.put(key, content)
    files = S3MapDataset.from_prefix(place.url("set/"), **_options(place))
    assert len(files) == len(FILES)
    stream = S3IterableDataset.from_prefix(place.url("set/"), enable_sharding=True,
                                           **_options(place))
    for data in (files, stream):
        loader = torch.utils.data.DataLoader(data, num_workers=2, batch_size=4,
                                             collate_fn=_numbered)
        for _ in range(2):
            assert dict(pair for batch in loader for pair in batch) == FILES


def reads_and_writes_checkpoints(place):
    """S3Checkpoint: `torch.save` and `torch.load` of 20 MiB, which goes up in parts."""
    kept = {"a": torch.arange(5 << 20, dtype=torch.int32), "step": 7}
    checkpoint = S3Checkpoint(region=place.region, endpoint=place.endpoint,
                              s3client_config=_CONFIG)
    for _ in range(2):  # the second replaces the first
        with checkpoint.writer(place.url("model.pt")) as writer:
            torch.save(kept, writer)
        with checkpoint.reader(place.url("model.pt")) as reader:
            back = torch.load(reader)
        assert back["step"] == 7 and torch.equal(back["a"], kept["a"])
        kept["a"] += 1
    assert place.head("model.pt")["ContentLength"] > 20 << 20
    assert place.uploads() == []


def _model(rank):
    torch.manual_seed(3)
    return {"model": torch.nn.Sequential(torch.nn.Linear(256, 512), torch.nn.Linear(512, 8))
            .state_dict(), "own": {f"rank{rank}": torch.full((100_000,), rank)}}


def _save_and_load(rank, url, region, endpoint, meet):
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    dist.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=2)
    options = {"region": region, "path": url, "s3client_config": _CONFIG}
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    for _ in range(2):
        dcp.save(_model(rank), storage_writer=S3StorageWriter(overwrite=True, **options))
    back = {part: {n: torch.zeros_like(t) for n, t in tensors.items()}
            for part, tensors in _model(rank).items()}
    dcp.load(back, storage_reader=S3StorageReader(**options))
    for part, tensors in _model(rank).items():
        for name, tensor in tensors.items():
            assert torch.equal(back[part][name], tensor), (rank, part, name)
    dist.destroy_process_group()


def distributed_checkpoint(place):
    """torch.distributed.checkpoint of two processes: saved twice, loaded by both."""
    mp.spawn(_save_and_load, nprocs=2, args=(place.url("dcp/"), place.region, place.endpoint,
                                             place.work / "meet"))
    keys = place.keys("dcp/")
    assert "dcp/.metadata" in keys and len([k for k in keys if k.endswith(".distcp")]) == 2, keys
