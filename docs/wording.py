"""Checks the words of docstrings and documents, as CONTRIBUTING.md asks for them.

    python -m docs.wording             name each line that breaks a rule

A docstring begins with a verb or a noun, never with a question word; some phrases that were hard to read are not used.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from docs.citations import ROOT, Tree, prose

_QUESTION = re.compile(r"(?:What|Whether|How|Which|Who|Whom|Whose|Where|That|Whatever|Whoever)\b")
_PHRASE = re.compile(r"\b(?:gives? back|for ever|whoever|whomever)\b", re.IGNORECASE)


def problems(root: Path = ROOT) -> Iterator[str]:
    """Yield each line that breaks a rule, as "path:line: what to change"."""
    for path, file in Tree(root).readable():
        for number, text in prose(file):
            yield from (f"{path}:{number}: say it without {phrase!r}" for phrase in _PHRASE.findall(text))
        if file.suffix == ".py":
            for docstring in _docstrings(file):
                if word := _QUESTION.match(str(docstring.value)):
                    yield f"{path}:{docstring.lineno}: begin with a verb or a noun instead of {word[0]!r}"


def _docstrings(file: Path) -> Iterator[ast.Constant]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
