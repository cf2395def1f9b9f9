"""Find files and pages of a site that is being built."""

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


def file_at(files: Files, uri: str) -> File:
    """Return a file by its path in ``docs/``.

    Raises:
        PluginError: there is no such file.
    """
    if found := files.get_file_from_path(uri):
        return found
    raise PluginError(f"docs/{uri} is missing: write it, or take away what leads to it.")


def page_at(files: Files, uri: str) -> Page:
    """Return a page by the path of its file in ``docs/``.

    Raises:
        PluginError: there is no such page.
    """
    if page := file_at(files, uri).page:
        return page
    raise PluginError(f"docs/{uri} is no page.")


def pages(files: Files) -> list[Page]:
    """Return every page, also those that the navigation does not list."""
    return [file.page for file in files.documentation_pages() if file.page]
