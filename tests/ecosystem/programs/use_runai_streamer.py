"""RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING=0 and the endpoint of the
environment.
"""

import os

import torch
from safetensors.torch import save

CLIENT = "Run:ai Model Streamer"
PACKAGES = ["runai-model-streamer", "runai-model-streamer-s3"]


def streams_safetensors(place):
    """Two safetensors files of some 20 MiB are streamed by concurrent ranges; every tensor is what
    was saved.
    """
    os.environ |= {"RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0",
                   "RUNAI_STREAMER_S3_ENDPOINT": place.endpoint,
                   "RUNAI_STREAMER_CONCURRENCY": "4"}
    from runai_model_streamer import SafetensorsStreamer

    torch.manual_seed(1)
    wanted = {}
    for shard in range(2):
        tensors = {f"s{shard}.t{i}": torch.randn(512, 1024) for i in range(10)}
        place.put(f"model/part-{shard}.safetensors", save(tensors))
        wanted |= tensors
    with SafetensorsStreamer() as streamer:
        streamer.stream_files([place.url(f"model/part-{i}.safetensors") for i in range(2)])
        found = {name: tensor.clone() for name, tensor in streamer.get_tensors()}
    assert sorted(found) == sorted(wanted)
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name
