"""A certificate authority and a server certificate for https tests, made with the openssl
command.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from . import proc


@dataclass
class Certificates:
    """Paths of the authority's certificate, the server's certificate and its key, and a bundle for
    clients.
    """

    ca: Path
    cert: Path
    key: Path


def make(directory):
    """Makes an authority and a certificate for localhost, *.localhost and 127.0.0.1 in
    `directory`.
    """
    directory = Path(directory)
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    cert, key, request = (
        directory / "server.pem",
        directory / "server.key",
        directory / "server.csr",
    )
    extensions = directory / "extensions"
    extensions.write_text(
        "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1\n"
        "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
        "keyUsage=digitalSignature\n"
    )
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    env = {**os.environ, "RANDFILE": str(directory / "rnd")}
    proc.run(
        [
            "openssl",
            "req",
            "-x509",
            *new_key,
            "-keyout",
            ca_key,
            "-out",
            ca,
            "-days",
            "30",
            "-subj",
            "/CN=forebay test authority",
            "-addext",
            "keyUsage=critical,keyCertSign",
        ],
        env=env,
    )
    proc.run(
        ["openssl", "req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost"],
        env=env,
    )
    proc.run(
        [
            "openssl",
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            ca,
            "-CAkey",
            ca_key,
            "-CAcreateserial",
            "-out",
            cert,
            "-days",
            "30",
            "-extfile",
            extensions,
        ],
        env=env,
    )
    return Certificates(ca, cert, key)
