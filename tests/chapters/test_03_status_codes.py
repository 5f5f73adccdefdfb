"""Chapter 3's script."""

import json
from http import HTTPStatus

import pytest
import tornado.web

UNPROCESSABLE = HTTPStatus(422).phrase  # Python 3.13 says Content where 3.12 says Entity
METHODS = "GET, HEAD, POST, DELETE, PATCH, PUT, OPTIONS"


@pytest.fixture
def url(load, serve):
    return serve(load(3).make_app())


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [
        ("GET", 200, b'{"method": "GET"}'),
        ("HEAD", 200, b""),
        ("POST", 201, b'{"method": "POST"}'),
        ("PUT", 204, b""),
        ("PATCH", 200, b'{"method": "PATCH"}'),
        ("DELETE", 204, b""),
        ("OPTIONS", 204, b""),
    ],
)
async def test_every_method_answers(url, fetch, method, status, body):
    response = await fetch(url + "/methods", method=method)
    assert (response.code, response.body or b"") == (status, body)


async def test_head_has_the_headers_of_get(url, fetch):
    get, head = [await fetch(url + "/methods", method=name) for name in ("GET", "HEAD")]
    for name in ("Content-Type", "Content-Length", "Etag"):
        assert head.headers[name] == get.headers[name]


async def test_options_names_the_methods(url, fetch):
    response = await fetch(url + "/methods", method="OPTIONS")
    assert response.headers["Allow"] == METHODS


@pytest.mark.parametrize(
    ("path", "method", "status", "error"),
    [
        ("/square", "GET", 400, "Bad Request"),
        ("/square?number=x", "GET", 400, "number must be a whole number"),
        ("/square?number=", "GET", 400, "number must be a whole number"),
        ("/square?number=-1", "GET", 400, "number must be a whole number"),
        ("/square?number=%C2%B2", "GET", 400, "number must be a whole number"),
        ("/square?number=%FF", "GET", 400, "Bad Request"),
        ("/square?number=123456", "GET", 422, UNPROCESSABLE),
        ("/square?number=" + "9" * 5000, "GET", 422, UNPROCESSABLE),
        ("/broken", "GET", 500, "Internal Server Error"),
        ("/nope", "GET", 404, "Not Found"),
        ("/nope", "POST", 404, "Not Found"),
        ("/%FF", "GET", 404, "Not Found"),
        ("/square/", "GET", 404, "Not Found"),
        ("/square", "DELETE", 405, "Method Not Allowed"),
        ("/square", "BREW", 405, "Method Not Allowed"),
    ],
)
async def test_every_error_is_json(url, fetch, path, method, status, error):
    response = await fetch(url + path, method=method)
    assert response.code == status
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(response.body) == {"error": error}
    assert response.headers.get("Allow") == ("GET" if status == 405 else None)


async def test_the_clients_mistake_says_nothing_of_the_log(url, fetch):
    response = await fetch(url + "/square?number=123456")
    assert b"digits" not in response.body


async def test_a_square(url, fetch):
    assert json.loads((await fetch(url + "/square?number=9999")).body) == {"square": 99980001}


async def test_chinese_stays_readable_in_json(load, serve, fetch):
    module = load(3)

    class ChineseHandler(module.JSONHandler):
        def get(self):
            self.write({"word": "中文"})

    response = await fetch(serve(tornado.web.Application([(r"/", ChineseHandler)])))
    assert response.body.decode() == '{"word": "中文"}'
