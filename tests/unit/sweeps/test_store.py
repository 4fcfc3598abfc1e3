import sqlite3

import pytest

from kanwidget.sweeps.run import Store


def test_what_was_added_is_there_again(tmp_path):
    with Store(tmp_path / "s.db") as store:
        store.add([("a", {"x": 1.5, "width": [2, 1], "failed": None})])
        store.add([("b", {"x": 2})])
    with Store(str(tmp_path / "s.db")) as store:
        assert list(store.rows(["b", "c", "a"]).items()) == [
            ("b", {"x": 2}),
            ("a", {"x": 1.5, "width": [2, 1], "failed": None}),
        ]


def test_the_first_result_stays():
    with Store(None) as store:
        store.add([("a", {"x": 1})])
        store.add([("a", {"x": 2}), ("b", {"x": 3})])
        assert store.rows(["a", "b"]) == {"a": {"x": 1}, "b": {"x": 3}}


def test_an_empty_file_is_a_new_one(tmp_path):
    (tmp_path / "s.db").touch()
    with Store(tmp_path / "s.db") as store:
        assert store.rows(["a"]) == {}


def of_something_else(path):
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE results (key TEXT PRIMARY KEY, row TEXT)")
    base.close()


def of_a_sweep(path, rows=500):
    with Store(path) as store:
        store.add([(str(n), {"text": "x" * 100}) for n in range(rows)])


def cut(path):
    of_a_sweep(path)
    path.write_bytes(path.read_bytes()[:20_000])


def scrambled(path):
    of_a_sweep(path)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


def newer(path):
    of_a_sweep(path)
    base = sqlite3.connect(path)
    base.execute("PRAGMA user_version = 99")
    base.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("grid,loss\n3,0.1\n" * 20), "no SQLite file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "an SQLite file of something else"),
        (of_something_else, "an SQLite file of something else"),
        (newer, "of a newer version"),
        (cut, "of no use to SQLite"),
        (scrambled, "of no use to SQLite"),
    ],
)
def test_other_files_are_refused_and_left_as_they_were(make, message, tmp_path):
    path = tmp_path / "s.db"
    make(path)
    before, listing = path.read_bytes(), sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=rf"the `store` argument of sweep must be a new file .* That is {message}"):
        Store(path)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == listing


def test_places_where_no_file_can_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        Store(tmp_path / "none" / "s.db")
    with pytest.raises(ValueError, match="That is a folder"):
        Store(tmp_path)
    with pytest.raises(ValueError, match="the path of a file, or None"):
        Store(3)
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "none" / "s.db")
    with pytest.raises(ValueError, match=r"`store`.*unable to open"):
        Store(link)


def test_rows_written_before_have_today_s_names(tmp_path):
    with Store(tmp_path / "s.db") as store:
        store.add([("k", {"bend": False, "optimizer": "LM", "reason": "converged", "failed": None})])
        assert list(store.rows(["k"])["k"]) == ["geodesic_acceleration", "optimizer", "stop_reason", "failed"]
