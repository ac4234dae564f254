"""How long a connection may stand still: else some that never end would keep all others out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0  # for the whole head of a request
STILL_SECONDS = 30.0  # without a byte of a body


class PatientProtocol(H11Protocol):
    """uvicorn's, which waits for the head of a request for ever; this one closes the connection after a while."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_a_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait_for_a_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_a_head(self) -> None:
        """From the first byte on; those that follow do not prolong it."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._giving_up is None:
            self._giving_up = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


async def while_it_comes(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The blocks of a body. Raises ``TimeoutError`` where none comes for 30 seconds."""
    iterator = aiter(blocks)
    while True:
        try:
            block = await asyncio.wait_for(anext(iterator), STILL_SECONDS)
        except StopAsyncIteration:
            return
        yield block
