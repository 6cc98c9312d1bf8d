from smoke_tests.client import Classified
from smoke_tests.report import classification_table


def test_table_is_the_quick_starts() -> None:
    classes = [
        Classified(score=15.34623, class_index=504, label="COFFEE MUG"),
        Classified(score=13.224326, class_index=968, label="CUP"),
        Classified(score=10.422965, class_index=505, label="COFFEEPOT"),
    ]
    assert classification_table("smoke_tests/data/mug.png", classes) == [
        "Image 'smoke_tests/data/mug.png':",
        "    15.346230 (504) = COFFEE MUG",
        "    13.224326 (968) = CUP",
        "    10.422965 (505) = COFFEEPOT",
    ]


def test_scores_of_different_lengths_are_aligned_on_the_right() -> None:
    classes = [Classified(score=10, class_index=1, label="A"), Classified(score=-1, class_index=2, label="B")]
    assert classification_table("a.png", classes)[1:] == ["    10.000000 (1) = A", "    -1.000000 (2) = B"]
    assert classification_table("a.png", [classes[0], Classified(score=1, class_index=3, label="C")])[2] == (
        "     1.000000 (3) = C"
    )


def test_no_classes_are_no_lines() -> None:
    assert classification_table("a.png", []) == ["Image 'a.png':"]
