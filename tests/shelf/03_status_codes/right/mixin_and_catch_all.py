"""A catch-all route instead of default_handler_class; prepare() looks for the note; no exceptions."""

import http
import json

from tornado.web import Application, RequestHandler

NAMES = ("get", "head", "post", "put", "patch", "delete", "options")


class Errors:
    def write_error(self, status_code, **kwargs):
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        if status_code == 405:
            self.set_header("Allow", self.allowed())
        reason = http.HTTPStatus(status_code).phrase
        self.finish(json.dumps({"error": reason, "status": status_code}))

    def allowed(self):
        names = [name for name in NAMES if any(name in vars(each) for each in self.families())]
        return ",".join(name.upper() for name in names)

    def families(self):
        return [each for each in type(self).__mro__ if each not in RequestHandler.__mro__]


class Base(Errors, RequestHandler):
    async def options(self, name=None):
        self.add_header("Allow", self.allowed())
        self.set_status(http.HTTPStatus.NO_CONTENT)
        await self.finish()


class Notes(Base):
    def get(self):
        names = list(self.settings["notes"])
        names.sort()
        self.write({"notes": names})


class Note(Base):
    def prepare(self):
        made = self.path_args[0] in self.settings["notes"]
        if not made and self.request.method not in ("PUT", "OPTIONS"):
            self.send_error(404)

    def get(self, name):
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self.settings["notes"][name])

    def put(self, name):
        notes = self.settings["notes"]
        try:
            text = str(self.request.body, "utf-8")
        except ValueError:
            return self.send_error(400)
        self.set_status(201 if name not in notes else 204)
        notes.update({name: text})

    def delete(self, name):
        del self.settings["notes"][name]
        self.set_status(204, "Gone for good")


class Broken(Base):
    def get(self):
        return [][0]


class Nowhere(Base):
    def prepare(self):
        self.send_error(404)


def make_app():
    return Application(
        [("/notes", Notes), ("/notes/(.+)", Note), ("/broken", Broken), (".*", Nowhere)], notes={}
    )
