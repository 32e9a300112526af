"""The options of the middlewares of WSGI, ASGI and the frameworks."""

from __future__ import annotations

from ..errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._access import Fields

# Values that clients choose are cut at these lengths, in characters.
LONGEST_CLIENT = 64
LONGEST_USER_AGENT = 512
# The length of a body that is taken for a number, in digits.
_LONGEST_NUMBER = 18


def number_of(length: str | None) -> int | None:
    """The number that the value of `Content-Length` is; None if it is none."""
    if length is None or len(length) > _LONGEST_NUMBER or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


class Options:
    """The options that every middleware takes, checked.

    Args:
        skip: Paths without an access record: whole paths, and beginnings that end with `*`. Their requests still have a context,
            and an exception that escapes is logged.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`. The client is
            the address that the outermost proxy saw. With 0 it is the connected address, and that header is not read.
        access_fields: A function of the request and its response that returns further fields of the access record.
        user_agent: Whether access records have the client's `User-Agent`.
        request_bytes: Whether they have the size of the request's body.

    Raises:
        ConfigurationError: An option is not allowed.
    """

    __slots__ = (
        "_beginnings",
        "_paths",
        "access_fields",
        "has_details",
        "request_bytes",
        "skips_some",
        "trusted_proxies",
        "user_agent",
    )

    def __init__(
        self,
        skip: Iterable[str] = (),
        trusted_proxies: int = 0,
        access_fields: Fields | None = None,
        user_agent: bool = False,
        request_bytes: bool = False,
    ) -> None:
        if isinstance(skip, str):
            skip = (skip,)
        paths = tuple(skip)
        for path in paths:
            if not isinstance(path, str) or not path.startswith("/") or "*" in path[:-1]:
                raise ConfigurationError(
                    source="argument",
                    key="skip",
                    value=path,
                    allowed="a path such as /health, or a beginning such as /static/*",
                )
        if not isinstance(trusted_proxies, int) or isinstance(trusted_proxies, bool) or trusted_proxies < 0:
            raise ConfigurationError(
                source="argument",
                key="trusted_proxies",
                value=trusted_proxies,
                allowed="a number of proxies, 0 or more",
            )
        if access_fields is not None and not callable(access_fields):
            raise ConfigurationError(
                source="argument",
                key="access_fields",
                value=access_fields,
                allowed="a function of a request and its response that returns a mapping of fields",
            )
        for key, given in (("user_agent", user_agent), ("request_bytes", request_bytes)):
            if not isinstance(given, bool):
                raise ConfigurationError(source="argument", key=key, value=given, allowed="true or false")
        self.access_fields = access_fields
        self.user_agent = user_agent
        self.request_bytes = request_bytes
        self.has_details = user_agent or request_bytes
        self._paths = frozenset(path for path in paths if not path.endswith("*"))
        self._beginnings = tuple(path[:-1] for path in paths if path.endswith("*"))
        self.skips_some = bool(paths)
        self.trusted_proxies = trusted_proxies

    def skips(self, path: str) -> bool:
        """Whether requests for this path have no access record."""
        return path in self._paths or path.startswith(self._beginnings)

    def client(self, connected: str | None, forwarded: str | None) -> str | None:
        """The address of the client.

        Args:
            connected: The address that is connected.
            forwarded: The value of `X-Forwarded-For`. Only needed with `trusted_proxies`.

        Returns:
            An address, or None if it is not known.
        """
        if self.trusted_proxies and forwarded:
            seen = forwarded.rsplit(",", self.trusted_proxies)
            if len(seen) >= self.trusted_proxies:
                return seen[-self.trusted_proxies].strip()[:LONGEST_CLIENT] or connected
        return connected

    def details(self, user_agent: str | None, content_length: str | None, received: int = 0) -> dict[str, object]:
        """The fields that these options ask for. A field whose value is not known is left out.

        Args:
            user_agent: The value of the header.
            content_length: The value of the header.
            received: The bytes of the body that the application has received, for a request without that header.
        """
        found: dict[str, object] = {}
        if self.user_agent and user_agent is not None:
            found["user_agent"] = user_agent[:LONGEST_USER_AGENT]
        if self.request_bytes:
            number = number_of(content_length)
            if number is not None:
                found["request_bytes"] = number
            elif received or not content_length:
                found["request_bytes"] = received
        return found
