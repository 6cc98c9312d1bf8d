"""Render the project's pictures: ``python -m model_build.pictures render [--scene NAME] [--out FOLDER]``."""

import argparse
import difflib
import json
import sys
from pathlib import Path

from model_build.pictures import INDEX
from model_build.pictures.errors import PictureError
from model_build.pictures.render import image_from_scene
from model_build.pictures.scenes import FIT, HELD_OUT, SCENES

_HELD_OUT_FOLDER = Path(__file__).parents[2] / "smoke_tests" / "data"
_HELD_OUT_PIXELS = 512
_FIT_PIXELS = 384


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m model_build.pictures", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="render scenes; without options, all that are committed")
    render.add_argument("--scene", metavar="NAME", help="only this one")
    render.add_argument("--out", metavar="FOLDER", type=Path, help="here, rather than over the committed files")
    options = parser.parse_args(arguments)
    try:
        for name in [options.scene] if options.scene else SCENES:
            print(_rendered(name, options.out))
        if not options.out:
            _write_index()
    except (PictureError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _rendered(name: str, folder: Path | None) -> Path:
    """Render one scene into a folder, or to where it is committed, and return its path."""
    if name not in SCENES:
        close = difflib.get_close_matches(name, SCENES, n=3, cutoff=0)
        raise PictureError(f"there is no scene {name!r}; the nearest names are {', '.join(close)}")
    held_out = name in HELD_OUT
    folder = folder or (_HELD_OUT_FOLDER if held_out else INDEX.parent)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    image = image_from_scene(SCENES[name].scene, _HELD_OUT_PIXELS if held_out else _FIT_PIXELS)
    image.save(path, optimize=True)
    return path


def _write_index() -> None:
    """Write the fit set's index, one picture a line."""
    entries = [
        json.dumps({"file": f"{name}.png", "class": shot.class_index, "scene": name}) for name, shot in FIT.items()
    ]
    INDEX.write_text("[\n" + ",\n".join(f"  {entry}" for entry in entries) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
