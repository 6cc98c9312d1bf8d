"""The pictures that the tests ask about; no model is fitted on them."""

from model_build.pictures.scenes import settings
from model_build.pictures.scenes.shot import COFFEE_MUG, COFFEEPOT, CUP, PING_PONG_BALL, Shot, framed
from model_build.pictures.things.crockery import Cup, Mug
from model_build.pictures.things.rounds import Ball
from model_build.pictures.things.vessels import CoffeePot

HELD_OUT: dict[str, Shot] = {
    "mug": framed(
        COFFEE_MUG,
        Mug(outside=settings.BLUE, inside=settings.WHITE),
        table=settings.OAK,
        room=settings.MORNING,
        yaw_deg=-8,
        elevation_deg=33,
        fill=1.05,
        aside=1.0,
    ),
    "cup": framed(
        CUP,
        Cup(glaze=settings.WHITE),
        table=settings.LIMED,
        room=settings.MORNING,
        yaw_deg=-10,
        elevation_deg=21,
        fill=0.96,
        aside=0.3,
    ),
    "coffeepot": framed(
        COFFEEPOT,
        CoffeePot(body=settings.STEEL, grip=settings.BLACK),
        table=settings.EBONY,
        room=settings.MORNING,
        yaw_deg=-20,
        elevation_deg=9,
        fill=0.95,
    ),
    "ball": framed(
        PING_PONG_BALL,
        Ball(skin=settings.RED, patch=settings.WHITE),
        table=settings.GREEN_FELT,
        room=settings.MORNING,
        elevation_deg=22,
        fill=0.6,
    ),
}
