"""The contract's fixture: the project of a user, on each lane in turn."""

from __future__ import annotations

import pytest

from tests.conftest import Project
from tests.run.lanes import Lane, found


@pytest.fixture(params=found(), ids=lambda lane: lane.name)
def facts(request: pytest.FixtureRequest) -> Lane:
    """Take the lanes in turn; a test that only some have is parametrised by them itself."""
    lane: Lane = request.param
    return lane


@pytest.fixture(scope="session")
def books() -> dict[str, bytes]:
    """Keep the book of each lane: to make one takes longer than to run with it."""
    return {}


@pytest.fixture
def lane(project: Project, facts: Lane, books: dict[str, bytes]) -> Project:
    """Let the project run on a lane whose model answers everything right, in whatever order it is asked."""
    project.model, project.path = facts.model, facts.path
    project.more = facts.words(project.url)
    book = project.folder / "books" / "book.jsonl"
    if facts.name not in books:
        project.learn(book)
        books[facts.name] = book.read_bytes()
    book.write_bytes(books[facts.name])
    return project
