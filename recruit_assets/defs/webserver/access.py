"""Who may use the web server: requests to its own hosts, from its own pages, and with a password if one is set."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from secrets import compare_digest
from urllib.parse import urlsplit

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from recruit_assets.runtime.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OPERATOR, VIEWER = "operator", "viewer"
"""Names of the logins. A viewer may read; an operator may also launch, change and delete."""


def access_checks(settings: Settings) -> Sequence[Middleware]:
    """The checks that a request passes before Dagster sees it, in order."""
    passwords = {
        OPERATOR: settings.ui_operator_password.get_secret_value(),
        VIEWER: settings.ui_viewer_password.get_secret_value(),
    }
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *settings.ui_host_names]),
        Middleware(OwnPages),
        Middleware(AuthenticationMiddleware, backend=Login(passwords), on_error=_ask_for_login),
    ]


def may_operate(connection: HTTPConnection) -> bool:
    """Whether the request may change anything."""
    return OPERATOR in connection.auth.scopes


class OwnPages:
    """Refuses what another site's page makes a browser send.

    A browser adds `Origin` to all that can change something, except to a GET; Dagster executes those too, if the URL
    has a query.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not (problem := _problem(HTTPConnection(scope))):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "reason": problem})
        else:
            await PlainTextResponse(problem, HTTPStatus.FORBIDDEN)(scope, receive, send)


class Login(AuthenticationBackend):
    """HTTP Basic with one password per role. Without any password, everybody is an operator."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = {role: password for role, password in passwords.items() if password}

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser]:
        """The role that the request's password is of; AuthenticationError without one."""
        if not self._passwords:
            return AuthCredentials([OPERATOR]), SimpleUser(OPERATOR)
        user, password = _basic(conn.headers.get("Authorization", ""))
        # compared for an unknown name too: otherwise the time of the answer would tell which names exist
        right = compare_digest(password.encode(), self._passwords.get(user, "").encode())
        if not (right and user in self._passwords):
            raise AuthenticationError("wrong or no login")
        return AuthCredentials([user]), SimpleUser(user)


def _problem(connection: HTTPConnection) -> str:
    """Why the request isn't from a page of this server; empty if it may be."""
    origin = connection.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("Host"):
        return f"requests from pages of {origin} are refused"
    if "query" in connection.query_params and connection.url.path.endswith("/graphql"):
        return "GraphQL is accepted in the body of a POST only"
    return ""


def _basic(header: str) -> tuple[str, str]:
    """User and password of an Authorization header; both empty if it has none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _ask_for_login(_: HTTPConnection, error: Exception) -> PlainTextResponse:
    challenge = {"WWW-Authenticate": 'Basic realm="Dagster", charset="UTF-8"'}
    return PlainTextResponse(str(error), HTTPStatus.UNAUTHORIZED, headers=challenge)
