"""The copies of one book: whose cart holds one, and a way to wait for the next change."""

import asyncio


class SoldOut(Exception):
    """No copy is left."""


class Inventory:
    """Every change has a version, one higher than the last, so that a client can say what it has seen."""

    def __init__(self, copies=10):
        self.copies = copies
        self.carts = frozenset()  # the sessions that hold a copy
        self.version = 0
        self.changed = asyncio.Condition()

    def state(self):
        return {"inventoryCount": self.copies - len(self.carts), "version": self.version}

    async def add(self, session):
        """Put a copy into the cart of `session`; a second one changes nothing. Raises SoldOut."""
        if session in self.carts:
            return
        if len(self.carts) >= self.copies:
            raise SoldOut
        await self.change(self.carts | {session}, self.version + 1)

    async def remove(self, session):
        """Put the copy back; where there is none, nothing changes."""
        if session in self.carts:
            await self.change(self.carts - {session}, self.version + 1)

    async def change(self, carts, version):
        self.carts, self.version = carts, version
        async with self.changed:
            self.changed.notify_all()

    async def newer_than(self, version):
        """Wait until the state is another than that of `version`, and return it.

        Not `self.version > version`: after a restart we count from 0 again, and what a client has
        seen before may be higher than anything we have.
        """
        async with self.changed:
            await self.changed.wait_for(lambda: self.version != version)
        return self.state()
