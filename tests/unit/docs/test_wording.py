"""Docstrings that begin with a question word, and phrases that are not used, are named with their place."""

from pathlib import Path

import pytest

from docs.wording import problems


@pytest.mark.parametrize("word", ["What", "Whether", "How", "Which", "Who", "Where", "That"])
def test_a_docstring_that_begins_with_a_question_word(tmp_path: Path, word: str) -> None:
    (tmp_path / "module.py").write_text(f'''"""Module."""\n\n\ndef f():\n    """{word} it does."""\n''')
    assert list(problems(tmp_path)) == [f"module.py:5: begin with a verb or a noun instead of {word!r}"]


@pytest.mark.parametrize(
    "text",
    ['"""Return whether it does."""', '"""Whatsoever."""', 'x = "What it does, for " "ever"', "# Why: see above"],
)
def test_any_other_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "module.py").write_text(f"{text}\n")
    assert list(problems(tmp_path)) == []


@pytest.mark.parametrize("file", ["module.py", "runbook.md"])
@pytest.mark.parametrize("phrase", ["gives back", "for ever", "Whoever"])
def test_a_phrase_that_is_not_used(tmp_path: Path, file: str, phrase: str) -> None:
    (tmp_path / file).write_text(f"# One line.\n# {phrase} it reads.\n")
    assert list(problems(tmp_path)) == [f"{file}:2: say it without {phrase!r}"]
