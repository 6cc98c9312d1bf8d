import subprocess
import sys
from pathlib import Path

from PIL import Image

from model_build.pictures import INDEX, fit_pictures
from model_build.pictures.scenes import FIT, HELD_OUT

_HELD_OUT_FOLDER = Path(__file__).parents[4] / "smoke_tests" / "data"
_MOST_BYTES = 6 << 20


def test_the_index_names_every_scene_of_the_fit_set_with_its_class() -> None:
    listed = {picture.scene: picture.class_index for picture in fit_pictures()}
    assert listed == {name: shot.class_index for name, shot in FIT.items()}
    assert len(listed) == len(fit_pictures())


def test_the_index_names_every_picture_beside_it_and_no_other() -> None:
    assert {picture.path for picture in fit_pictures()} == set(INDEX.parent.glob("*.png"))


def test_every_scene_of_the_tests_is_a_picture() -> None:
    assert {path.stem for path in _HELD_OUT_FOLDER.glob("*.png")} >= HELD_OUT.keys()


def test_every_picture_is_square_rgb() -> None:
    for path in [*INDEX.parent.glob("*.png"), *(_HELD_OUT_FOLDER / f"{name}.png" for name in HELD_OUT)]:
        with Image.open(path) as image:
            assert (image.mode, image.width) == ("RGB", image.height), path


def test_no_picture_of_the_fit_set_is_held_out() -> None:
    held_out = [(_HELD_OUT_FOLDER / f"{name}.png").read_bytes() for name in HELD_OUT]
    assert not [picture.path for picture in fit_pictures() if picture.path.read_bytes() in held_out]


def test_the_pictures_stay_small() -> None:
    paths = [*INDEX.parent.glob("*.png"), *(_HELD_OUT_FOLDER / f"{name}.png" for name in HELD_OUT)]
    assert sum(path.stat().st_size for path in paths) <= _MOST_BYTES


def test_reading_the_index_renders_nothing() -> None:
    program = (
        "import sys; from model_build.pictures import fit_pictures; fit_pictures(); "
        "print([name for name in ('numpy', 'PIL', 'model_build.pictures.render') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"
