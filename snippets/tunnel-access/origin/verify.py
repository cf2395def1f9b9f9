"""Verify the token that Access puts into ``Cf-Access-Jwt-Assertion``. No web framework: any server can call this.

Rules: https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import jwt

from keys import Keys, KeysUnavailable

ALGORITHM = "RS256"
LEEWAY_S = 60
TOKEN_LIMIT_CHARS = 16_000
CLIENT_ID = re.compile(r"[0-9a-f]{32}\.access")


class Refused(Exception):
    """The request has no valid proof; the code is for the caller, the reason is for the log."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason = status, code, reason


# --8<-- [start:identity]
@dataclass(frozen=True)
class Identity:
    """Who passed Access.

    Attributes:
        kind: a person who signed in, or a program with a service token.
        name: the person's e-mail address, or the token's client id.
    """

    kind: Literal["person", "service"]
    name: str


def identity(claims: dict[str, Any]) -> Identity:
    """Tell people and programs apart.

    A service token has its client id as common name and an empty subject. The token of a
    client certificate has a common name too, and a person may have both.
    """
    email, common_name, subject = (claims.get(n, "") for n in ("email", "common_name", "sub"))
    if not all(isinstance(value, str) for value in (email, common_name, subject)):
        raise Refused(403, "invalid_token", "a claim has the wrong type")
    personal = email or claims.get("identity_nonce")
    if CLIENT_ID.fullmatch(common_name) and claims.get("sub") == "" and not personal:
        return Identity("service", common_name)
    if email and subject and not common_name:
        # Other letters fold to ASCII ones: the Kelvin sign is no k.
        return Identity("person", email.lower() if email.isascii() else email)
    raise Refused(403, "invalid_token", "neither a person nor a service token")


# --8<-- [end:identity]


# --8<-- [start:verify]
@dataclass(frozen=True)
class Verifier:
    """Checks tokens for one application.

    Args:
        keys: the team's public keys.
        issuer: the team domain, such as ``https://your-team.cloudflareaccess.com``.
        audience: the application's AUD tag.
    """

    keys: Keys
    issuer: str
    audience: str

    def identify(self, token: str | None) -> Identity:
        """Return who is asking.

        Raises:
            Refused: 403 without a valid token, 503 when it cannot be checked.
        """
        if not token:
            raise Refused(403, "no_token", "the request did not pass Access")
        if len(token) > TOKEN_LIMIT_CHARS:
            raise Refused(403, "invalid_token", "the token is too long")
        try:
            head = jwt.get_unverified_header(token)
            # The algorithm is ours to choose: a token that names another one is a forgery.
            kid = head.get("kid")
            if head.get("alg") != ALGORITHM or not isinstance(kid, str) or "crit" in head:
                raise Refused(403, "invalid_token", "algorithm or key id")
            key = self.keys.get(kid)
            if key is None:
                raise Refused(403, "invalid_token", "unknown key id")
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except KeysUnavailable as error:
            raise Refused(503, "keys_unavailable", "the team does not answer") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Refused(403, "invalid_token", type(error).__name__) from error
        if claims.get("type") != "app":
            raise Refused(403, "invalid_token", "type")
        return identity(claims)


# --8<-- [end:verify]
