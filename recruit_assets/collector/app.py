"""The collector's HTTP interface: what it takes, from whom, and how it answers."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recruit_assets.collector.intake import Intake, Overloaded, Sender
from recruit_assets.collector.payload import MAX_EVENTS, form_records, json_records
from recruit_assets.collector.rate import RateLimit
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.foreign_text import printable
from recruit_assets.runtime.settings import Settings

log = logging.getLogger(__name__)

TRACKER = Path(__file__).with_name("tracker.js")
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A transparent GIF of one pixel."""
NOT_CACHED = {"Cache-Control": "no-store"}
TRACKER_HEADERS = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
BODY_TIMEOUT_S = 15.0
PROBE_TIMEOUT_S = 5.0
PROBE_EVERY_S = 2.0
LOG_EVERY_S = 10.0
"""In an outage, every request fails in the same way."""
MAX_READING_BYTES = 64 * 1024 * 1024
"""Of bodies that haven't arrived whole."""
RETRY_AFTER = {"Retry-After": "5"}
FORM = "application/x-www-form-urlencoded"
JSON = frozenset({"application/json", "text/plain", ""})
"""A beacon's text has the type text/plain, with which browsers send it to another site without asking first."""
Probe = Callable[[], object]


def collector_app(settings: Settings, sender: Sender, probe: Probe) -> Starlette:
    """The application; events go to the sender, and `probe` raises StoreUnavailable while Kafka doesn't answer."""
    collector = _Collector(settings, Intake(sender), probe)
    origins = settings.collect_origin_list
    return Starlette(
        routes=[
            Route("/collect", collector.beacon, methods=["POST"]),
            Route("/pixel.gif", collector.pixel, methods=["GET"]),
            Route("/tracker.js", _tracker, methods=["GET"]),
            Route("/healthz", collector.health, methods=["GET"]),
        ],
        middleware=[
            Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["POST"], allow_headers=["Content-Type"])
        ],
        exception_handlers={
            Overloaded: _overloaded,
            StoreUnavailable: collector.unavailable,
            ClientDisconnect: _gone,
        },
    )


class _Collector:
    def __init__(self, settings: Settings, intake: Intake, probe: Probe) -> None:
        self._intake = intake
        self._probe = probe
        self._rate = RateLimit(settings.collect_rate)
        self._origins = frozenset(settings.collect_origin_list)
        self._max_bytes = settings.max_event_bytes
        self._reading_bytes = 0
        self._probing = asyncio.Lock()
        self._probed_at_s = self._logged_at_s = -math.inf

    async def beacon(self, request: Request) -> Response:
        """Events in the body: JSON, or a form with the fields of one."""
        self._admit(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in JSON and kind != FORM:
            raise _refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Type: wanted application/json, text/plain with JSON, or {FORM}, found {kind!r}",
            )
        body = await self._body(request)
        await self._store(form_records(body) if kind == FORM else json_records(body))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def pixel(self, request: Request) -> Response:
        """One event in the query. HEAD, which programs send that check links, stores nothing."""
        if request.method == "GET":
            self._admit(request)
            await self._store(form_records(request.scope["query_string"]))
        return Response(PIXEL, media_type="image/gif", headers=NOT_CACHED)

    async def health(self, _: Request) -> Response:
        """200 if an event would be stored now."""
        if self._intake.is_full:
            raise Overloaded
        async with self._probing:
            now_s = asyncio.get_running_loop().time()
            if now_s - self._probed_at_s > PROBE_EVERY_S:
                await self._ask_kafka()
                self._probed_at_s = now_s
        return PlainTextResponse("ok", headers=NOT_CACHED)

    async def _ask_kafka(self) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await asyncio.to_thread(self._probe)
        except TimeoutError:
            raise StoreUnavailable(f"Kafka hasn't answered for {PROBE_TIMEOUT_S:g} s") from None

    async def unavailable(self, _: Request, error: Exception) -> Response:
        """The answer if Kafka fails. What the error says is for the operator: senders may be anybody."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._logged_at_s > LOG_EVERY_S:
            self._logged_at_s = now_s
            log.warning("events aren't confirmed: %s", error)
        return PlainTextResponse(
            "Kafka has not confirmed the events; they may be stored",
            HTTPStatus.SERVICE_UNAVAILABLE,
            headers=RETRY_AFTER,
        )

    def _admit(self, request: Request) -> None:
        """HTTPException if the request comes from another site's page, or too often."""
        origin = request.headers.get("origin")
        if origin is not None and not self._is_allowed(origin, request.headers.get("host", "")):
            raise _refused(HTTPStatus.FORBIDDEN, f"pages of {origin} aren't in RECRUIT_COLLECT_ORIGINS")
        if not self._rate.allows(request.client.host if request.client else ""):
            raise _refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests from this address", RETRY_AFTER)

    def _is_allowed(self, origin: str, own_host: str) -> bool:
        return origin in self._origins or "*" in self._origins or urlsplit(origin).netloc == own_host

    async def _body(self, request: Request) -> bytes:
        """The whole body; HTTPException if it is too large or slow, Overloaded if too much is being read at once."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                async for part in request.stream():
                    body += part
                    self._reading_bytes += len(part)
                    if len(body) > self._max_bytes:
                        raise self._too_large("the body")
                    if self._reading_bytes > MAX_READING_BYTES:
                        raise Overloaded
        except TimeoutError:
            raise _refused(HTTPStatus.REQUEST_TIMEOUT, f"no whole body within {BODY_TIMEOUT_S:g} s") from None
        finally:
            self._reading_bytes -= len(body)
        return bytes(body)

    async def _store(self, records: Sequence[bytes]) -> None:
        if not records:
            raise _refused(HTTPStatus.BAD_REQUEST, "wanted an event with at least one field, found none")
        if len(records) > MAX_EVENTS:
            raise _refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"wanted at most {MAX_EVENTS} events in a request, found {len(records)}",
            )
        if max(map(len, records)) > self._max_bytes:
            raise self._too_large("the event, with its create_time,")
        await self._intake.store(records)

    def _too_large(self, what: str) -> HTTPException:
        return _refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{what} has more than {self._max_bytes} bytes, which RECRUIT_MAX_EVENT_BYTES allows",
        )


async def _tracker(_: Request) -> Response:
    return Response(TRACKER.read_bytes(), media_type="text/javascript", headers=TRACKER_HEADERS)


def _refused(status: HTTPStatus, message: str, headers: dict[str, str] | None = None) -> HTTPException:
    return HTTPException(status, printable(message), headers)


async def _overloaded(_: Request, __: Exception) -> Response:
    return PlainTextResponse(
        "too much is waiting for Kafka; nothing was stored", HTTPStatus.SERVICE_UNAVAILABLE, headers=RETRY_AFTER
    )


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody reads it: the sender closed the connection before the body was there."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)
