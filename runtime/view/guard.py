"""Who may ask, and what a page may do: only the browser that was given the key, only from this machine.

A loopback port is open to every user of a machine and, by name tricks, to pages of other sites. So the address that the
command prints holds a key, which becomes a cookie; a request without it, or to another host name, is refused. Headers
forbid the page to load or send anything elsewhere, and the browser to keep pictures.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
"""Host names of the loopback address; any port, as a tunnel may have another one at its other end."""

_HOST = re.compile(rf"({'|'.join(map(re.escape, HOSTS))})(:(?P<port>[0-9]{{1,5}}))?")

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets through what the holder of the key asks of this machine."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app, self.key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have the pages answer it."""
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._refusal(HTTPConnection(scope)) or self.app
        await answer(scope, receive, guarded)

    def _refusal(self, asked: HTTPConnection) -> Response | None:
        """What is said to somebody who may not ask, or not yet; None: let through."""
        host = _HOST.fullmatch(asked.headers.get("host", ""))
        if host is None:
            return PlainTextResponse("This server answers to 127.0.0.1 and localhost only.", 400)
        cookie = f"cxrspec-{host['port'] or ''}"
        if self._is_key(asked.query_params.get("key")):
            rest = asked.url.remove_query_params("key").query
            page = RedirectResponse(f"/?{rest}" if rest else "/", 303)
            page.set_cookie(cookie, self.key, httponly=True, samesite="strict")
            return page
        if not self._is_key(asked.cookies.get(cookie)):
            return PlainTextResponse("Open the address that `cxrspec view` printed: it holds a key.", 403)
        return None

    def _is_key(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self.key.encode())
