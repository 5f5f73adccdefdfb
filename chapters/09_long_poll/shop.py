"""The shop around the live inventory: who is asking, the page of the book, the cart."""

import secrets

import tornado

from inventory import SoldOut


class ShopHandler(tornado.web.RequestHandler):
    """What the shop's handlers share: the inventory, who is asking, errors as JSON."""

    def initialize(self, inventory):
        self.inventory = inventory

    def get_current_user(self):
        # We give out the session and sign it. The notes took any that a client sent.
        session = self.get_signed_cookie("session")
        if session is None:
            session = secrets.token_hex(16).encode()
            self.set_signed_cookie("session", session, httponly=True, samesite="Lax")
        return session.decode()

    def write_error(self, status_code, **kwargs):
        self.finish({"error": self._reason})


class DetailHandler(ShopHandler):
    """The page of the book. To render it asks for the current user, which sets the cookie."""

    def get(self):
        self.render("index.html", **self.inventory.state())


class CartHandler(ShopHandler):
    """Puts a copy into the visitor's cart, or back on the shelf."""

    async def post(self):
        match self.get_argument("action"):
            case "add":
                try:
                    await self.inventory.add(self.current_user)
                except SoldOut:
                    raise tornado.web.HTTPError(409, reason="Sold out") from None
            case "remove":
                await self.inventory.remove(self.current_user)
            case _:
                raise tornado.web.HTTPError(400, reason="The action is add or remove")
        self.write(self.inventory.state())
