"""The map from a changed file to the tests that it can break. A new kind of file gets a row here.

A row is a pattern, whose ``{names}`` stand for one part of a path and ``**`` for any, and what to run:

- ``tests/x/test_y.py``, ``tests/x/test_y.py::test_some_*`` or a folder;
- ``tests/x/test_y.py[{slug}]``: of the tests that walk over pages, examples or patterns, only the cases of this one;
- ``{slug_}``: the same with underscores, as in names of Python files;
- one of the words below.

No row is needed for what the Python files say themselves, see ``graph.py``: a changed module runs the tests that import it,
through others too, and a changed file runs the tests that name it.
"""

EVERYTHING = "everything"
SHOWING = "the pages that show it"  # by --8<--, with their transcripts
RUNNING = "the pages that run it"  # their transcripts
QUOTING = "the pages that quote it"  # by fact:id, for the entries that changed
NOTHING = "nothing: "  # and why

# What a change of one page can break. {page} is its path under docs/, {stem} the last part, without .md.
PAGE = (
    "tests/site/test_pages.py[{stem}]",
    "tests/site/test_pages.py::test_every_pattern_has_its_page_and_its_place_in_the_navigation",
    "tests/site/test_pages.py::test_the_site_has_at_least_*",
    "tests/site/test_pages.py::test_the_nav_file_list_matches_the_folder",
    "tests/site/test_facts_on_pages.py[{page}]",
    "tests/site/test_facts_on_pages.py::test_every_number_of_our_own_*",
    "tests/site/test_facts_on_pages.py::test_the_reference_*",
    "tests/site/test_build.py::test_every_*",
    "tests/site/test_build.py::test_no_item_*",
    "tests/site/test_build.py::test_nothing_is_loaded_*",
    "tests/site/test_build.py::test_finished_pages_*",
    "tests/site/test_reading.py[{page}]",
    "tests/site/test_reading.py::test_in_the_dark_*",
    "tests/site/test_twins.py::test_a_twin_*",
    "tests/site/test_twins.py::test_every_*",
    "tests/site/test_twins.py::test_the_index_*",
    "tests/site/test_twins.py::test_one_file_*",
    "tests/site/test_first_visit.py::test_a_first_visit_*",
    "tests/site/test_sharing.py[{page}]",
    "tests/site/test_sharing.py::test_every_page_has_a_picture_*",
    "tests/site/test_print.py[{stem}]",
    "tests/site/test_newcomer.py[{stem}]",
    "tests/site/test_zips.py[{stem}]",
    "tests/site/test_search.py[{stem}]",
    "tests/site/test_search.py::test_the_right_page_comes_first_*",
    "tests/site/test_search.py::test_the_name_of_a_product_*",
    "tests/site/test_glossary.py::test_every_pattern_explains_*",
    "tests/site/test_glossary.py::test_the_glossary_itself_*",
    "tests/site/test_costs.py::test_every_page_with_the_marker_*",
    "tests/site/test_choosing.py::test_the_overview_says_*",
    "tests/site/test_choosing.py::test_every_service_*",
    "tests/site/test_choosing.py::test_a_service_page_*",
    "tests/site/test_use_cases.py",
    "tests/hooks/blocks/test_services.py",
    "tests/model/test_costs.py::test_every_pattern_has_*",
    "tests/model/test_chooser.py",
    "tests/hooks/page/test_figures.py::test_every_mermaid_fence_*",
    "tests/model/test_transcripts.py::test_every_*",
    "tests/hosting/test_site.py::test_every_page_that_ever_was_*",
    "tests/hosting/test_live.py::test_the_transcripts_*[{stem}]",
    "tests/documents/test_documents.py::test_every_*",
    "tests/documents/test_documents.py::test_code_fits_*",
    "tests/documents/test_recorded.py",
)
SITE = (
    "tests/site",
    "tests/hosting/test_site.py",
    "tests/hosting/test_editions.py",
    "tests/hooks/page/test_figures.py",
)
# What a script or a style costs a first visit, and whether it finds its way to the other places where pages are read.
ASSET = ("tests/site/test_first_visit.py", "tests/site/test_offline.py", "tests/hosting/test_site.py")
EXAMPLE = (
    "tests/snippets/test_{slug_}*.py",
    "tests/snippets/test_every_example.py[{slug}]",
    "tests/snippets/test_every_example.py::test_every_*",
    "tests/snippets/test_every_example.py::test_examples_hold_*",
    "tests/site/test_pages.py::test_one_compatibility_date_*",
    "tests/site/test_pages.py::test_every_pattern_has_*",
    "tests/site/test_zips.py[{slug}]",
    "tests/site/test_zips.py::test_an_unzipped_*",
    "tests/site/test_zips.py::test_the_catalogue_*",
    "tests/model/test_examples.py",
    "tests/hooks/blocks/test_services.py",
    "tests/hosting/test_live.py::test_a_hosted_example_*",
    "tests/hosting/test_live.py[{slug}]",
    "snippets/{slug}/README.md",
)

# What any file in a language adds to its row, and is no row: the form of code says nothing of what it does.
FORM: dict[str, tuple[str, ...]] = {
    "**.py": ("tests/project/test_form.py::test_python_*", "tests/project/test_form.py::test_whoever_*"),
    **dict.fromkeys(
        ("**.ts", "**.js", "**.mjs"),
        ("tests/project/test_form.py::test_scripts_*", "tests/project/test_form.py::test_whoever_*"),
    ),
}

ROWS: dict[str, tuple[str, ...]] = {
    # What all the rest stands on
    "pyproject.toml": (EVERYTHING,),
    "package.json": (EVERYTHING,),
    "package-lock.json": (EVERYTHING,),
    "conftest.py": (EVERYTHING,),
    ".python-version": (EVERYTHING,),
    "runtime/*.mjs": (EVERYTHING,),
    # Pages
    "docs/{page}.md": (SHOWING,),
    "docs/index.md": (
        "tests/site/test_first_visit.py",
        "tests/site/test_newcomer.py",
        "tests/site/test_choosing.py::test_the_home_page_*",
        "tests/site/test_offline.py",
    ),
    "docs/patterns/index.md": ("tests/site/test_choosing.py",),
    "docs/assets/diagrams/**": (
        "tests/site/test_drawings.py",
        "tests/site/test_reading.py",
        "tests/hooks/page/test_figures.py",
        "tests/model/test_transcripts.py",
    ),
    "mkdocs.yml": SITE,
    "overrides/**": SITE,
    # Data of the pages
    "docs/data/facts/{product}.yml": (
        QUOTING,
        "tests/model/test_facts.py",
        "tests/hooks/publish/test_facts_json.py",
        "tests/model/test_costs.py",
        "tests/site/test_costs.py",
        "tests/site/test_reference.py",
        "tests/hosting/test_live.py::test_the_costs_in_the_readme_*",
    ),
    "model/shapes.yml": ("tests/hooks/test_nothing_silent.py", "tests/model", "tests/site/test_data_is_text.py"),
    "docs/data/own-numbers.yml": ("tests/site/test_facts_on_pages.py",),
    "docs/data/products.yml": (
        "tests/hooks/blocks/test_services.py",
        "tests/model/test_facts.py",
        "tests/hooks/publish/test_facts_json.py",
        "tests/site/test_pages.py",
        "tests/site/test_search.py",
        "tests/site/test_choosing.py",
        "tests/site/test_data_products.py",
        "tests/site/test_reading.py[services]",
        "tests/site/test_build.py::test_every_*",
    ),
    "docs/data/decide.yml": (
        "tests/model/test_chooser.py",
        "tests/site/test_choosing.py",
        "tests/site/test_use_cases.py",
        "tests/site/test_offline.py::test_the_chooser_*",
        "tests/site/test_twins.py",
        "tests/site/test_reading.py[guide/decide]",
    ),
    "docs/data/glossary.yml": (
        "tests/hooks/page/test_terms.py",
        "tests/site/test_glossary.py",
        "tests/site/test_twins.py",
        "tests/site/test_build.py::test_every_*",
        "tests/site/test_reading.py[guide/glossary]",
    ),
    "docs/data/search.yml": ("tests/site/test_search.py",),
    "docs/data/moved.yml": ("tests/hosting", "tests/site/test_build.py::test_every_*"),
    "docs/data/costs/patterns/{slug}.yml": (
        "tests/model/test_costs.py",
        "tests/site/test_costs.py",
        "tests/site/test_print.py[{slug}]",
        "tests/site/test_reading.py[{slug}]",
        "tests/site/test_twins.py",
    ),
    "docs/data/costs/*.yml": ("tests/model/test_costs.py", "tests/site/test_costs.py", "tests/site/test_twins.py"),
    "docs/data/experiments/{name}.json": (
        "tests/experiments/test_{name_}.py",
        "tests/experiments/test_every_experiment.py",
        "tests/hooks/blocks/test_experiments.py",
        "tests/site/test_reading.py[guide/mistakes]",
        "tests/site/test_twins.py",
    ),
    "docs/data/measurements/{slug}.json": ("tests/snippets/test_{slug_}*.py",),
    "docs/data/live/paths.yml": (
        "tests/model/test_transcripts.py",
        "tests/site/test_live.py",
        "tests/hooks/live/test_server.py",
        "docs/patterns",
    ),
    "docs/data/live/recorded.json": ("tests/documents/test_recorded.py", "tests/site/test_live.py"),
    "docs/data/patterns.schema.json": ("tests/site/test_zips.py",),
    # What pages load
    "docs/assets/costs.js": (*ASSET, "tests/model/test_costs.py", "tests/site/test_costs.py"),
    "docs/assets/decide.js": (*ASSET, "tests/model/test_chooser.py", "tests/site/test_choosing.py"),
    "docs/assets/edition.js": (*ASSET, "tests/hosting/test_editions.py"),
    "docs/assets/limits.js": (*ASSET, "tests/site/test_reference.py"),
    "docs/assets/live.js": (*ASSET, "tests/site/test_live.py"),
    "docs/assets/overview.js": (*ASSET, "tests/site/test_choosing.py"),
    "docs/assets/search.*": (*ASSET, "tests/site/test_search.py"),
    "docs/assets/vendor/**": (*ASSET, "tests/site/test_search.py"),
    "docs/assets/print.css": (*ASSET, "tests/site/test_print.py"),
    "docs/assets/site.*": SITE,
    "docs/assets/theme.js": SITE,
    "docs/assets/fonts/**": SITE,
    "docs/assets/screenshot.png": (f"{NOTHING}of README.md, for people",),
    # Examples and experiments
    "snippets/{slug}/**": (SHOWING, RUNNING, *EXAMPLE),
    "experiments/{name}/**": (
        SHOWING,
        "tests/experiments/test_{name_}.py",
        "tests/experiments/test_every_experiment.py",
    ),
    "experiments/*.*": ("tests/experiments", "tests/project/test_form.py"),
    "snippets/ruff.toml": ("tests/project/test_form.py",),
    # Hosting
    "hosting/wrangler.toml": (
        "tests/hosting/test_site.py",
        "tests/hosting/test_editions.py",
        "tests/tools/test_workflows.py",
    ),
    "hosting/preview.toml": ("tests/tools/test_preview.py",),
    "hosting/live/**": ("tests/hosting/test_live.py",),
    ".github/workflows/{name}.yml": ("tests/tools/test_workflows.py", "tests/tools/test_preview.py"),
    # Data and Workers of the tests
    "tests/documents/runner.py": ("docs", "snippets", "README.md"),
    "tests/site/search_{name}.yml": ("tests/site/test_search.py",),
    "tests/support/search.mjs": ("tests/site/test_search.py",),
    "tests/support/scripts.mjs": (
        "tests/model/test_chooser.py",
        "tests/model/test_transcripts.py",
        "tests/site/test_choosing.py",
        "docs/patterns",
    ),
    "tests/model/costs.mjs": ("tests/model/test_costs.py",),
    "tests/hosting/{name}/**": ("tests/hosting/test_live.py",),
    "tests/snippets/{slug_}/**": ("tests/snippets/test_{slug_}*.py",),
    "tests/snippets/global_api_kv_failing_store/**": ("tests/snippets/test_global_api_kv.py",),
    "tests/changed/*.py": ("tests/changed",),
    # Data of the tools
    "tools/diagrams/draw.js": ("tests/site/test_drawings.py",),
    "tools/new/files/**": ("tests/tools/test_new.py",),
    "tools/bench/**": (f"{NOTHING}of tools.bench, which measures and tests nothing",),
    # Words about the project
    "README.md": ("README.md", "tests/documents/test_documents.py"),
    "CONTRIBUTING.md": (f"{NOTHING}for people",),
    "LICENSE": ("tests/site/test_zips.py",),
    "LICENSE-text.md": (f"{NOTHING}for people",),
    ".gitattributes": (f"{NOTHING}how git writes files on Windows",),
    ".gitignore": ("tests/site/test_zips.py",),
    ".ci/run": (f"{NOTHING}README's command for tests",),
    "biome.jsonc": ("tests/project/test_form.py",),
}
