"""The README's Python runs, as it stands there."""

import re
from pathlib import Path

import pytest

from tests._fences import blocks

README = Path(__file__).parent.parent / "README.md"
LINKS = re.findall(r"\]\(([^)]+)\)", README.read_text())
OURS = re.compile(
    r"https://(?:github\.com/imgfeat/imgfeat/blob"
    r"|raw\.githubusercontent\.com/imgfeat/imgfeat)/main/(.+)"
)
BLOCKS = blocks(README.read_text(), "python")


def test_readme_has_python():
    assert BLOCKS


@pytest.mark.parametrize("link", LINKS)
def test_link_holds_wherever_the_readme_is_shown_and_leads_to_a_file(link):
    assert link.startswith("https://")
    ours = OURS.fullmatch(link)
    assert ours is None or (README.parent / ours[1]).exists()


@pytest.mark.parametrize("code", BLOCKS, ids=lambda code: code.splitlines()[0][:40])
def test_readme_block_runs(code, tmp_path, monkeypatch, capsys):
    from tests._photos import write_photo_folder

    write_photo_folder(tmp_path / "photos", n_per_class=12)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out  # every block ends by printing what it found
    files = {path.name for path in tmp_path.iterdir()} - {"photos"}
    assert files == set(re.findall(r'(?:save|export_onnx)\(.*"(.*)"\)', code))
