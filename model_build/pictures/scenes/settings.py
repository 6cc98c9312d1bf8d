"""Rooms, tables and finishes that the scenes share."""

from model_build.pictures.material import Material, glaze, matte, metal
from model_build.pictures.scene import Lamp, Room, Table
from model_build.pictures.texture import gingham, wood

WHITE = glaze(0.80, 0.79, 0.76)
CREAM = glaze(0.76, 0.68, 0.52)
BLACK = glaze(0.020, 0.020, 0.024)
GREY = glaze(0.22, 0.23, 0.25)
RED = glaze(0.50, 0.025, 0.02)
ROSE = glaze(0.62, 0.27, 0.25)
ORANGE = glaze(0.72, 0.22, 0.02)
YELLOW = glaze(0.72, 0.45, 0.04)
OLIVE = glaze(0.17, 0.20, 0.05)
GREEN = glaze(0.02, 0.22, 0.09)
SAGE = glaze(0.40, 0.52, 0.38)
TEAL = glaze(0.02, 0.26, 0.27)
SKY = glaze(0.26, 0.44, 0.64)
BLUE = glaze(0.02, 0.07, 0.38)
NAVY = glaze(0.015, 0.03, 0.13)
BROWN = glaze(0.16, 0.07, 0.03)
PAPER = matte(0.80, 0.79, 0.76)
STEEL = metal(0.80, 0.79, 0.77)
COPPER = metal(0.82, 0.46, 0.30)
BRASS = metal(0.82, 0.64, 0.32)

OAK = Table(material=Material((0.42, 0.23, 0.11), gloss=0.4), texture=wood)
PINE = Table(material=Material((0.62, 0.43, 0.24), gloss=0.3), texture=wood, angle_deg=-20)
WALNUT = Table(material=Material((0.16, 0.08, 0.045), gloss=0.5), texture=wood, angle_deg=35)
LIMED = Table(material=Material((0.58, 0.58, 0.56), gloss=0.3), texture=wood, angle_deg=8)
EBONY = Table(material=Material((0.035, 0.035, 0.04), gloss=0.6), texture=wood, angle_deg=-6)
RED_CHECKS = Table(material=matte(0.55, 0.22, 0.20), texture=gingham, angle_deg=25)
BLUE_CHECKS = Table(material=matte(0.24, 0.34, 0.52), texture=gingham, angle_deg=-15)
GREY_CLOTH = Table(material=matte(0.42, 0.42, 0.43))
GREEN_FELT = Table(material=matte(0.02, 0.20, 0.08))
BLUE_FELT = Table(material=matte(0.04, 0.09, 0.28))
RED_FELT = Table(material=matte(0.26, 0.04, 0.05))

MORNING = Room(
    wall=(0.42, 0.37, 0.32),
    ceiling=(0.24, 0.27, 0.31),
    lamps=(
        Lamp(azimuth_deg=-50, elevation_deg=40, half_width_deg=16, half_height_deg=20, radiance=10.5),
        Lamp(azimuth_deg=70, elevation_deg=35, half_width_deg=10, half_height_deg=25, radiance=2.5),
    ),
)
"""A window at the left, a fainter one at the right."""

AFTERNOON = Room(
    wall=(0.44, 0.40, 0.33),
    ceiling=(0.27, 0.26, 0.25),
    lamps=(
        Lamp(azimuth_deg=55, elevation_deg=35, half_width_deg=14, half_height_deg=18, radiance=11.0),
        Lamp(azimuth_deg=-75, elevation_deg=30, half_width_deg=8, half_height_deg=24, radiance=2.5),
    ),
)
"""A window at the right, low and warm."""

STUDIO = Room(
    wall=(0.32, 0.32, 0.33),
    ceiling=(0.36, 0.36, 0.37),
    lamps=(
        Lamp(azimuth_deg=-25, elevation_deg=58, half_width_deg=24, half_height_deg=16, radiance=8.5),
        Lamp(azimuth_deg=95, elevation_deg=25, half_width_deg=12, half_height_deg=30, radiance=3.0),
    ),
)
"""A wide soft box overhead and a strip at the right."""

OVERCAST = Room(
    wall=(0.56, 0.57, 0.58),
    ceiling=(0.62, 0.66, 0.70),
    lamps=(Lamp(azimuth_deg=20, elevation_deg=50, half_width_deg=40, half_height_deg=24, radiance=2.2),),
)
"""Even light from above, hardly a shadow."""

EVENING = Room(
    wall=(0.17, 0.13, 0.10),
    ceiling=(0.14, 0.11, 0.09),
    lamps=(
        Lamp(azimuth_deg=-80, elevation_deg=50, half_width_deg=12, half_height_deg=12, radiance=24.0),
        Lamp(azimuth_deg=35, elevation_deg=30, half_width_deg=9, half_height_deg=12, radiance=7.0),
    ),
)
"""A small lamp at the side, dark walls."""
