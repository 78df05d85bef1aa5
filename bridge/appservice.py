"""The registration of the application service: the file by which Synapse knows the bridge.

Its token may do everything on the server (`reference/onboarding.md` §2.1): nobody but the bridge may read its copy.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from attrs import field, frozen

from serving.secret_files import BadSecret, text_of


class BadRegistration(Exception):
    """The file cannot be used; the message says why and quotes nothing of it."""


@frozen(kw_only=True)
class AppService:
    """What the bridge needs of it. `sender_localpart`: the module's `bridge_user`."""

    as_token: str = field(repr=False)
    sender_localpart: str

    @classmethod
    def read(cls, path: Path) -> AppService:
        """The registration from its YAML file.

        Raises:
            BadRegistration: missing, readable by others, or not a registration.
        """
        try:
            raw = yaml.safe_load(text_of(path))
        except BadSecret as error:
            raise BadRegistration(str(error)) from None
        except yaml.YAMLError as error:
            raise BadRegistration(f"{path}: {type(error).__name__}") from None
        if not isinstance(raw, dict):
            raise BadRegistration(f"{path}: want settings, one `name: value` a line")
        token, localpart = raw.get("as_token"), raw.get("sender_localpart")
        if not isinstance(token, str) or len(token) < 32 or not token.isascii():
            raise BadRegistration(f"{path}: as_token: want 32 characters or more")
        if not isinstance(localpart, str) or not localpart:
            raise BadRegistration(f"{path}: sender_localpart: is missing")
        return cls(as_token=token, sender_localpart=localpart)
