"""Data is read once, and again when its file changed."""

import subprocess

import pytest
import yaml

from model.files import LOADER, ROOT, fresh


def test_data_reads_the_same_where_pyyaml_has_no_built_part():
    """Python 3.15 has no package of it yet, so there the reader in Python itself may have to do."""
    listed = subprocess.run(["git", "ls-files", "*.yml"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split() if name != "mkdocs.yml"]  # which has tags of MkDocs' own
    assert len(files) > 80
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, LOADER), file


def test_data_is_read_again_only_when_a_file_changed(tmp_path):
    file, reads = tmp_path / "a.yml", []

    @fresh(lambda: [file])
    def read() -> str:
        reads.append(1)
        return file.read_text()

    file.write_text("one")
    assert (read(), read(), len(reads)) == ("one", "one", 1)
    file.write_text("three")
    assert (read(), len(reads)) == ("three", 2)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        read()
