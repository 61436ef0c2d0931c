"""Section "lists": what a page looks at when there are ten times as many rows, and what a registration asks for."""

from collections.abc import Sequence

from bench import registrations
from bench.account import data_account
from bench.counting import Call, Recorder, read_units, rows_examined, tally
from bench.questions import PAGE, Question, questions
from bench.report import Row, Section, progress
from bench.stored import store
from flyteadmin.clients.dynamodb.pages import EXAMINED_INDEX_ROWS

SHORTEST = 1_000


def report(longest: int) -> Section:
    """Store versions, a thousand and `longest`, each in a project of their own; ask for pages; register some."""
    sizes = (SHORTEST, longest)
    with data_account():
        recorder = Recorder()
        recorder.attach()
        for size in sizes:
            progress(f"storing {size:,} tasks, workflows, launch plans and executions")
            store(size)
        progress("pages of lists")
        listed = [_listed(recorder, question, sizes) for question in questions()]
        progress("registrations")
        registered = list(registrations.rows(recorder))
    notes = (
        f"Growth: from {SHORTEST:,} to {longest:,} versions, of rows looked at or of requests, whichever grew more.",
        f"A page has {PAGE} rows; what a figure is made of is the longest list's. Longer: make bench VERSIONS=100000.",
    )
    return Section("Lists and registrations", (*listed, *registered), notes)


def _listed(recorder: Recorder, question: Question, sizes: tuple[int, int]) -> Row:
    """Return whether a page costs the same at any size; one that finds nothing is bounded instead."""
    short, long = (_page(recorder, question, size) for size in sizes)
    looked_at = rows_examined(long)
    made_of = f"{looked_at:,} rows · {tally(long)} · {read_units(long):g} read units"
    if not question.passing:
        return Row(f"{question}: rows looked at", looked_at, EXAMINED_INDEX_ROWS, reason=made_of)
    growth = max(looked_at / rows_examined(short), len(long) / len(short))
    return Row(f"{question}: growth", growth, 1, reason=made_of)


def _page(recorder: Recorder, question: Question, size: int) -> Sequence[Call]:
    token = ""
    if question.page > 1:
        _, token = question.ask(size, str((question.page - 2) * PAGE))
    with recorder.recording() as calls:
        rows, _ = question.ask(size, token)
    assert len(rows) == question.passing, (str(question), len(rows))
    return calls
