"""Read ``docs/data/products.yml``: what the vendor calls a product today, what it was called, and where its pages are."""

from model.files import ROOT, fresh, read_yaml

SOURCE = ROOT / "docs" / "data" / "products.yml"


@fresh(lambda: [SOURCE])
def products() -> dict[str, dict[str, str]]:
    """Return product id to name, former name and address."""
    return dict(read_yaml(SOURCE))
