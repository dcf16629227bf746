"""`s3_endpoint` of `open_stream`, with `force_http=True` for http; of an authority it is told by
REQUESTS_CA_BUNDLE (reads, by curl, by the system's list).
"""

import torch
from tensorizer import TensorDeserializer, TensorSerializer, stream_io

CLIENT = "Tensorizer"
PACKAGES = ["tensorizer"]


def _model():
    torch.manual_seed(5)
    return torch.nn.Sequential(torch.nn.Linear(1024, 2048), torch.nn.Linear(2048, 512))


def serializes_and_deserializes(place):
    """A model of 12 MiB straight into the bucket and back, whole and by two readers at once."""
    keys = {"s3_access_key_id": place.access_key, "s3_secret_access_key": place.secret_key,
            "s3_endpoint": place.endpoint, "force_http": not place.secure}
    with stream_io.open_stream(place.url("model.tensors"), "wb", **keys) as out:
        serializer = TensorSerializer(out)
        serializer.write_module(_model())
        serializer.close()
    wanted = _model().state_dict()
    for readers in (1, 2):
        model = torch.nn.Sequential(torch.nn.Linear(1024, 2048), torch.nn.Linear(2048, 512))
        with stream_io.open_stream(place.url("model.tensors"), "rb", **keys) as source, \
                TensorDeserializer(source, device="cpu", num_readers=readers) as tensors:
            tensors.load_into_module(model)
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, wanted[name]), name
