"""Requests to S3-compatible storage, signed with AWS Signature Version 4. Pure.

docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html; its examples are the tests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from attrs import field, frozen

_ALGORITHM = "AWS4-HMAC-SHA256"


@frozen
class Credentials:
    key_id: str
    secret: str = field(repr=False)
    region: str = "us-east-1"


def signed(
    credentials: Credentials,
    method: str,
    host: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    moment: str,
) -> dict[str, str]:
    """All headers of the request.

    Args:
        host: with its port, where it is not the usual one.
        path: not encoded, beginning with a slash.
        headers: besides `Host`, `X-Amz-…` and `Authorization`.
        moment: UTC, `20130524T000000Z`.
    """
    digest = hashlib.sha256(body).hexdigest()
    all_headers = {
        **{name.lower(): value for name, value in headers.items()},
        "host": host,
        "x-amz-content-sha256": digest,
        "x-amz-date": moment,
    }
    names = ";".join(sorted(all_headers))
    lines = [f"{name}:{all_headers[name].strip()}" for name in sorted(all_headers)]
    canonical = "\n".join((method, quote(path), "", *lines, "", names, digest))
    scope = f"{moment[:8]}/{credentials.region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    said = "\n".join((_ALGORITHM, moment, scope, hashed))
    key = f"AWS4{credentials.secret}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, said.encode(), "sha256").hex()
    credential = f"{credentials.key_id}/{scope}"
    authorization = (
        f"{_ALGORITHM} Credential={credential},SignedHeaders={names},Signature={signature}"
    )
    return {**all_headers, "authorization": authorization}
