"""Photos in R2 and their sizes, as visitors, an editor and an attacker meet them."""

import datetime
import hashlib
import importlib.util
import io
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image

from runtime import toolchain
from runtime.workers import SNIPPETS, Example, Runtime
from tests.snippets.image_pipeline import photos
from tests.support.patience import PATIENCE_S, until

SLUG = "image-pipeline"
TOKEN = "an-upload-token-that-nobody-may-see"
KEY, OLD_KEY = "the-signing-key-of-these-tests-0123456789", "the-key-before-it-0123456789-0123456789"
SECRETS = {"UPLOAD_TOKEN": TOKEN, "SIGNING_KEYS": f"{KEY}, {OLD_KEY}"}
EDITOR = {"Authorization": f"Bearer {TOKEN}"}
HERE = Path(__file__).with_name("image_pipeline")
PAGE = toolchain.ROOT / "docs" / "patterns" / f"{SLUG}.md"
MEASURED = toolchain.ROOT / "docs" / "data" / "measurements" / f"{SLUG}.json"
WIDTHS = [160, 320, 640, 960, 1280, 1920]
BYTES_MAX = 20_000_000
SAMPLE = (SNIPPETS / SLUG / "sample.jpg").read_bytes()
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


def load_client():
    spec = importlib.util.spec_from_file_location("sign", SNIPPETS / SLUG / "client" / "sign.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sign = load_client().sign


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(SLUG, secrets=SECRETS) as example:
        yield example


@pytest.fixture(scope="module")
def cat(api: Example) -> str:
    """The key of a photo that is there."""
    return upload(api, "cat", SAMPLE).json()["hash"]


def upload(api: Example, name: str, content: object, **headers: str) -> httpx.Response:
    return api.http.put(f"/v1/photos/{name}", content=content, headers={**EDITOR, **headers})


def fresh(seed: int, width: int = 400, height: int = 300) -> bytes:
    """A small photo that no other test uploads."""
    return photos.encoded(photos.coloured(photos.noise(width, height, 1000 + seed), (0, 0, 0), (255, 255, 255)))


def get(api: Example, path: str, accept: str = "*/*", **headers: str) -> httpx.Response:
    return api.http.get(path, headers={"Accept": accept, **headers})


def opened(response: httpx.Response) -> Image.Image:
    """Decode an answer, after checking that it is what its headers say."""
    assert response.status_code == 200, response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    picture = Image.open(io.BytesIO(response.content))
    picture.load()
    assert response.headers["content-type"] == f"image/{picture.format.lower()}"
    return picture


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    assert "internal" not in body["error"]["message"]
    return response.status_code, body["error"]["code"]


def logged(api: Example, event: str, **fields: object) -> list[dict]:
    """Return the log entries of an event; every line is JSON and names its request."""
    entries = [json.loads(line.partition(": ")[2]) for line in api.logs() if "{" in line]
    assert all(entry["request"] for entry in entries)
    return [e for e in entries if e["event"] == event and fields.items() <= e.items()]


def was_kept(response: httpx.Response) -> bool:
    return response.headers["cache-status"] == "photos; hit"


def until_kept(api: Example, path: str, accept: str = "*/*") -> tuple[httpx.Response, int]:
    """Ask until the answer comes from the cache, which is filled while the first visitor reads; return it and the misses."""
    answers: list[httpx.Response] = []
    until(lambda: answers.append(get(api, path, accept)) or was_kept(answers[-1]), what=f"{path} is kept")
    return answers[-1], len(answers) - 1


# What visitors get


@pytest.mark.parametrize("kind", ["avif", "webp", "jpeg"])
@pytest.mark.parametrize("width", [160, 640])
def test_a_listed_width_and_format_is_really_made(api, cat, width, kind):
    picture = opened(get(api, f"/images/{cat}/{width}.{kind}"))
    assert picture.format == kind.upper()
    assert picture.size == (width, width * 800 // 1280)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (CHROME, "AVIF"),
        ("image/webp,*/*", "WEBP"),
        ("*/*", "JPEG"),
        ("", "JPEG"),
        ("image/*", "JPEG"),
        ("image/jpeg", "JPEG"),
        ("IMAGE/AVIF", "AVIF"),
        ("image/avif;q=0,image/webp", "WEBP"),
        ("image/avif; q=0.0, image/webp;q=0", "JPEG"),
        ("image/avif;q=0.9", "AVIF"),
        ("image/avif;\u2000q=0".encode(), "AVIF"),
        ("image/avifx", "JPEG"),
        ("\u2000image/avif".encode(), "JPEG"),
        ("text/html", "JPEG"),
    ],
)
def test_the_best_format_that_the_browser_names_is_sent(api, cat, accept, kind):
    response = get(api, f"/images/{cat}/320", accept)
    assert opened(response).format == kind
    assert response.headers["vary"] == "Accept"


def test_a_format_in_the_address_wins_over_accept_and_does_not_vary(api, cat):
    response = get(api, f"/images/{cat}/320.jpeg", CHROME)
    assert opened(response).format == "JPEG"
    assert "vary" not in response.headers


def test_a_small_original_is_never_enlarged(api, cat):
    assert opened(get(api, f"/images/{cat}/1920.jpeg")).size == (1280, 800)


def test_a_picture_too_large_for_avif_comes_as_webp(api, cat):
    assert opened(get(api, f"/images/{cat}/1280", CHROME)).format == "WEBP"
    tall = upload(api, "tall", photos.encoded(photos.portrait(500, 1300))).json()["hash"]
    assert opened(get(api, f"/images/{tall}/320", CHROME)).format == "AVIF"
    picture = opened(get(api, f"/images/{tall}/640", CHROME))
    assert (picture.format, picture.size) == ("WEBP", (500, 1300))


def test_no_camera_data_and_no_place_reaches_a_visitor(api, cat):
    assert Image.open(io.BytesIO(SAMPLE)).getexif().get_ifd(photos.GPS_IFD), "the sample has a place"
    for kind in ("avif", "webp", "jpeg"):
        response = get(api, f"/images/{cat}/640.{kind}")
        assert not opened(response).getexif()
        assert b"Phone 17" not in response.content


def test_a_photo_that_lies_on_its_side_is_turned_upright_and_its_size_is_told_so(api):
    lying = photos.encoded(photos.landscape(400, 250), exif=photos.camera_data(orientation=6))
    kept = upload(api, "lying", lying).json()
    assert (kept["width"], kept["height"]) == (250, 400)
    assert opened(get(api, f"/images/{kept['hash']}/160.webp")).size == (160, 256)


def test_a_transparent_ground_stays_transparent_in_webp_and_avif(api):
    key = upload(api, "logo", photos.encoded(photos.drawing(600, 400), "PNG")).json()["hash"]
    for accept in ("image/webp", CHROME):
        assert opened(get(api, f"/images/{key}/320", accept)).convert("RGBA").getextrema()[3] == (0, 255)
    flat = opened(get(api, f"/images/{key}/320"))
    assert (flat.mode, flat.getpixel((0, 0))) == ("RGB", (0, 0, 0)), (
        "white in production; the page says that black is local"
    )


def test_head_answers_like_get_without_a_body(api, cat):
    by_get, by_head = api.http.get(f"/images/{cat}/320.webp"), api.http.head(f"/images/{cat}/320.webp")
    assert by_head.status_code == 200 and by_head.content == b""
    for name in ("etag", "cache-control", "content-type"):
        assert by_head.headers[name] == by_get.headers[name]
    assert api.http.head("/photos/nobody/320").status_code == 404


# The cache


def test_the_second_visitor_is_served_from_the_cache_and_nothing_is_read_or_made(api):
    key = upload(api, "hot", fresh(1)).json()["hash"]
    first = get(api, f"/images/{key}/160", CHROME)
    assert not was_kept(first) and first.headers["cache-status"] == "photos; fwd=miss"
    second, misses = until_kept(api, f"/images/{key}/160", CHROME)
    assert second.content == first.content
    api.call("ORIGINALS", "delete", f"originals/{key}")
    assert was_kept(get(api, f"/images/{key}/160", CHROME))
    assert len(logged(api, "variant_made", hash=key)) == 1 + misses
    assert refusal(get(api, f"/images/{key}/320", CHROME)) == (404, "photo_not_found"), "the original is gone"


def test_the_cache_never_mixes_formats_though_the_cache_api_ignores_vary(api):
    key = upload(api, "mixed", fresh(2)).json()["hash"]
    for accept, kind in [(CHROME, "AVIF"), ("*/*", "JPEG"), ("image/webp", "WEBP")] * 2:
        assert opened(get(api, f"/images/{key}/160", accept)).format == kind
        assert opened(until_kept(api, f"/images/{key}/160", accept)[0]).format == kind


def test_what_accept_led_to_and_the_address_with_the_format_are_one_copy(api):
    key = upload(api, "shared", fresh(3)).json()["hash"]
    until_kept(api, f"/images/{key}/160", CHROME)
    assert was_kept(get(api, f"/images/{key}/160.avif"))
    assert was_kept(get(api, f"/images/{key}/160.avif?utm_source=mail"))


def test_a_key_never_changes_its_picture_so_browsers_may_keep_it_for_good(api, cat):
    response = get(api, f"/images/{cat}/320.webp")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    tag = response.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        again = get(api, f"/images/{cat}/320.webp", **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert get(api, f"/images/{cat}/320.webp", **{"If-None-Match": f"\u2000{tag}".encode()}).status_code == 200
    assert get(api, f"/images/{cat}/320.jpeg", **{"If-None-Match": tag}).status_code == 200


def test_many_first_visitors_at_once_all_get_the_picture(api):
    key = upload(api, "rush", fresh(4)).json()["hash"]
    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(lambda _: get(api, f"/images/{key}/160.webp"), range(8)))
    assert len({opened(a).tobytes() for a in answers}) == 1
    assert 1 <= len(logged(api, "variant_made", hash=key)) <= 8
    until_kept(api, f"/images/{key}/160.webp")


def test_a_host_that_a_visitor_makes_up_orders_no_second_copy(api):
    key = upload(api, "hosts", fresh(22)).json()["hash"]
    until_kept(api, f"/images/{key}/160.webp")
    made = len(logged(api, "variant_made", hash=key))
    for host in ("localhost:1", "localhost:65535", "LOCALHOST:8787", "img.example.com", "other.example.com:8443"):
        assert was_kept(get(api, f"/images/{key}/160.webp", Host=host)), host
    assert len(logged(api, "variant_made", hash=key)) == made


# Names and keys


def test_a_new_original_is_seen_at_once_and_the_old_key_keeps_its_picture(api):
    pictures = []
    for number in (5, 6):
        key = upload(api, "news", fresh(number)).json()["hash"]
        response = get(api, "/photos/news/160.jpeg")
        assert (response.status_code, response.headers["location"]) == (302, f"/images/{key}/160.jpeg")
        assert response.headers["cache-control"] == "public, max-age=60"
        pictures.append((key, opened(get(api, response.headers["location"])).tobytes()))
    (old, before), (new, after) = pictures
    assert old != new and before != after
    assert opened(get(api, f"/images/{old}/160.jpeg")).tobytes() == before


def test_the_key_is_the_hash_of_the_bytes_and_the_original_is_kept_as_it_came(api, cat):
    assert cat == hashlib.sha256(SAMPLE).hexdigest()
    kept = api.call("ORIGINALS", "head", f"originals/{cat}")
    assert kept["size"] == len(SAMPLE)
    assert kept["customMetadata"] == {"width": "1280", "height": "800"}


def test_the_same_bytes_are_stored_once_and_an_upload_can_be_repeated(api):
    picture = fresh(7)
    first, again, other = (upload(api, name, picture) for name in ("one", "one", "two"))
    assert [r.status_code for r in (first, again, other)] == [201, 200, 200]
    assert [r.json()["new"] for r in (first, again, other)] == [True, False, False]
    assert len({r.json()["hash"] for r in (first, again, other)}) == 1
    assert {get(api, f"/photos/{n}/160").headers["location"] for n in ("one", "two")} == {
        f"/images/{first.json()['hash']}/160"
    }


def test_an_original_is_never_replaced(api):
    picture = fresh(8)
    key = f"originals/{hashlib.sha256(picture).hexdigest()}"
    api.call("ORIGINALS", "put", key, "what was there before")
    assert upload(api, "kept", picture).json()["new"] is False
    assert api.call("ORIGINALS", "head", key)["size"] == len("what was there before")


def test_of_two_editors_at_the_same_time_the_last_one_wins_and_no_photo_is_lost(api):
    with ThreadPoolExecutor(2) as editors:
        keys = [r.json()["hash"] for r in editors.map(lambda n: upload(api, "contended", fresh(n)), (9, 10))]
    assert get(api, "/photos/contended/160").headers["location"].split("/")[2] in keys
    assert all(get(api, f"/images/{key}/160").status_code == 200 for key in keys)


@pytest.mark.parametrize(
    "path",
    [
        "/images/{key}/641",
        "/images/{key}/0",
        "/images/{key}/",
        "/images/{key}/-640",
        "/images/{key}/0640",
        "/images/{key}/640.",
        "/images/{key}/640.gif",
        "/images/{key}/640.svg",
        "/images/{key}/640.AVIF",
        "/images/{key}/640.webp.webp",
        "/images/{key}/1e3",
        "/images/{key}/99999",
        "/images/{key}/640%2Ewebp",
        "/images/{key}/640;q=1",
        "/images/{key}/auto",
        "/photos/cat/641",
        "/photos/cat/640.gif",
        "/photos/cat/300x200.webp",
    ],
)
def test_a_width_or_format_that_is_not_on_the_list_is_refused_and_nothing_is_made(api, cat, path):
    made = len(logged(api, "variant_made"))
    answer = get(api, path.format(key=cat))
    assert refusal(answer) == (400, "unknown_size")
    assert "640" in answer.json()["error"]["message"]
    assert len(logged(api, "variant_made")) == made


@pytest.mark.parametrize(
    "key",
    [
        "..",
        "%2e%2e",
        "..%2fnames%2fcat",
        "%2e%2e%2fnames%2fcat",
        "..%5c..%5cnames",
        "names%2fcat",
        "originals%2f{key}",
        "{key}%00",
        "{key}%0a",
        "{upper}",
        "{key}0",
        "{short}",
        "%C3%A9",
        "{key}%2f..%2f{key}",
        "*",
    ],
)
def test_a_key_that_leads_elsewhere_is_refused(api, cat, key):
    text = key.format(key=cat, upper=cat.upper(), short=cat[:-1])
    # httpx would tidy the address up; a raw request line reaches the Worker as it is.
    with socket.create_connection(("127.0.0.1", api.http.base_url.port), timeout=PATIENCE_S) as attacker:
        attacker.sendall(f"GET /images/{text}/640 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: attacker.recv(65536), b""))
    assert re.match(rb"HTTP/1.1 (400|404) ", answer)
    assert b'"invalid_key"' in answer or b'"not_found"' in answer


@pytest.mark.parametrize("name", ["Cat", "-cat", "c.jpg", "a%20b", "a%2Fb", "..%2Fcat", "é", "%00", "n" * 65, ""])
def test_a_bad_name_is_refused(api, name):
    assert refusal(get(api, f"/photos/{name}/640"))[0] == 400
    assert refusal(upload(api, name, SAMPLE)) == (400, "invalid_name")


def test_an_unknown_photo_is_missing_and_that_is_not_remembered(api):
    picture = fresh(11)
    key = hashlib.sha256(picture).hexdigest()
    for path in (f"/images/{key}/160", "/photos/later/160"):
        assert refusal(get(api, path)) == (404, "photo_not_found")
    upload(api, "later", picture)
    assert get(api, f"/images/{key}/160").status_code == 200
    assert get(api, "/photos/later/160").status_code == 302


@pytest.mark.parametrize(
    "path", ["/", "/images", "/images/a", "/images/a/640/b", "/v1", "/v1/names/cat", "/originals/a", "/v2/photos/cat"]
)
def test_other_addresses_hold_nothing(api, path):
    assert refusal(get(api, path))[0] in (400, 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/images/{key}/640", "GET, HEAD"),
        ("/photos/cat/640", "GET, HEAD"),
        ("/v1/photos/cat", "PUT, DELETE"),
        ("/v1/originals/{key}", "DELETE"),
    ],
)
def test_a_method_that_is_not_offered_is_named_with_those_that_are(api, cat, path, allowed):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(allowed.split(", ")):
        answer = api.http.request(method, path.format(key=cat), headers=EDITOR)
        assert refusal(answer) == (405, "method_not_allowed") and answer.headers["allow"] == allowed


# Who may write


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        "Bearer x y",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {KEY}",
    ],
)
def test_a_stranger_can_neither_write_nor_delete(api, cat, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (("PUT", "/v1/photos/cat"), ("DELETE", "/v1/photos/cat"), ("DELETE", f"/v1/originals/{cat}")):
        answer = api.http.request(method, path, headers=headers)
        assert refusal(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="photos"'
    assert get(api, "/photos/cat/640").headers["location"] == f"/images/{cat}/640"
    assert api.call("ORIGINALS", "head", f"originals/{cat}")


def test_token_and_key_stand_in_no_answer_and_in_no_log(api):
    answers = [
        upload(api, "quiet", SAMPLE),
        upload(api, "quiet", b"x"),
        upload(api, "quiet", SAMPLE, Authorization=f"Bearer {TOKEN}x"),
    ]
    assert [a.status_code for a in answers] == [200, 415, 401]
    for text in [*(f"{a.headers}{a.text}" for a in answers), *api.logs()]:
        assert TOKEN not in text and KEY not in text


def test_a_failed_request_tells_its_id_and_the_log_has_the_same(api):
    strange = upload(api, "strange", b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    assert logged(api, "images_failed", request=strange.headers["x-request-id"])
    ray = upload(api, "strange", b"\xff\xd8\xff", **{"CF-Ray": "8c1f0a2b3c4d5e6f-OSL"})
    assert ray.headers["x-request-id"] == "8c1f0a2b3c4d5e6f-OSL"


# What may be uploaded


def gif() -> bytes:
    frames = [Image.new("P", (20, 20), n) for n in range(3)]
    return photos.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def moving_webp() -> bytes:
    frames = [Image.new("RGB", (20, 20), (n * 80, 0, 0)) for n in range(3)]
    return photos.encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])


NO_PHOTOS = {
    "nothing": b"",
    "one byte": b"\xff",
    "a text": b"hello",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "an SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "an SVG with an XML head": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "an animation": gif(),
    "a script that begins as a GIF": b"GIF89a/*" + b"*/=alert(1)//",
    "a moving WebP": moving_webp(),
    "an AVIF": photos.encoded(Image.new("RGB", (20, 20)), "AVIF"),
    "a TIFF": photos.encoded(Image.new("RGB", (20, 20)), "TIFF"),
    "a PDF": b"%PDF-1.7\n",
    "a RIFF of sound": b"RIFF\x24\x00\x00\x00WAVEfmt ",
}


@pytest.mark.parametrize("content", NO_PHOTOS.values(), ids=NO_PHOTOS.keys())
def test_what_is_no_photo_never_reaches_a_decoder(api, content):
    failed = len(logged(api, "images_failed"))
    answer = upload(api, "refused", content, **{"Content-Type": "image/jpeg"})
    assert refusal(answer) == (415, "unsupported_image")
    assert len(logged(api, "images_failed")) == failed
    assert refusal(get(api, "/photos/refused/640")) == (404, "photo_not_found")


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


DAMAGED = {
    "a PNG in name only": b"\x89PNG\r\n\x1a\n" + b"<script>alert(1)</script>" * 9,
    "a JPEG in name only": b"\xff\xd8\xff<svg/>" + b"x" * 90,
    "a WebP in name only": b"RIFF\xff\x00\x00\x00WEBPVP8 " + b"x" * 90,
    "half a JPEG": cut(fresh(13)),
    "half a PNG": cut(photos.encoded(photos.drawing(300, 200), "PNG")),
    "half a WebP": cut(photos.encoded(photos.landscape(300, 200), "WEBP")),
    "a header without a picture": photos.encoded(photos.drawing(300, 200), "PNG")[:45],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_fake_or_damaged_image_is_refused_and_nothing_is_stored(api, content):
    assert refusal(upload(api, "damaged", content)) == (422, "unreadable_image")
    assert refusal(get(api, "/photos/damaged/640")) == (404, "photo_not_found")
    assert api.call("ORIGINALS", "head", f"originals/{hashlib.sha256(content).hexdigest()}") is None


@pytest.mark.parametrize(("width", "height"), [(12_001, 1), (1, 12_001), (12_000, 8_334), (20_000, 20_000)])
def test_a_small_file_that_unpacks_to_a_huge_image_is_refused(api, width, height):
    bomb = photos.encoded(Image.new("1", (width, height)), "PNG")
    assert len(bomb) < 100_000
    assert refusal(upload(api, "bomb", bomb)) in {(422, "too_many_pixels"), (422, "unreadable_image")}
    assert refusal(get(api, "/photos/bomb/640")) == (404, "photo_not_found")


def test_an_image_at_the_limit_of_a_side_is_taken(api):
    kept = upload(api, "long", photos.encoded(Image.new("1", (12_000, 20)), "PNG"))
    assert (kept.status_code, kept.json()["width"]) == (201, 12_000)


def in_pieces(content: bytes) -> Iterator[bytes]:
    """Without a length known before, httpx sends chunks and no Content-Length."""
    for start in range(0, len(content), 1_000_000):
        yield content[start : start + 1_000_000]


def test_a_file_at_the_limit_is_taken_and_one_byte_more_is_not_though_no_length_was_told(api):
    assert upload(api, "heavy", in_pieces(fresh(14).ljust(BYTES_MAX, b"\0"))).status_code == 201
    assert refusal(upload(api, "heavier", in_pieces(fresh(14).ljust(BYTES_MAX + 1, b"\0")))) == (413, "body_too_large")


def test_an_endless_upload_is_refused_as_soon_as_it_is_too_large(runtime):
    head = f"PUT /v1/photos/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        runtime.example(SLUG, secrets=SECRETS) as api,
        socket.create_connection(("127.0.0.1", api.http.base_url.port), timeout=PATIENCE_S) as sender,
    ):
        sender.sendall(head.encode())
        for _ in range(BYTES_MAX // 2_000_000 + 1):
            sender.sendall(b"1e8480\r\n" + bytes(2_000_000) + b"\r\n")
        assert sender.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_an_upload_that_breaks_off_leaves_nothing(api):
    photo = fresh(15)
    head = f"PUT /v1/photos/broken-off HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(photo)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", api.http.base_url.port), timeout=PATIENCE_S) as sender:
        sender.sendall(head.encode() + cut(photo))
    assert refusal(get(api, "/photos/broken-off/640")) == (404, "photo_not_found")
    assert upload(api, "broken-off", photo).json()["new"] is True


def test_the_bytes_decide_and_not_the_content_type(api):
    png = photos.encoded(photos.drawing(300, 200), "PNG")
    key = upload(api, "named-page", png, **{"Content-Type": "text/html"}).json()["hash"]
    assert opened(get(api, f"/images/{key}/160")).format == "JPEG"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_script_behind_the_picture_never_reaches_a_visitor(api, kind):
    double = photos.encoded(photos.landscape(300, 200), kind) + b"<script>alert(document.domain)</script>"
    key = upload(api, f"double-{kind.lower()}", double).json()["hash"]
    for extension in ("avif", "webp", "jpeg"):
        response = get(api, f"/images/{key}/160.{extension}")
        assert opened(response) and b"<script>" not in response.content


# Signed addresses


def soon(seconds: int = 600) -> int:
    return int(time.time()) + seconds


def test_a_signed_address_gives_exactly_the_size_that_was_signed(api, cat):
    response = get(api, sign(f"/images/{cat}/300x200.webp", KEY, soon()))
    picture = opened(response)
    assert (picture.format, picture.size) == ("WEBP", (300, 200))
    age = int(re.fullmatch(r"public, max-age=(\d+)", response.headers["cache-control"])[1])
    assert 0 < age <= 600, "no browser may keep it longer than the signature holds"
    until_kept(api, sign(f"/images/{cat}/300x200.webp", KEY, soon(900)))


def test_both_keys_hold_while_one_replaces_the_other_and_no_third_one(api, cat):
    path = f"/images/{cat}/120x120.jpeg"
    assert opened(get(api, sign(path, KEY, soon()))).size == (120, 120)
    assert get(api, sign(path, OLD_KEY, soon())).status_code == 200
    for key in (TOKEN, KEY[:-1], f"{KEY},{OLD_KEY}", KEY.upper()):
        assert refusal(get(api, sign(path, key, soon()))) == (403, "invalid_signature")


def test_an_expired_address_is_refused_even_while_its_picture_is_cached(api, cat):
    path = f"/images/{cat}/140x90.jpeg"
    until_kept(api, sign(path, KEY, soon()))
    for expires in (soon(0), soon(-1), 1_000_000_000):
        assert refusal(get(api, sign(path, KEY, expires))) == (403, "signature_expired")


def test_an_address_runs_out_while_it_is_in_use(api, cat):
    addresses = (sign(f"/images/{cat}/140x90.jpeg", KEY, soon(seconds)) for seconds in (2, 10, 60))
    address = next(address for address in addresses if get(api, address).status_code == 200)
    until(lambda: get(api, address).status_code, lambda status: status == 403)


def changed(signed: str, old: str, new: str) -> str:
    assert old in signed
    return signed.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("300x200", "301x200"),
        ("300x200", "300x201"),
        ("300x200", "200x300"),
        ("300x200", "0300x200"),
        (".webp", ".jpeg"),
        (".webp", ""),
        ("/images/", "/images//"),
        ("?expires=", "?expires=1"),
        ("?expires=", "?Expires="),
        ("&signature=", "&signature=0"),
        ("signature=", "sig="),
        ("?", "?fit=pad&"),
        ("?", "?expires=9999999999&"),
        ("&signature", "&signature=00&signature"),
        ("&signature", "0&signature"),
    ],
)
def test_a_signed_address_that_was_changed_is_refused(api, cat, old, new):
    signed = sign(f"/images/{cat}/300x200.webp", KEY, soon())
    assert get(api, signed).status_code == 200
    status, code = refusal(get(api, changed(signed, old, new)))
    assert (status, code) in {(403, "invalid_signature"), (400, "unknown_size"), (404, "not_found")}


def test_a_signature_of_one_picture_opens_no_other(api, cat):
    other = upload(api, "other", fresh(16)).json()["hash"]
    signed = sign(f"/images/{cat}/300x200.webp", KEY, soon())
    assert refusal(get(api, changed(signed, cat, other))) == (403, "invalid_signature")


def test_every_other_signature_is_refused(api, cat):
    signed = sign(f"/images/{cat}/300x200.webp", KEY, soon())
    address, _, signature = signed.partition("&signature=")
    flipped = f"{int(signature[0], 16) ^ 1:x}{signature[1:]}"
    for wrong in (
        "",
        "0" * 64,
        flipped,
        signature.upper(),
        signature[:-1],
        signature + "0",
        signature[:-1] + "g",
        "null",
    ):
        assert refusal(get(api, f"{address}&signature={wrong}")) == (403, "invalid_signature")
    for bare in (f"/images/{cat}/300x200.webp", address, f"/images/{cat}/300x200.webp?signature={signature}"):
        assert refusal(get(api, bare)) == (403, "invalid_signature")


@pytest.mark.parametrize(
    "size", ["2001x10.webp", "10x2001.webp", "300x200", "300x200.gif", "0x200.webp", "300x.webp", "x200.webp"]
)
def test_even_a_signature_buys_no_size_beyond_the_limit(api, cat, size):
    assert refusal(get(api, sign(f"/images/{cat}/{size}", KEY, soon()))) == (400, "unknown_size")


def test_a_signature_in_milliseconds_is_refused_instead_of_lasting_for_ever(api, cat):
    assert refusal(get(api, sign(f"/images/{cat}/300x200.webp", KEY, soon() * 1000))) == (403, "invalid_signature")


# Taking photos away


def test_a_removed_name_is_gone_and_its_pictures_stay_under_their_key(api):
    key = upload(api, "renamed", fresh(17)).json()["hash"]
    for _ in range(2):
        gone = api.http.delete("/v1/photos/renamed", headers=EDITOR)
        assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(get(api, "/photos/renamed/160")) == (404, "photo_not_found")
    assert get(api, f"/images/{key}/160").status_code == 200


def test_a_takedown_removes_original_and_sizes_here_and_names_the_tag_for_elsewhere(api, cat):
    picture = fresh(18)
    key = upload(api, "unwanted", picture).json()["hash"]
    sizes = ["160.avif", "320.webp", "320.jpeg", "300x200.webp", "21x9.avif"]
    paths = [f"/images/{key}/{size}" for size in sizes]
    paths = [sign(path, KEY, soon(600)) if "x" in path.rpartition("/")[2] else path for path in paths]
    for path in paths:
        until_kept(api, path)
    gone = api.http.delete(f"/v1/originals/{key}", headers={**EDITOR, "Host": "another.example.com:8443"})
    assert gone.json() == {"hash": key, "purge_tag": f"original-{key}"}
    for path in paths:
        assert refusal(get(api, path)) == (404, "photo_not_found")
    assert get(api, "/photos/unwanted/160").status_code == 302, "the name still stands and leads to a 404"
    assert get(api, f"/images/{cat}/320.webp").status_code == 200, "no other photo is affected"
    assert upload(api, "unwanted", picture).json()["new"] is True
    assert get(api, paths[0]).status_code == 200


# Faults


@pytest.fixture(scope="module")
def without_images(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(
        SLUG, HERE / "failing_images", secrets=SECRETS, stand_ins={"IMAGES": "failing-images"}
    ) as example:
        example.call("ORIGINALS", "put", f"originals/{'a' * 64}", "bytes of a photo")
        yield example


def test_used_up_transformations_are_told_from_a_busy_service_and_nothing_is_cached(without_images):
    for _ in range(2):
        used_up = get(without_images, f"/images/{'a' * 64}/320.webp")
        assert refusal(used_up) == (503, "transformations_used_up")
        assert used_up.headers["retry-after"] == "3600" and "node-7" not in used_up.text
        busy = get(without_images, f"/images/{'a' * 64}/640.webp")
        assert refusal(busy) == (503, "images_busy") and busy.headers["retry-after"] == "2"
    assert len(logged(without_images, "images_failed", code=9422)) == 2
    assert len(logged(without_images, "images_failed", code=9522)) == 2


def test_an_upload_while_images_is_busy_is_refused_with_a_time_to_try_again_and_stores_nothing(without_images):
    answer = upload(without_images, "busy", SAMPLE)
    assert refusal(answer) == (503, "images_busy") and answer.headers["retry-after"] == "2"
    assert without_images.call("ORIGINALS", "head", f"originals/{hashlib.sha256(SAMPLE).hexdigest()}") is None


def test_an_upload_without_transformations_left_is_told_when_to_come_back(without_images):
    picture = photos.encoded(photos.coloured(photos.noise(40, 30, 1), (0, 0, 0), (255, 255, 255)), "PNG")
    answer = upload(without_images, "too-many", picture)
    assert refusal(answer) == (503, "transformations_used_up") and answer.headers["retry-after"] == "3600"
    assert without_images.call("ORIGINALS", "head", f"originals/{hashlib.sha256(picture).hexdigest()}") is None


@pytest.mark.parametrize(("width", "code"), [(1280, 9523), (1920, None)])
def test_a_service_that_breaks_is_no_damaged_photo(without_images, width: int, code: int | None):
    answer = get(without_images, f"/images/{'a' * 64}/{width}.webp")
    assert refusal(answer) == (503, "images_failed") and answer.headers["retry-after"] == "10"
    assert "node-7" not in answer.text and [e.get("code") for e in logged(without_images, "images_failed")][-1] == code


def test_an_original_that_images_cannot_decode_is_our_fault_and_not_the_visitors(without_images):
    assert refusal(get(without_images, f"/images/{'a' * 64}/960.webp")) == (502, "original_unreadable")
    assert logged(without_images, "images_failed", code=9516)


def test_an_original_written_past_the_upload_is_no_way_to_serve_a_page(api):
    key = "b" * 64
    api.call("ORIGINALS", "put", f"originals/{key}", "<script>alert(1)</script>")
    answer = get(api, f"/images/{key}/160")
    assert refusal(answer) == (503, "images_failed") and "<script>" not in answer.text
    api.call("ORIGINALS", "put", "names/bent", "../../names/cat")
    assert refusal(get(api, "/photos/bent/160")) == (404, "photo_not_found")


def test_an_unreadable_original_is_mended_by_taking_it_down_and_uploading_it_again(api):
    picture = fresh(20)
    key = hashlib.sha256(picture).hexdigest()
    api.call("ORIGINALS", "put", f"originals/{key}", "not these bytes")
    assert upload(api, "mended", picture).json()["new"] is False, "nothing is ever replaced"
    assert get(api, f"/images/{key}/160").status_code == 503
    assert api.http.delete(f"/v1/originals/{key}", headers=EDITOR).status_code == 200
    assert upload(api, "mended", picture).json()["new"] is True
    assert get(api, f"/images/{key}/160").status_code == 200


def test_a_dead_store_is_reported_with_a_time_to_try_again_and_cached_sizes_live_on(runtime):
    with runtime.example(
        SLUG, HERE / "failing_store", secrets=SECRETS, stand_ins={"ORIGINALS": "failing-store"}
    ) as api:
        lost = upload(api, "lost", fresh(19))
        assert refusal(lost) == (503, "storage_unavailable")
        assert logged(api, "storage_failed", step="put_name")
        again = upload(api, "found", fresh(19))
        assert (again.status_code, again.json()["new"]) == (200, False), "the original had been stored before the fault"
        key = again.json()["hash"]
        until_kept(api, f"/images/{key}/160.webp")
        signed = sign(f"/images/{key}/30x20.webp", KEY, soon(600))
        until_kept(api, signed)

        assert refusal(upload(api, "outage", fresh(19))) == (503, "storage_unavailable")
        assert was_kept(get(api, f"/images/{key}/160.webp"))
        answers = [
            get(api, f"/images/{key}/320.webp"),
            get(api, "/photos/found/160"),
            get(api, signed),
            api.http.delete("/v1/photos/found", headers=EDITOR),
            api.http.delete(f"/v1/originals/{key}", headers=EDITOR),
        ]
        for answer in answers:
            assert refusal(answer) == (503, "storage_unavailable")
            assert answer.headers["retry-after"] == "5" and "disk-4" not in answer.text
        assert was_kept(get(api, f"/images/{key}/160.webp")), "a takedown that failed is told, not half done"


def test_a_picture_that_is_taken_down_while_a_size_is_made_is_not_kept(runtime):
    with runtime.example(
        SLUG, HERE / "failing_store", secrets=SECRETS, stand_ins={"ORIGINALS": "failing-store"}
    ) as api:
        key = upload(api, "doomed", fresh(21)).json()["hash"]
        assert get(api, f"/images/{key}/160.webp").status_code == 200, "whoever asked before still gets it"
        until(lambda: logged(api, "taken_down_meanwhile", hash=key))
        assert refusal(get(api, f"/images/{key}/160.webp")) == (404, "photo_not_found")


# Figures of the page

PICTURES = {
    "Landscape": photos.landscape,
    "Portrait": photos.portrait,
    "Leaves": photos.leaves,
    "Drawing": photos.drawing,
}
MEASURED_WIDTH = 640
FORMATS = ("jpeg", "webp", "avif")


def measure(api: Example) -> dict[str, dict[str, int]]:
    def sizes(name: str) -> dict[str, int]:
        original = photos.encoded(PICTURES[name](), "PNG" if name == "Drawing" else "JPEG")
        key = upload(api, f"measured-{name.lower()}", original).json()["hash"]
        made = {f: get(api, f"/images/{key}/{MEASURED_WIDTH}.{f}") for f in FORMATS}
        assert all(opened(answer).width == MEASURED_WIDTH for answer in made.values())
        return {"original": len(original), **{f: len(answer.content) for f, answer in made.items()}}

    with ThreadPoolExecutor(2) as editors:
        return dict(zip(PICTURES, editors.map(sizes, PICTURES), strict=True))


def saved(sizes: dict[str, dict[str, int]], kind: str) -> int:
    jpeg, other = (sum(s[k] for s in sizes.values()) for k in ("jpeg", kind))
    return round(100 * (jpeg - other) / jpeg)


def table(data: dict) -> str:
    """Return the lines of the page that show the figures."""
    sizes = data["sizes"]
    total = {k: sum(s[k] for s in sizes.values()) for k in FORMATS}
    rows = [f"| {name} | " + " | ".join(f"{s[k]:,}" for k in total) + " |" for name, s in sizes.items()]
    return "\n".join(
        [
            "| Picture, bytes | JPEG | WebP | AVIF |",
            "|---|---|---|---|",
            *rows,
            "| **Together** | " + " | ".join(f"{v:,}" for v in total.values()) + " |",
            f"| Less than JPEG, in % | | {saved(sizes, 'webp')} | {saved(sizes, 'avif')} |",
            "",
            f"Measured on {data['date']}: {data['cores']} cores, workerd, sharp {data['sharp']}.",
        ]
    )


def test_the_page_shows_what_each_format_saves(api, request):
    sizes = measure(api)
    page = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--update"):
        sharp = json.loads((toolchain.NODE_MODULES / "sharp" / "package.json").read_text())["version"]
        data = {
            "date": str(datetime.date.today()),
            "cores": os.cpu_count(),
            "sharp": sharp,
            "width": MEASURED_WIDTH,
            "sizes": sizes,
        }
        MEASURED.parent.mkdir(exist_ok=True)
        MEASURED.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        found = re.search(r"^\| Picture, bytes .*?^Measured on [^\n]*", page, re.M | re.S)
        PAGE.write_text(page.replace(found[0], table(data)), encoding="utf-8")
        return
    data = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert table(data) in page, "run `uv run pytest tests/snippets/test_image_pipeline.py -k saves --update`"
    for name, formats in data["sizes"].items():
        for kind, size in formats.items():
            assert 0.75 * size < sizes[name][kind] < 1.33 * size, (
                f"{name} as {kind}: {sizes[name][kind]} bytes, the page says {size}"
            )
    assert saved(sizes, "avif") > 10 and saved(sizes, "webp") > 10
    assert sizes["Drawing"]["original"] < sizes["Drawing"]["jpeg"], "the page says so"
