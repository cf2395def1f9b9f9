"""Verify the token that Access puts into ``Cf-Access-Jwt-Assertion``. No web framework: any server can call this.

Rules: https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
"""

from dataclasses import dataclass
from typing import Any, Literal

import jwt

from keys import Keys, KeysUnavailable

ALGORITHM = "RS256"
LEEWAY_S = 60
TOKEN_LIMIT_CHARS = 16_000


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
    """Tell people and programs apart: a service token has no e-mail and an empty subject."""
    found = [claims.get(name) or "" for name in ("email", "common_name", "sub")]
    if not all(isinstance(value, str) for value in found):
        raise Refused(403, "invalid_token", "a claim has the wrong type")
    email, common_name, subject = found
    if email and subject and not common_name:
        return Identity("person", email.lower())
    if common_name and not email and not subject:
        return Identity("service", common_name)
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
                options={"require": ["exp", "iat", "aud", "iss"], "strict_aud": False},
            )
        except KeysUnavailable as error:
            raise Refused(503, "keys_unavailable", "the team does not answer") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Refused(403, "invalid_token", type(error).__name__) from error
        if not isinstance(claims["aud"], list) or claims.get("type") != "app":
            raise Refused(403, "invalid_token", "audience or type")
        return identity(claims)


# --8<-- [end:verify]
