"""What an ONNX file says of itself, for whoever must refuse it early: a preview, before cluster and images."""

from pathlib import Path
from typing import Any

from model_build.adapt.interface import ImageSize, interface_from_model, model_from_bytes
from model_build.errors import AdaptError, InterfaceError


def inspection_from_onnx(path: Path, *, output: str | None, image_size: ImageSize | None) -> dict[str, Any]:
    """Look at a model without running it.

    Args:
        path: the file.
        output: of several outputs the one that is served.
        image_size: height and width of a model that leaves its own open.

    Returns:
        ``shape`` (channels, height, width), ``classes`` (None where the file does not say) and ``wholeNumbers``
        (whether it takes uint8); or ``refused``, with the key of ``model.source`` that may mend it, what was found,
        what is accepted, and a value for the key where one is likely.
    """
    try:
        model = model_from_bytes(path.read_bytes(), name=path.name)
        interface = interface_from_model(model, name=path.name, output=output, image_size=image_size)
    except InterfaceError as error:
        return _refused(error.key, error.found, error.accepted, error.value)
    except AdaptError as error:
        found, _, accepted = str(error).partition("; accepted: ")
        return _refused("url", found, accepted or "an ONNX image classifier", None)
    except OSError as error:
        return _refused("url", f"{path}: {error.strerror}", "a file that can be read", None)
    return {
        "shape": list(interface.shape),
        "classes": interface.classes,
        "wholeNumbers": interface.takes_whole_numbers,
    }


def _refused(key: str, found: str, accepted: str, value: object) -> dict[str, Any]:
    return {"refused": {"key": key, "found": f"is refused: {found}", "accepted": accepted, "value": value}}
