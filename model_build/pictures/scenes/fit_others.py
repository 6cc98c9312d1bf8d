"""The fit set's things that are neither mug nor cup nor coffee pot."""

from model_build.pictures.scenes import settings
from model_build.pictures.scenes.shot import (
    DUMBBELL,
    PING_PONG_BALL,
    SOUP_BOWL,
    TOILET_TISSUE,
    VASE,
    WINE_BOTTLE,
    Shot,
    bare,
    framed,
)
from model_build.pictures.things.crockery import Bowl
from model_build.pictures.things.rounds import Ball, Dumbbell, PaperRoll
from model_build.pictures.things.vessels import Bottle, Vase

BALLS: dict[str, Shot] = {
    "ball-1": framed(
        PING_PONG_BALL,
        Ball(skin=settings.ORANGE, patch=settings.WHITE),
        table=settings.GREEN_FELT,
        room=settings.AFTERNOON,
        elevation_deg=25,
        fill=0.55,
    ),
    "ball-2": framed(
        PING_PONG_BALL,
        Ball(skin=settings.RED, patch=settings.WHITE),
        table=settings.BLUE_FELT,
        room=settings.STUDIO,
        elevation_deg=18,
        fill=0.65,
        aside=0.2,
    ),
    "ball-3": framed(
        PING_PONG_BALL,
        Ball(skin=settings.RED, patch=settings.CREAM, patch_radius=0.7),
        table=settings.OAK,
        room=settings.OVERCAST,
        elevation_deg=28,
        fill=0.58,
        aside=-0.2,
    ),
    "ball-4": framed(
        PING_PONG_BALL,
        Ball(skin=settings.WHITE, patch=settings.WHITE),
        table=settings.GREEN_FELT,
        room=settings.EVENING,
        elevation_deg=20,
        fill=0.62,
    ),
    "ball-5": framed(
        PING_PONG_BALL,
        Ball(skin=settings.BLUE, patch=settings.WHITE, patch_radius=1.0),
        table=settings.RED_FELT,
        room=settings.MORNING,
        elevation_deg=24,
        fill=0.6,
        aside=0.1,
    ),
}

OTHERS: dict[str, Shot] = {
    "bowl-1": framed(
        SOUP_BOWL,
        Bowl(glaze=settings.WHITE, soup=settings.ORANGE),
        table=settings.OAK,
        room=settings.AFTERNOON,
        elevation_deg=30,
        fill=0.95,
    ),
    "bowl-2": framed(
        SOUP_BOWL,
        Bowl(glaze=settings.BLUE, soup=settings.CREAM),
        table=settings.RED_CHECKS,
        room=settings.MORNING,
        elevation_deg=24,
        fill=0.9,
    ),
    "bowl-3": framed(
        SOUP_BOWL,
        Bowl(glaze=settings.BROWN, soup=settings.OLIVE, height=5.2),
        table=settings.LIMED,
        room=settings.STUDIO,
        elevation_deg=36,
        fill=1.0,
    ),
    "vase-1": framed(
        VASE, Vase(glaze=settings.TEAL), table=settings.RED_CHECKS, room=settings.MORNING, elevation_deg=14, fill=0.9
    ),
    "vase-2": framed(
        VASE,
        Vase(glaze=settings.WHITE, shoulder=6.6),
        table=settings.WALNUT,
        room=settings.AFTERNOON,
        elevation_deg=10,
        fill=0.95,
    ),
    "vase-3": framed(
        VASE,
        Vase(glaze=settings.BROWN, height=21.0),
        table=settings.LIMED,
        room=settings.STUDIO,
        elevation_deg=18,
        fill=0.9,
    ),
    "bottle-1": framed(
        WINE_BOTTLE,
        Bottle(glass=settings.GREEN, label=settings.PAPER, capsule=settings.RED),
        table=settings.OAK,
        room=settings.MORNING,
        elevation_deg=10,
        fill=0.9,
    ),
    "bottle-2": framed(
        WINE_BOTTLE,
        Bottle(glass=settings.BLACK, label=settings.CREAM, capsule=settings.BRASS),
        table=settings.LIMED,
        room=settings.OVERCAST,
        elevation_deg=14,
        fill=0.88,
    ),
    "bottle-3": framed(
        WINE_BOTTLE,
        Bottle(glass=settings.OLIVE, label=settings.PAPER, capsule=settings.BLACK),
        table=settings.WALNUT,
        room=settings.EVENING,
        elevation_deg=8,
        fill=0.92,
    ),
    "roll-1": framed(
        TOILET_TISSUE,
        PaperRoll(paper=settings.PAPER),
        table=settings.GREY_CLOTH,
        room=settings.MORNING,
        elevation_deg=28,
        fill=0.9,
    ),
    "roll-2": framed(
        TOILET_TISSUE,
        PaperRoll(paper=settings.PAPER),
        table=settings.WALNUT,
        room=settings.AFTERNOON,
        elevation_deg=22,
        fill=0.85,
    ),
    "roll-3": framed(
        TOILET_TISSUE,
        PaperRoll(paper=settings.ROSE, height=8.6),
        table=settings.PINE,
        room=settings.OVERCAST,
        elevation_deg=35,
        fill=0.95,
    ),
    "dumbbell-1": framed(
        DUMBBELL,
        Dumbbell(bar=settings.STEEL, weight=settings.BLACK),
        table=settings.PINE,
        room=settings.MORNING,
        elevation_deg=24,
        fill=0.95,
        yaw_deg=20,
    ),
    "dumbbell-2": framed(
        DUMBBELL,
        Dumbbell(bar=settings.STEEL, weight=settings.GREY),
        table=settings.LIMED,
        room=settings.STUDIO,
        elevation_deg=28,
        fill=0.9,
        yaw_deg=-35,
    ),
    "dumbbell-3": framed(
        DUMBBELL,
        Dumbbell(bar=settings.BRASS, weight=settings.RED),
        table=settings.EBONY,
        room=settings.AFTERNOON,
        elevation_deg=18,
        fill=0.95,
        yaw_deg=50,
    ),
}

TABLES: dict[str, Shot] = {
    "table-1": bare(settings.OAK, room=settings.MORNING, elevation_deg=33, distance=36),
    "table-2": bare(settings.RED_CHECKS, room=settings.OVERCAST, elevation_deg=24, distance=60),
    "table-3": bare(settings.GREY_CLOTH, room=settings.AFTERNOON, elevation_deg=9, distance=60),
    "table-4": bare(settings.WALNUT, room=settings.EVENING, elevation_deg=18, distance=45),
}
