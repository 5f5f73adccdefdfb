"""The words that exercises 5 and 6 and their checks begin with."""

from datetime import datetime

WORDS = [
    {"word": "cat", "definition": "an animal"},
    {"word": "Ajax", "definition": "a hero; a way to ask a server"},
    {"word": "iced", "definition": "with ice"},
    {"word": "ice-cream", "definition": "a frozen sweet"},
    {"word": "c++", "definition": "a language"},
    {"word": "中文", "definition": "the Chinese language"},
    {"word": ".profile", "definition": "a file that a shell reads"},
    {"word": "Icelandic", "definition": "of Iceland"},
    {
        "word": "tree",
        "definition": "a plant",
        "changed": datetime(2012, 5, 4, 12, 30, 15, 250_000),
        "seen": 7,
    },
    *({"word": f"x{number:03}", "definition": "one of many"} for number in reversed(range(150))),
]
