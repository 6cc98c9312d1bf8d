import codecs
from pathlib import Path

import pytest

from contract.errors import LabelsError
from contract.labels import labels_from_bytes, text_from_labels

CASE = Path(__file__).resolve().parents[4] / "shared" / "cases" / "labels_bom.txt"
NAMES = ("TENCH", "COFFEE MUG", "Kühlschrank", "茶碗")
TEXT = "".join(f"{name}\n" for name in NAMES)


def refusal(data: bytes) -> str:
    with pytest.raises(LabelsError) as caught:
        labels_from_bytes(data, name="labels.txt")
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF16_LE + TEXT.replace("\n", "\r\n").encode("utf-16-le"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip().encode(),
        TEXT.encode() + b"\n\n\n",
        TEXT.encode() + b"\r\n \t\r\n",
        TEXT.replace("\n", " \t\n ").encode(),
        TEXT.replace("COFFEE", "\ufeffCOFFEE").encode(),
    ],
    ids=[
        *("plain", "UTF-8 with a mark", "UTF-16 LE", "UTF-16 BE", "UTF-32 LE", "UTF-32 BE", "CRLF", "UTF-16 LE, CRLF"),
        *("CR", "no last line end", "blank lines at the end", "white space at the end", "white space around"),
        "a mark in the middle",
    ],
)
def test_the_labels_are_the_same_from_every_editor(data: bytes) -> None:
    assert labels_from_bytes(data, name="labels.txt") == NAMES


def test_a_real_file_with_a_mark_has_a_clean_first_label() -> None:
    if not CASE.is_file():
        pytest.skip("../shared/cases is not beside the project")
    labels = labels_from_bytes(CASE.read_bytes(), name="labels.txt")
    assert len(labels) == 1000
    assert labels[0].isprintable()
    assert labels[504] == "COFFEE MUG"


def test_what_the_pods_get_is_read_as_it_was_written() -> None:
    text = text_from_labels(NAMES)
    assert text == TEXT
    assert labels_from_bytes(text.encode(), name="labels.txt") == NAMES


def test_a_line_separator_inside_a_label_ends_no_line() -> None:
    assert labels_from_bytes("a\u2028b\nc\x0bd\n".encode(), name="labels.txt") == ("a\u2028b", "c\x0bd")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "labels.txt is empty; accepted: a text file, one label a line"),
        (codecs.BOM_UTF8, "labels.txt is empty; accepted: a text file, one label a line"),
        (b"\n\n", "labels.txt is empty; accepted: a text file, one label a line"),
        (b"a\n\nb\n", "labels.txt has an empty line 2; accepted: a text file, one label a line"),
        (b"\na\n", "labels.txt has an empty line 1; accepted: a text file, one label a line"),
        (b"a\n \t\nb\n", "labels.txt has an empty line 2; accepted: a text file, one label a line"),
        (b"a\nb\0c\n", "labels.txt is no text: line 2 has a NUL; accepted: a text file, one label a line"),
        (
            "Kühlschrank\n".encode("latin-1"),
            "labels.txt is not UTF-8 text, at byte 1; accepted: a text file, one label a line, in UTF-8",
        ),
        (
            codecs.BOM_UTF16_LE + b"a\0b",
            "labels.txt is not UTF-16 text, at byte 4; accepted: a text file, one label a line, in UTF-8",
        ),
    ],
    ids=[
        *("nothing", "a mark alone", "line ends alone", "empty inside", "empty first", "blank inside", "NUL"),
        *("Latin-1", "half of UTF-16"),
    ],
)
def test_what_is_no_list_of_labels_is_refused_in_one_line(data: bytes, said: str) -> None:
    assert refusal(data) == said


def test_utf_16_without_its_mark_is_no_text() -> None:
    assert "has a NUL" in refusal("a\nb\n".encode("utf-16-le"))
