"""What a ray may rely on, of every thing there is."""

import numpy as np
import pytest

from model_build.pictures.scenes import FIT
from model_build.pictures.things.solid import Solid
from model_build.pictures.vector import Vectors, dot

_THINGS: dict[str, Solid] = {
    type(shot.scene.thing).__name__: shot.scene.thing for shot in FIT.values() if shot.scene.thing
}
_ROUNDING_CM = 0.02


def _nearest(thing: Solid, points: Vectors) -> Vectors:
    nearest: Vectors = np.min([part.distance for part in thing.parts(points)], axis=0)
    return nearest


@pytest.fixture(params=_THINGS)
def thing(request: pytest.FixtureRequest) -> Solid:
    return _THINGS[request.param]


@pytest.fixture
def places(thing: Solid) -> Vectors:
    """Points in and about the thing."""
    reach = 1.5 * thing.bound.radius
    about: Vectors = np.random.default_rng(1).uniform(-reach, reach, (20_000, 3))
    about[:, 1] += thing.bound.height
    return about


def test_a_thing_lies_within_its_bound(thing: Solid, places: Vectors) -> None:
    inside = places[_nearest(thing, places) < 0] - [0.0, thing.bound.height, 0.0]
    assert len(inside)
    assert np.sqrt(dot(inside, inside)).max() <= thing.bound.radius


def test_a_thing_stands_on_the_table(thing: Solid, places: Vectors) -> None:
    lowest = places[_nearest(thing, places) < 0, 1].min()
    assert -_ROUNDING_CM <= lowest < 0.1 * thing.bound.height


def test_no_distance_is_more_than_the_way(thing: Solid, places: Vectors) -> None:
    steps = np.random.default_rng(2).normal(0, 0.2, places.shape)
    change = np.abs(_nearest(thing, places + steps) - _nearest(thing, places))
    assert (change <= 1.02 * np.sqrt(dot(steps, steps)) + 1e-9).all()


def test_a_point_is_the_same_from_wherever_it_is_asked(thing: Solid, places: Vectors) -> None:
    np.testing.assert_array_equal(_nearest(thing, places[:7]), _nearest(thing, places)[:7])
