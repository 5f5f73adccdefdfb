"""The stock of one book: which sessions hold a copy, and a way to wait for the next change."""

import asyncio


class SoldOutError(Exception):
    """No copy is left."""


class Inventory:
    """A stock whose version grows by one with each change, so that a client can say what it has seen."""

    def __init__(self, copies=10):
        self.copies = copies
        self.carts = set()  # the sessions that hold a copy
        self.version = 0
        self.changed = asyncio.Event()

    def state(self):
        return {"inventoryCount": self.copies - len(self.carts), "version": self.version}

    def add(self, session):
        """Put a copy into the cart of `session`; a second copy changes nothing. Raises SoldOutError."""
        if session in self.carts:
            return
        if len(self.carts) >= self.copies:
            raise SoldOutError
        self.carts.add(session)
        self.version += 1
        self.notify()

    def remove(self, session):
        """Put the copy back; an empty cart changes nothing."""
        if session in self.carts:
            self.carts.remove(session)
            self.version += 1
            self.notify()

    def notify(self):
        """Wake everything that waits in newer_than()."""
        self.changed.set()
        self.changed = asyncio.Event()  # for the next change

    async def newer_than(self, version):
        """Wait until the version is not `version`, and return the state.

        Not `self.version > version`: after a restart the stock counts from 0 again, and a client may
        have seen a higher version before.
        """
        while self.version == version:
            await self.changed.wait()
        return self.state()
