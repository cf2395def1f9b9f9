"""Data is read once, and again when its file changed."""

import pytest

from model.files import fresh


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
