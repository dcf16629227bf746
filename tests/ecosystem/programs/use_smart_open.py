"""Those of boto3."""

import smart_open
from place import body

CLIENT = "smart_open"
PACKAGES = ["smart-open"]


def streams_both_ways(place):
    """Writes by parts, compressed too; seeks and reads on; iterates over lines."""
    whole = body(13 << 20)
    with smart_open.open(place.url("parts"), "wb",
                         transport_params={"min_part_size": 5 << 20}) as out:
        for at in range(0, len(whole), 1 << 20):
            out.write(whole[at: at + (1 << 20)])
    with smart_open.open(place.url("parts"), "rb") as file:
        file.seek(7 << 20)
        assert file.read(1000) == whole[7 << 20: (7 << 20) + 1000]
        file.seek(0)
        assert file.read() == whole
    with smart_open.open(place.url("lines.gz"), "w") as out:
        out.writelines(f"line {i}\n" for i in range(5000))
    with smart_open.open(place.url("lines.gz")) as lines:
        assert [line.strip() for line in lines] == [f"line {i}" for i in range(5000)]
    assert place.uploads() == []
