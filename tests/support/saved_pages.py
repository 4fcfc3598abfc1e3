"""What stands in a saved page."""

import base64
import gzip
import json
from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags in order, and the contents of scripts by their id."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self._open = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "script":
            self._open = dict(attributes).get("id", "main")
            self.scripts[self._open] = ""

    def handle_endtag(self, tag):
        if tag == "script":
            self._open = None

    def handle_data(self, data):
        if self._open is not None:
            self.scripts[self._open] += data


def unpacked(page, name="report"):
    """What stands compressed in a page."""
    text = gzip.decompress(base64.b64decode(page.scripts[name])).decode()
    return json.loads(text) if name == "report" else text
