"""Leave out the theme's scripts, which no page loads: 3 MB of search workers, languages and source maps."""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files

UNUSED = re.compile(r"assets/javascripts/|assets/stylesheets/.*\.map$")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    theme = set(config.theme.dirs)
    for file in [file for file in files if file.src_dir in theme and UNUSED.match(file.src_uri)]:
        files.remove(file)
    return files
