import numpy as np
import pytest

from model_build.pictures import distance
from model_build.pictures.distance import Point
from model_build.pictures.vector import Scalars

_CURVES: list[tuple[Point, Point, Point]] = [
    ((0.0, 0.0), (2.0, 3.0), (4.0, 0.0)),
    ((-1.0, 2.0), (5.0, 2.0), (5.0, -3.0)),
    ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)),
    ((0.0, 1.0), (6.0, 1.2), (0.0, 1.4)),
]


def _places() -> tuple[Scalars, Scalars]:
    x, y = np.meshgrid(np.linspace(-6, 8, 41), np.linspace(-6, 6, 37))
    return x.ravel(), y.ravel()


@pytest.mark.parametrize(("a", "b", "c"), _CURVES)
def test_the_distance_to_a_curve_is_that_to_the_nearest_of_its_points(a: Point, b: Point, c: Point) -> None:
    x, y = _places()
    t = np.linspace(0, 1, 4001)[:, np.newaxis]
    curve_x, curve_y = ((1 - t) ** 2 * np.array(a) + 2 * t * (1 - t) * np.array(b) + t**2 * np.array(c)).T
    nearest = np.hypot(x[:, np.newaxis] - curve_x, y[:, np.newaxis] - curve_y).min(axis=1)
    np.testing.assert_allclose(distance.quadratic(x, y, a, b, c), nearest, atol=2e-3)


def test_a_curve_starts_and_ends_at_its_outer_points() -> None:
    control = [(0.0, 1.0), (3.0, 1.0), (4.0, 4.0), (2.0, 6.0)]
    ends = distance.curve(np.array([0.0, 2.0]), np.array([1.0, 6.0]), control)
    np.testing.assert_allclose(ends, 0, atol=1e-9)


def test_the_radius_of_a_rising_curve_lies_on_it() -> None:
    control = [(1.0, 0.0), (3.0, 1.0), (4.0, 4.0), (2.0, 6.0)]
    heights = np.linspace(0, 6, 25)
    on_curve = distance.curve(distance.radius_at(heights, control), heights, control)
    np.testing.assert_allclose(on_curve, 0, atol=2e-3)


def test_a_cylinder_has_its_radius_and_height() -> None:
    across, along = np.array([2.0, 5.0, 0.0, 0.0]), np.array([0.0, 0.0, 3.0, 0.0])
    measured = distance.cylinder(across, along, radius=3.0, half=1.0, edge=0.2)
    np.testing.assert_allclose(measured, [-1.0, 2.0, 2.0, -1.0])


def test_a_blend_fills_the_corner_and_leaves_the_rest() -> None:
    near, far = np.array([0.1, 3.0]), np.array([0.1, 0.5])
    joined = distance.union(near, far, blend=0.4)
    assert joined[0] < 0.1
    assert joined[1] == pytest.approx(0.5)


def test_a_difference_is_hollow_where_the_second_shape_is() -> None:
    cut = distance.difference(np.array([-1.0, -1.0]), np.array([-0.5, 2.0]), blend=0.1)
    assert cut[0] > 0 > cut[1]
