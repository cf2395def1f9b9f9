"""Draw for each page the picture that shows when somebody shares its link: title, number, our own look; no network.

A picture is drawn once and kept under ``.cache/social``, or in the folder that ``SOCIAL_CACHE`` names, by the hash of what it says
and of how this file draws.
"""

import hashlib
import io
import os
from functools import cache
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw, ImageFont

from model.files import ROOT

FONT = ROOT / "docs" / "assets" / "fonts" / "public-sans.woff2"
CACHE = Path(os.environ.get("SOCIAL_CACHE") or ROOT / ".cache" / "social")
SIZE = WIDTH, HEIGHT = 1200, 630
MARGIN = 80
NAVY, WHITE, PALE, ORANGE = "#14213d", "#ffffff", "#d5dcec", "#fdba74"
COLOURS = 32
TITLE_PX = (84, 72, 60, 50)
TEXT_LINES = 3
TEXT_PX, TEXT_STEP_PX, SMALL_PX = 32, 43, 26
TOP, GAP, BOTTOM = 142, 22, HEIGHT - 100  # where the title starts, what lies below it, where the text has ended
BOXES = ("#fff3df", "#e3edfd", "#e1f4ea")


@cache
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(io.BytesIO(FONT.read_bytes()), size)
    font.set_variation_by_axes([weight])
    return font


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Return a text as lines that are no wider than ``width`` pixels, as far as its words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def fitted(title: str, below: int) -> tuple[ImageFont.FreeTypeFont, int, list[str]]:
    """Return the largest font in which a title fits, the height of its lines, and these.

    Args:
        title: the title.
        below: how many pixels the text under it takes.
    """
    for size in TITLE_PX:
        font, step = _font(size, 700), round(size * 1.14)
        lines = wrapped(title, font, WIDTH - 2 * MARGIN)
        wide = any(font.getlength(line) > WIDTH - 2 * MARGIN for line in lines)
        if not wide and TOP + step * len(lines) + GAP + below <= BOTTOM:
            break
    return font, step, lines


def shortened(text: str) -> list[str]:
    """Return a description as at most three lines, with an ellipsis where it goes on."""
    font = _font(TEXT_PX, 400)
    lines = wrapped(text, font, WIDTH - 2 * MARGIN)
    if len(lines) > TEXT_LINES:
        last = wrapped(f"{lines[TEXT_LINES - 1]} {lines[TEXT_LINES]}", font, WIDTH - 2 * MARGIN - TEXT_PX)[0]
        lines = [*lines[: TEXT_LINES - 1], last.rstrip(",;:. ") + " …"]
    return lines


def drawn(number: str, title: str, description: str, site: str) -> Image.Image:
    """Return the picture of one page.

    Args:
        number: the pattern's number, or the empty text.
        title: the page's title.
        description: the page's one sentence.
        site: the site's name.
    """
    image = Image.new("RGB", SIZE, NAVY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 14, HEIGHT), fill=ORANGE)
    draw.text((MARGIN, 64), f"Pattern {number}" if number else site, font=_font(TEXT_PX, 600), fill=ORANGE)
    for place, colour in enumerate(BOXES):
        left = WIDTH - MARGIN - 208 + place * 76
        draw.rounded_rectangle((left, 64, left + 56, 102), 8, fill=colour)
        if place:
            draw.line((left - 20, 83, left, 83), fill=PALE, width=3)
    text = shortened(description)
    font, step, lines = fitted(title, TEXT_STEP_PX * len(text))
    y = TOP
    for line in lines:
        draw.text((MARGIN, y), line, font=font, fill=WHITE)
        y += step
    y += GAP
    for line in text:
        draw.text((MARGIN, y), line, font=_font(TEXT_PX, 400), fill=PALE)
        y += TEXT_STEP_PX
    small = _font(SMALL_PX, 600)
    draw.text((MARGIN, HEIGHT - 76), site if number else "Drawn, sourced, tested", font=small, fill=WHITE)
    word = "independent and unofficial"
    draw.text((WIDTH - MARGIN - small.getlength(word), HEIGHT - 76), word, font=small, fill=PALE)
    return image


def png(image: Image.Image) -> bytes:
    """Return a picture as a small PNG."""
    stream = io.BytesIO()
    image.quantize(COLOURS).save(stream, "PNG", optimize=True)
    return stream.getvalue()


@cache
def _recipe() -> bytes:
    return Path(__file__).read_bytes() + FONT.read_bytes()


def picture(*words: str) -> bytes:
    """Return the PNG for ``drawn(*words)``, from the cache when it was drawn before."""
    name = hashlib.sha256(_recipe() + "\0".join(words).encode()).hexdigest()[:24]
    path = CACHE / f"{name}.png"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Several builds may draw the same picture at once.
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(png(drawn(*words)))
        part.replace(path)
    return path.read_bytes()


def address(uri: str) -> str:
    """Return where a page's picture stands in the site."""
    return f"assets/social/{PurePosixPath(uri).with_suffix('.png')}"
