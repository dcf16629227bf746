"""Prints requests signed by botocore, as the table in src/sign/botocore_test.h.

Run it by hand after a change of the cases:
  python3 tools/sign_vectors.py > src/sign/botocore_test.h
The time is fixed, so the output depends on the cases and botocore's signer only.
"""

import datetime
import sys

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


real = datetime  # the name is hidden inside the classes below


class FixedTime(datetime.datetime):
    """The clock botocore reads."""

    @classmethod
    def utcnow(cls):
        return WHEN.replace(tzinfo=None)

    @classmethod
    def now(cls, tz=None):
        return WHEN if tz else WHEN.replace(tzinfo=None)


class FixedModule:
    """Stands for the datetime module inside botocore.auth."""

    datetime = FixedTime
    timezone = real.timezone
    timedelta = real.timedelta


HOST = "https://data.example.org:9000"
# name, method, path as on the wire, query parameters, headers, body, session token
CASES = [
    ("plain get", "GET", "/bucket/key", [], {}, b"", None),
    ("get with range", "GET", "/bucket/dir/file.bin", [], {"Range": "bytes=0-99"}, b"", None),
    ("odd characters", "GET", "/bucket/a%20b%2Bc%3D%28d%29%21%2A%27%3B%3A%40%26.txt", [], {},
     b"", None),
    ("utf-8", "GET", "/bucket/%C3%BC%E2%82%AC/%F0%9F%90%98", [], {}, b"", None),
    ("dots and slashes", "GET", "/bucket//a/./b/../c//", [], {}, b"", None),
    ("sorted query", "GET", "/bucket", [("prefix", "a/b c+d"), ("list-type", "2"),
                                        ("delimiter", "/"), ("Start-after", "ü")], {}, b"", None),
    ("empty value", "GET", "/bucket", [("uploads", "")], {}, b"", None),
    ("same name twice", "GET", "/bucket", [("a", "2"), ("a", "1"), ("a-b", "0")], {}, b"", None),
    ("put with hash", "PUT", "/bucket/key", [], {"Content-Type": "text/plain; charset=utf-8",
                                                "x-amz-meta-note": "  two   words\tand more "},
     b"hello world", None),
    ("session token", "GET", "/bucket/key", [], {}, b"", "FwoGZXIvYXdzE+token/with=signs=="),
    ("delete", "DELETE", "/bucket/key", [("versionId", "null")], {}, b"", None),
]


def header_form(case):
    _, method, path, query, headers, body, token = case
    request = AWSRequest(method, HOST + path, params=query or None, data=body,
                         headers=dict(headers))
    auth = botocore.auth.S3SigV4Auth(Credentials("AKIDBOTOCORE", SECRET, token), "s3", "eu-west-3")
    request.context["payload_signing_enabled"] = True
    auth.add_auth(request)
    return request


def query_form(case):
    _, method, path, query, headers, _, token = case
    request = AWSRequest(method, HOST + path, params=dict(query) or None, headers=dict(headers))
    auth = botocore.auth.S3SigV4QueryAuth(Credentials("AKIDBOTOCORE", SECRET, token), "s3",
                                          "eu-west-3", expires=3600)
    auth.add_auth(request)
    return request


def raw(request):
    """The request as it goes over the wire."""
    prepared = request.prepare()
    target = prepared.url.removeprefix(HOST)
    lines = [f"{prepared.method} {target} HTTP/1.1", "Host: " + HOST.removeprefix("https://")]
    lines += [f"{name}: {value}" for name, value in prepared.headers.items() if name != "Host"]
    return lines


def literal(text):
    pieces, piece = [], ""
    for c in text:
        if c == "\n":
            piece += "\\n"
        else:
            piece += c if " " <= c <= "~" and c not in '"\\' else f"\\{ord(c):03o}"
        if c == "\n" or len(piece) > 84:
            pieces.append(piece)
            piece = ""
    pieces.append(piece)
    return "\n    ".join(f'"{one}"' for one in pieces)


def main():
    botocore.auth.datetime = FixedModule
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: (
            WHEN.replace(tzinfo=None) if remove_tzinfo else WHEN)
    print(f"// Requests as botocore {botocore.__version__} signs them (tools/sign_vectors.py).")
    print("#pragma once\n\n#include <string_view>\n\nnamespace forebay::sign {\n")
    print("struct BotocoreVector {\n  std::string_view name;\n  std::string_view raw;\n};\n")
    print("// clang-format off\ninline constexpr BotocoreVector kBotocoreVectors[] = {")
    for form, make in (("header", header_form), ("query", query_form)):
        for case in CASES:
            if form == "query" and case[0] in ("put with hash", "same name twice"):
                continue
            text = "\n".join(raw(make(case)))
            print(f'    {{"{case[0]}, {form}",\n    {literal(text)}}},')
    print("};\n// clang-format on\n\n}  // namespace forebay::sign")
    return 0


if __name__ == "__main__":
    sys.exit(main())
