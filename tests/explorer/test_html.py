"""The page that needs no kernel: complete, and safe whatever a name holds. How it looks is tested in a browser."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer import save_html
from kanwidget.explorer.html import embedded

NASTY = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "a\u2028b\u2029c",
    '"];alert(1)//',
    "{title}",
    "&lt;b&gt;",
)


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


@pytest.fixture
def nasty(data):
    return Dataset(data.train_input, data.train_label, in_vars=NASTY[:2], out_vars=(NASTY[2],))


def test_holds_every_edge_with_its_candidates(explorer_file, data):
    page = Page(explorer_file.read_text(encoding="utf-8"))
    report = json.loads(page.scripts["report"])
    assert set(report["edges"]) == {f"0-{i}-{j}" for i in range(2) for j in range(3)} | {f"1-{j}-0" for j in range(3)}
    for stored in report["edges"].values():
        assert len(stored["candidates"]["rows"]) >= 8
        size = len(base64.b64decode(stored["buffer"]))
        ends = [offset + shape[0] * (shape[1] if len(shape) > 1 else 1) for offset, shape in stored["arrays"].values()]
        assert max(ends) * 4 == size
    assert report["snapshot"]["status"]["step"] == 3
    assert "openReport" in json.loads(page.scripts["bundle"])


@pytest.fixture
def explorer_file(model, data, tmp_path):
    path = tmp_path / "explorer.html"
    with KANExplorer(model, data) as explorer:
        explorer.fit(3)
        explorer.select(0, 0, 0)
        explorer.save_html(path)
        assert explorer._session.selection == ((0, 0, 0),)
    return path


def test_asks_nobody_for_anything(explorer_file):
    text = explorer_file.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)\s*=", re.sub(r"<script.*?</script>", "", text, flags=re.S))


def test_names_stay_text(model, nasty, tmp_path):
    path = tmp_path / "nasty.html"
    save_html(model, nasty, path, title=NASTY[0])
    page = Page(path.read_text(encoding="utf-8"))
    assert page.tags.count("script") == 3
    names = [node["name"] for node in json.loads(page.scripts["report"])["snapshot"]["structure"]["nodes"]]
    assert set(NASTY[:3]) <= set(names)


@pytest.mark.parametrize("value", NASTY)
def test_embedded_json_is_inert_and_true(value):
    text = embedded({"a": [value]})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"a": [value]}


def test_a_model_alone_makes_a_report(data, tmp_path):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=4, progress=False)
    before = model.history.last
    path = tmp_path / "model.html"
    save_html(model, data, path)
    report = json.loads(Page(path.read_text(encoding="utf-8")).scripts["report"])
    assert report["snapshot"]["status"]["step"] == 4
    assert report["snapshot"]["arrays"]["metrics"][1] == [4, 5]
    assert report["snapshot"]["status"]["state"] == "done"
    assert model.history.last is before
