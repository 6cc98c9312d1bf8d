import numpy as np

from model_build.pictures.vector import direction, reflected, turned


def test_direction_names_the_places_of_the_room() -> None:
    np.testing.assert_allclose(direction(0, 0), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(direction(90, 0), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(direction(0, 90), [0, 1, 0], atol=1e-12)


def test_a_mirror_on_the_table_throws_falling_light_up() -> None:
    down = np.array([[0.6, -0.8, 0.0]])
    np.testing.assert_allclose(reflected(down, np.array([[0.0, 1.0, 0.0]])), [[0.6, 0.8, 0.0]])


def test_the_handle_of_a_thing_turned_by_90_degrees_is_at_the_back() -> None:
    at_the_back = np.array([[0.0, 0.0, -1.0]])
    np.testing.assert_allclose(turned(at_the_back, 90), [[1, 0, 0]], atol=1e-12)
