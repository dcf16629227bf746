"""`--endpoint-url` (AWS_ENDPOINT_URL from 2.13 on)."""

import awscli_cases

CLIENT = "AWS CLI v2"
AWS = "/usr/bin/aws"
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
