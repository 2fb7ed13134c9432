"""What meets who wants to report or change something: forms, and hooks of git."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FORMS = sorted(
    path
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    if path.stem != "config"
)


def test_there_are_forms_for_faults_wishes_and_doubts():
    assert {path.stem for path in FORMS} == {"bug", "feature", "wrong_result"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_what_imgfeat_info_prints(path):
    form = yaml.safe_load(path.read_text())
    assert form["name"] and form["description"]
    fields = {field["id"]: field for field in form["body"]}
    assert len(fields) == len(form["body"])
    assert "`imgfeat info`" in fields["info"]["attributes"]["label"]
    assert fields["info"]["validations"]["required"]


def test_a_change_says_what_a_user_notices_and_how_it_was_tried():
    text = (ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text()
    wanted = ("make test", "CHANGELOG.md", "imgfeat info")
    assert not [words for words in wanted if words not in text]


def test_the_hooks_are_those_of_make_lint_by_the_same_tools():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repo,) = config["repos"]
    assert repo["repo"] == "local"  # so that no version stands in two places
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
    recipe = re.search(
        r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M
    )
    in_make = re.findall(r"\$\(BIN\)/(ruff \w+|[\w-]+)", recipe[1])
    in_hooks = [
        re.match(r"\.venv/bin/(ruff \w+|[\w-]+)", hook["entry"])[1]
        for hook in repo["hooks"]
    ]
    assert in_hooks == in_make
