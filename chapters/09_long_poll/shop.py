"""The shop around the stock: the visitor's session, the page of the book, the cart."""

import json
import secrets

import tornado.web

from inventory import SoldOutError


class JSONHandler(tornado.web.RequestHandler):
    """A handler whose responses are JSON, errors included."""

    def write(self, chunk):
        if isinstance(chunk, dict):  # Tornado's own JSON shows 中文 as \u4e2d\u6587
            self.set_header("Content-Type", "application/json; charset=utf-8")
            chunk = json.dumps(chunk, ensure_ascii=False)
        super().write(chunk)

    def write_error(self, status_code, **kwargs):
        if status_code == 405:  # HTTP requires this header, and Tornado leaves it out
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        self.finish({"error": tornado.httputil.responses.get(status_code, "Unknown")})

    def allowed_methods(self):
        """The methods that this class defines, such as ["GET", "POST"]."""
        default = tornado.web.RequestHandler
        return [
            method
            for method in self.SUPPORTED_METHODS
            if getattr(type(self), method.lower()) is not getattr(default, method.lower())
        ]


class NotFoundHandler(JSONHandler):
    def prepare(self):
        raise tornado.web.HTTPError(404)


class ShopHandler(JSONHandler):
    """A handler that knows its visitor by a session, which the server hands out and signs."""

    def initialize(self, inventory):
        self.inventory = inventory

    def prepare(self):
        # A browser sends a cookie to every port of a host, and two shops must not share one.
        name = "session_" + self.request.host.partition(":")[2]
        session = self.get_signed_cookie(name)
        if session is None:
            session = secrets.token_hex(16).encode()
            self.set_signed_cookie(name, session, httponly=True, samesite="Lax")
        self.current_user = session.decode()


class DetailHandler(ShopHandler):
    """The page of the book."""

    def get(self):
        self.render("index.html", **self.inventory.state())


class CartHandler(ShopHandler):
    """Puts a copy into the visitor's cart, or back into the stock."""

    def post(self):
        action = self.get_body_argument("action", "")
        if action == "add":
            try:
                self.inventory.add(self.current_user)
            except SoldOutError:
                self.set_status(409)
                self.finish({"error": "sold out"})
                return
        elif action == "remove":
            self.inventory.remove(self.current_user)
        else:
            self.set_status(400)
            self.finish({"error": "the action must be add or remove"})
            return
        self.write(self.inventory.state())
