"""`--endpoint-url` or AWS_ENDPOINT_URL; presigned URLs need `s3.signature_version = s3v4`."""

import sys
from pathlib import Path

import awscli_cases

CLIENT = "AWS CLI v1"
AWS = str(Path(sys.executable).parent / "aws")
VERSION = [AWS, "--version"]


def syncs_a_folder(place):
    """`s3 sync` of a folder, of a change and a deletion, and back."""
    awscli_cases.syncs(place, AWS)


def copies_and_moves(place):
    """`s3 cp`, `mv` and `rm`, recursive and filtered; types and metadata go along."""
    awscli_cases.copies_and_moves(place, AWS)


def large_file_by_parts(place):
    """17 MiB up, moved and down in parts."""
    awscli_cases.large_by_parts(place, AWS)


def calls_the_api(place):
    """`s3api`: tags, attributes, a conditional get, a delete of several."""
    awscli_cases.calls_the_api(place, AWS)
