"""Signature Version 4 written from its description with hashlib and hmac only, so that tests can
also sign wrongly.
"""

import datetime
import hashlib
import hmac
import urllib.parse

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAM_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAM_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAM_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def quote(text, safe="-_.~"):
    """Percent-encodes as SigV4 wants it: everything but unreserved characters, upper-case hex."""
    return urllib.parse.quote(text, safe=safe)


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_query(pairs):
    """Returns the sorted, encoded query string of (name, value) pairs."""
    return "&".join(f"{n}={v}" for n, v in sorted((quote(n), quote(v)) for n, v in pairs))


class Signer:
    """Signs for one key pair; `date` can be moved to make requests that are too old or too new."""

    def __init__(self, access_key, secret_key, region="us-east-1", date=None):
        self.access_key = access_key
        self.region = region
        now = date or datetime.datetime.now(datetime.timezone.utc)
        self.stamp = now.strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.stamp[:8]}/{region}/s3/aws4_request"
        key = _hmac(b"AWS4" + secret_key.encode(), self.stamp[:8])
        for part in (region, "s3", "aws4_request"):
            key = _hmac(key, part)
        self.key = key

    def _sign(self, algorithm, *lines):
        """Signs `algorithm`, date, scope and the given lines, which is the shape of every string to
        sign.
        """
        return hmac.new(
            self.key,
            "\n".join([algorithm, self.stamp, self.scope, *lines]).encode(),
            hashlib.sha256,
        ).hexdigest()

    def _canonical(self, method, path, query, headers, signed, payload):
        """Hashes the canonical request; `path` is as sent on the wire."""
        canonical = "\n".join(
            [
                method,
                path,
                canonical_query(query),
                *(f"{n}:{' '.join(headers[n].split())}" for n in signed),
                "",
                ";".join(signed),
                payload,
            ]
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def sign(self, method, path, query, headers, payload):
        """Adds x-amz-date, x-amz-content-sha256 and Authorization to `headers`; returns the seed
        signature.
        """
        headers["x-amz-date"] = self.stamp
        if payload is not None:
            headers["x-amz-content-sha256"] = payload
        lower = {n.lower(): v for n, v in headers.items()}
        skip = {"expect", "connection", "user-agent", "transfer-encoding", "content-length"}
        signed = sorted(n for n in lower if n not in skip)
        digest = self._canonical(method, path, query, lower, signed, payload or UNSIGNED)
        signature = self._sign("AWS4-HMAC-SHA256", digest)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{self.scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}"
        )
        return signature

    def presign(self, method, host, path, expires=300, query=(), headers=None):
        """Returns the complete query string of a presigned request whose payload is unsigned."""
        lower = {"host": host, **{n.lower(): v for n, v in (headers or {}).items()}}
        signed = sorted(lower)
        pairs = [
            *query,
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{self.access_key}/{self.scope}"),
            ("X-Amz-Date", self.stamp),
            ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", ";".join(signed)),
        ]
        digest = self._canonical(method, path, pairs, lower, signed, UNSIGNED)
        signature = self._sign("AWS4-HMAC-SHA256", digest)
        return canonical_query(pairs) + f"&X-Amz-Signature={signature}"

    def chunk(self, previous, data):
        """Returns the signature of one aws-chunk that follows the signature `previous`."""
        return self._sign(
            "AWS4-HMAC-SHA256-PAYLOAD", previous, EMPTY_SHA256, hashlib.sha256(data).hexdigest()
        )

    def trailer(self, previous, trailers):
        """Returns the signature over the trailing headers, given as `name:value` lines ending in a
        newline.
        """
        return self._sign(
            "AWS4-HMAC-SHA256-TRAILER", previous, hashlib.sha256(trailers.encode()).hexdigest()
        )


def aws_chunks(signer, seed, body, size=64 * 1024, trailers=None, tamper=None):
    """Encodes `body` as signed aws-chunks with optional signed trailers.

    `tamper` = n flips a byte in the n-th chunk after it was signed.
    """
    out = []
    previous = seed
    pieces = [body[i : i + size] for i in range(0, len(body), size)] + [b""]
    for number, piece in enumerate(pieces):
        previous = signer.chunk(previous, piece)
        sent = piece
        if number == tamper:
            sent = bytes([piece[0] ^ 1]) + piece[1:]
        out.append(f"{len(piece):x};chunk-signature={previous}\r\n".encode())
        if piece:
            out.append(sent + b"\r\n")
    if trailers is None:
        out.append(b"\r\n")
        return b"".join(out)
    lines = "".join(f"{n}:{v}\n" for n, v in trailers)
    out += [f"{n}:{v}\r\n".encode() for n, v in trailers]
    out.append(f"x-amz-trailer-signature:{signer.trailer(previous, lines)}\r\n\r\n".encode())
    return b"".join(out)


def plain_chunks(body, size=64 * 1024, trailers=()):
    """Encodes `body` as unsigned aws-chunks followed by trailers, as current SDKs do over https."""
    out = []
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        out.append(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    out.append(b"0\r\n")
    out += [f"{n}:{v}\r\n".encode() for n, v in trailers]
    return b"".join(out) + b"\r\n"
