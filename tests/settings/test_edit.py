"""One value of a configuration file is changed: all else stays as the user wrote it."""

from __future__ import annotations

import tomllib

import pytest
from genre_edge.errors import UsageError
from genre_edge.settings.edit import with_value
from genre_edge.settings.text import as_toml, commented
from genre_edge.sinks import kinds
from hypothesis import given, settings
from hypothesis import strategies as st

MINE = """\
# by hand, 2026
[listen]  # how it judges
smooth = 3     # windows
  silence_dbfs=-60.0

[mqtt]
url = "mqtt://broker#1" # "the" one
"""


def changed(text: str, key: str, value: str | None, comment: str = "") -> str:
    table, _, name = key.partition(".")
    return with_value(text, table, name, value, comment)


def test_a_value_takes_the_place_of_another_and_its_comment_stays() -> None:
    assert changed(MINE, "listen.smooth", "5") == MINE.replace("smooth = 3 ", "smooth = 5 ")
    assert changed(MINE, "listen.silence_dbfs", "-50.0") == MINE.replace("=-60.0", "=-50.0")
    assert changed(MINE, "mqtt.url", '"x"') == MINE.replace('"mqtt://broker#1"', '"x"')


def test_a_new_value_takes_the_place_of_its_commented_default() -> None:
    text = commented(kinds.sections())
    made = changed(text, "listen.smooth", "5")
    assert made == text.replace("# smooth = 3\n", "smooth = 5\n")
    assert changed(made, "listen.smooth", None, "# smooth = 3") == text


def test_a_new_value_without_a_commented_default_is_below_the_head_of_its_table() -> None:
    made = changed(MINE, "listen.windows", "7")
    assert made == MINE.replace("judges\n", "judges\nwindows = 7\n")


def test_a_table_that_is_not_there_is_made() -> None:
    assert changed("", "listen.smooth", "5") == "[listen]\nsmooth = 5\n"
    assert changed("x = 1", "listen.smooth", "5") == "x = 1\n\n[listen]\nsmooth = 5\n"


def test_a_value_of_several_lines_is_replaced_whole() -> None:
    text = '[web]\nallowed_hosts = [ # mine\n  "a", # one\n]\nport = 1\n'
    assert changed(text, "web.allowed_hosts", '["b"]') == '[web]\nallowed_hosts = ["b"]\nport = 1\n'


def test_lines_end_as_they_did() -> None:
    text = MINE.replace("\n", "\r\n")
    assert changed(text, "listen.smooth", "5") == text.replace("smooth = 3 ", "smooth = 5 ")
    assert "windows = 7\r\n" in changed(text, "listen.windows", "7")


@pytest.mark.parametrize(
    "text",
    ["listen = { smooth = 3 }\n", 'x = """\n[listen]\nsmooth = 3\n"""\nlisten.smooth = 4\n'],
)
def test_what_is_not_understood_is_refused_and_never_harmed(text: str) -> None:
    with pytest.raises(UsageError, match=r"listen\.smooth: is written in a way"):
        changed(text, "listen.smooth", "5")


@pytest.mark.parametrize("value", [[None], "\ud800", ["\ud800"]])
def test_what_no_file_can_hold_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match=r"no TOML file can hold"):
        changed(MINE, "mqtt.url", as_toml(value))


keys = st.sampled_from(["listen.smooth", "listen.windows", "mqtt.url", "mqtt.name", "history.path"])
values = st.one_of(
    st.integers(-9, 9), st.booleans(), st.text(), st.lists(st.text()), st.floats(allow_nan=False)
)


@settings(max_examples=50)
@given(
    text=st.sampled_from([MINE, "", MINE.replace("\n", "\n\n# more\n")]),
    changes=st.dictionaries(keys, st.one_of(values, st.none())),
)
def test_whatever_is_changed_all_other_values_and_comments_stay(
    text: str, changes: dict[str, object]
) -> None:
    made, wanted = text, tomllib.loads(text)
    for key, value in changes.items():
        table, _, name = key.partition(".")
        made = changed(made, key, None if value is None else as_toml(value), f"# {name} = ...")
        if value is None:
            wanted.get(table, {}).pop(name, None)
        else:
            wanted.setdefault(table, {})[name] = value
    assert tomllib.loads(made) == wanted
    kept = [line for line in text.splitlines() if line.startswith("#") and " = " not in line]
    assert [line for line in made.splitlines() if line in kept] == kept
