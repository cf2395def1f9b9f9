"""The offer to deploy stands only where one click is enough, and never leads to a repository that the service cannot read."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from hooks.blocks.offers import offer
from model import examples
from tests.support.pages import ROOT, SLUGS

SNIPPETS = ROOT / "snippets"
READY = [slug for slug in SLUGS if examples.one_click(SNIPPETS / slug)]


def test_some_example_can_be_deployed_with_one_click():
    assert "global-api-kv" in READY


@pytest.mark.parametrize("slug", READY)
def test_the_form_asks_for_every_secret_explains_it_and_suggests_no_value(slug: str):
    needed = tomllib.loads((SNIPPETS / slug / "wrangler.toml").read_text()).get("secrets", {}).get("required", [])
    example = SNIPPETS / slug / ".dev.vars.example"
    asked = example.read_text().splitlines() if example.is_file() else []
    assert asked == [f"{name}=" for name in needed], "a value that stands here would be deployed by whoever accepts it"
    assert all("you make up" in text for text in examples.secrets(SNIPPETS / slug).values())


@pytest.mark.parametrize("slug", READY)
def test_the_folder_is_complete_by_itself(slug: str):
    for path in (p for p in examples.listed(SNIPPETS / slug) if p.suffix in {".ts", ".json", ".toml"}):
        for found in re.findall(r"""["'](\.\.?/[^"'*]+)["']""", path.read_text()):
            assert (path.parent / found).resolve().is_relative_to(SNIPPETS / slug), f"{path}: {found}"


@pytest.mark.parametrize(
    ("repo", "edit", "leads"),
    [
        ("https://github.com/a/b", "", "https://github.com/a/b/tree/main/snippets/x"),
        ("https://github.com/a/b/", "edit/next/docs/", "https://github.com/a/b/tree/next/snippets/x"),
        ("https://gitlab.com/a/b", "", "https://gitlab.com/a/b/-/tree/main/snippets/x"),
        ("https://git.example.com/a/b", "", ""),
        ("https://github.com.example.com/a/b", "", ""),
        ("", "", ""),
    ],
)
def test_the_link_names_repository_branch_and_folder(repo: str, edit: str, leads: str):
    assert examples.deploy_address("x", repo, edit) == (examples.SERVICE + leads if leads else "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('required = ["ADMIN_TOKEN"]', 'required = ["ADMIN_TOKEN", "OTHER"]'),
        ("preview_urls = false", 'preview_urls = false\nroutes = [{ pattern = "example.com", custom_domain = true }]'),
        ("[observability]", '[[d1_databases]]\nbinding = "DB"\n\n[observability]'),
        ("[observability]", '[[services]]\nbinding = "OTHER"\nservice = "other"\n\n[observability]'),
    ],
    ids=["a secret without a word", "a domain", "a database without tables", "another Worker"],
)
def test_what_needs_another_step_gets_no_link(tmp_path: Path, old: str, new: str):
    for name in ("package.json", "wrangler.toml"):
        shutil.copy(SNIPPETS / "global-api-kv" / name, tmp_path)
    assert examples.one_click(tmp_path)
    config = tmp_path / "wrangler.toml"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))
    assert not examples.one_click(tmp_path)


def test_the_offer_holds_the_link_only_where_there_is_one():
    assert "deploy" not in offer(1000, 2, "x")
    assert f"]({examples.SERVICE}a)" in offer(1000, 2, "x", examples.SERVICE + "a")
