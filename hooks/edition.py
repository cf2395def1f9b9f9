"""One dated edition among several: canonical links lead to ``latest``, and each page says which edition it belongs to.

mike names the edition in the environment. Without it nothing here happens, so ``mkdocs serve`` knows no editions.
"""

import os
from urllib.parse import urljoin

from mkdocs.config.defaults import MkDocsConfig

VARIABLE = "MIKE_DOCS_VERSION"
PREVIOUS = "EDITION_PREVIOUS"  # date and commit of the edition before, for hooks/changes.py
LATEST = "latest"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    if edition := os.environ.get(VARIABLE):
        # mike's own plugin, where it runs, has put the edition's name behind the last slash.
        config.site_url = urljoin(config.site_url or "/", f"{LATEST}/")
        config.extra["edition"] = edition
    return config
