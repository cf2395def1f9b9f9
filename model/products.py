"""Read ``docs/data/products.yml``: what the vendor calls a product today, what it was called, and where its pages are."""

from functools import cache

from model.files import ROOT, parse_yaml


@cache
def products() -> dict[str, dict[str, str]]:
    """Return ``docs/data/products.yml``: product id to name, former name and address."""
    return parse_yaml((ROOT / "docs" / "data" / "products.yml").read_text(encoding="utf-8"))
