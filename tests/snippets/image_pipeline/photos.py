"""Pictures made of numbers, the same at every run: no camera, no licence, no download.

Noise whose strength halves with each finer octave has the statistics of a photograph, so that encoders meet about what
they meet in one. Nobody should read more into the sizes than that.
"""

import io
import random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

GPS_LATITUDE = 2
GPS_IFD = 0x8825
CAMERA_MODEL = 0x0110
ORIENTATION = 0x0112
COPYRIGHT = 0x8298


def noise(width: int, height: int, seed: int, finest: int = 2, coarsest: int = 512) -> Image.Image:
    """Return grey noise from `coarsest` pixels a grain down to `finest`, each octave half as strong as the one above."""
    source, layer, grain = random.Random(seed), None, finest
    while grain <= coarsest:
        size = (max(2, width // grain), max(2, height // grain))
        octave = Image.frombytes("L", size, source.randbytes(size[0] * size[1])).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        layer = octave if layer is None else Image.blend(layer, octave, 0.5)
        grain *= 2
    return ImageOps.autocontrast(layer, cutoff=0.5)


def coloured(grey: Image.Image, dark: tuple[int, int, int], light: tuple[int, int, int]) -> Image.Image:
    """Map black to one colour and white to another."""
    return Image.merge(
        "RGB", [grey.point([d + (b - d) * v // 255 for v in range(256)]) for d, b in zip(dark, light, strict=True)]
    )


def grained(picture: Image.Image, seed: int) -> Image.Image:
    """Add the grain of a sensor: without it an encoder has too easy a time."""
    grain = Image.frombytes("RGB", picture.size, random.Random(seed).randbytes(picture.width * picture.height * 3))
    return Image.blend(picture, grain.filter(ImageFilter.GaussianBlur(0.6)), 0.05)


def landscape(width: int = 1600, height: int = 1000) -> Image.Image:
    """Sky, hills and grass: smooth areas, hard edges, fine texture."""
    sky = coloured(noise(width, height, 1, 64, 512), (60, 110, 190), (235, 240, 250))
    for row, (seed, base, dark, light) in enumerate(
        [(2, 0.50, (40, 60, 50), (120, 140, 120)), (3, 0.68, (20, 50, 10), (150, 190, 70))]
    ):
        line = noise(width, 2, seed, 32, 512).tobytes()[:width]
        hill = Image.new("L", (width, height))
        edge = [(x, int(height * base + (line[x] - 128) * height / 500)) for x in range(width)]
        ImageDraw.Draw(hill).polygon([(0, height), *edge, (width, height)], fill=255)
        sky.paste(coloured(noise(width, height, seed + 10, 2 if row else 8), dark, light), mask=hill)
    return grained(sky, 4)


def portrait(width: int = 1000, height: int = 1400) -> Image.Image:
    """A sharp subject before a blurred ground, higher than wide."""
    picture = coloured(noise(width, height, 21, 32), (30, 40, 35), (140, 150, 120)).filter(ImageFilter.GaussianBlur(12))
    subject = Image.new("L", (width, height))
    ImageDraw.Draw(subject).ellipse((width * 0.25, height * 0.18, width * 0.75, height * 0.68), fill=255)
    ImageDraw.Draw(subject).ellipse((width * 0.08, height * 0.66, width * 0.92, height * 1.3), fill=255)
    skin = coloured(noise(width, height, 22, 2), (110, 70, 50), (245, 205, 180))
    picture.paste(skin, mask=subject.filter(ImageFilter.GaussianBlur(1)))
    return grained(picture, 23)


def leaves(width: int = 1600, height: int = 1000) -> Image.Image:
    """Fine texture everywhere: the hardest to compress."""
    grey = noise(width, height, 31, 2, 64)
    return grained(coloured(grey, (10, 30, 5), (190, 220, 90)), 32)


def drawing(width: int = 1200, height: int = 800) -> Image.Image:
    """Flat shapes on a transparent ground, as logos and charts have."""
    picture = Image.new("RGBA", (width, height))
    draw, source = ImageDraw.Draw(picture), random.Random(41)
    for number in range(40):
        x, y = source.randrange(width), source.randrange(height)
        colour = (*(source.randrange(256) for _ in range(3)), 255)
        (draw.rectangle if number % 2 else draw.ellipse)(
            (x, y, x + source.randrange(40, 300), y + source.randrange(40, 300)), fill=colour
        )
    return picture


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Return a file; JPEGs come out as a camera would write them, at quality 92."""
    target = io.BytesIO()
    picture.save(target, kind, **({"quality": 92} if kind == "JPEG" else {}) | options)
    return target.getvalue()


def camera_data(orientation: int = 1) -> Image.Exif:
    """EXIF as a phone writes it: model, owner, place, and how the phone was held."""
    exif = Image.Exif()
    exif[CAMERA_MODEL], exif[COPYRIGHT], exif[ORIENTATION] = "Phone 17", "A. Person", orientation
    exif.get_ifd(GPS_IFD).update({1: "N", GPS_LATITUDE: (59.0, 54.0, 49.0), 3: "E", 4: (10.0, 45.0, 8.0)})
    return exif


def camera_photo() -> bytes:
    """The sample of the example: what a phone would upload."""
    return encoded(landscape(1280, 800), quality=80, exif=camera_data())
