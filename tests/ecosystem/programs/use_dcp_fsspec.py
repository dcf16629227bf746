"""Those of fsspec's s3fs."""

import os

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from torch.distributed.checkpoint._fsspec_filesystem import FsspecReader, FsspecWriter

CLIENT = "torch.distributed.checkpoint (fsspec)"
PACKAGES = ["torch", "s3fs"]


def _model(rank):
    torch.manual_seed(3)
    return {"model": torch.nn.Linear(1024, 2048).state_dict(),
            "own": {f"rank{rank}": torch.full((100_000,), rank)}}


def _save_and_load(rank, url, ca, meet):
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    dist.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=2)
    options = {"client_kwargs": {"verify": ca}} if ca else {}
    for _ in range(2):
        dcp.save(_model(rank), storage_writer=FsspecWriter(url, overwrite=True, **options))
    back = {part: {n: torch.zeros_like(t) for n, t in tensors.items()}
            for part, tensors in _model(rank).items()}
    dcp.load(back, storage_reader=FsspecReader(url, **options))
    for part, tensors in _model(rank).items():
        for name, tensor in tensors.items():
            assert torch.equal(back[part][name], tensor), (rank, part, name)
    dist.destroy_process_group()


def distributed_checkpoint(place):
    """Two processes save twice (files are moved into their place), both load."""
    mp.spawn(_save_and_load, nprocs=2, args=(place.url("dcp"), place.ca, place.work / "meet"))
    keys = place.keys("dcp/")
    assert "dcp/.metadata" in keys and len([k for k in keys if k.endswith(".distcp")]) == 2, keys
    assert not [k for k in keys if "tmp" in k], keys
