"""Lists of workflows: newest first, filtered, page by page, and counted.

What a filter needs of a workflow is kept in memory with the version of its file, so that a second look at ten
thousand folders costs ten thousand stats, not as many reads.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bagmill.faults import Fault
from models.api import Unreadable, WorkflowInfo, WorkflowPage
from models.workflow import Status, WorkflowState
from services.errors import InvalidRequest, StateUnreadable, WorkflowNotFound
from services.ids import is_id
from services.problems import problem_of
from services.state_manager import StateManager, Version


@dataclass(frozen=True, slots=True)
class Query:
    """What to list. `parent` None: no children of batches. `text` is looked for in id, template and paths."""

    statuses: frozenset[Status] = frozenset()
    template: str | None = None
    parent: str | None = None
    text: str = ""
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    version: Version
    status: Status
    template: str
    parent: str | None
    text: str


class Listing:
    """Lists and counts the workflows of a state manager. Safe to use from many threads."""

    def __init__(self, states: StateManager) -> None:
        self._states = states
        self._rows: dict[str, _Row] = {}

    def page(self, query: Query) -> WorkflowPage:
        """The page that begins after the cursor. Raises InvalidRequest for a cursor that is none."""
        page = WorkflowPage(items=[], next=None, unreadable=[])
        for workflow in self._from(query.cursor):
            try:
                found = self._matching(workflow, query)
            except WorkflowNotFound:  # deleted meanwhile
                continue
            except StateUnreadable as error:
                page.unreadable.append(Unreadable(id=workflow, problem=problem_of(error)))
                continue
            if found is None:
                continue
            if len(page.items) == query.limit:
                page.next = last = page.items[-1].id
                page.unreadable = [one for one in page.unreadable if one.id > last]
                break
            page.items.append(WorkflowInfo.of(found))
        return page

    def counts(self) -> Counter[tuple[str, Status]]:
        """How many workflows, children included, have which template and status."""
        ids = self._states.ids()
        self._rows = {workflow: row for workflow in ids if (row := self._rows.get(workflow))}
        counts: Counter[tuple[str, Status]] = Counter()
        for workflow in ids:
            try:
                row = self._row(workflow)
            except (WorkflowNotFound, StateUnreadable):
                continue
            counts[row.template, row.status] += 1
        return counts

    def _from(self, cursor: str | None) -> Iterator[str]:
        if cursor is not None and not is_id(cursor):
            fault = Fault("/cursor", "This is no cursor.", "Take it from `next` of the page before.")
            raise InvalidRequest("/cursor: This is no cursor.", items=[fault], hint=fault.hint)
        return (workflow for workflow in self._states.ids() if cursor is None or workflow < cursor)

    def _matching(self, workflow: str, query: Query) -> WorkflowState | None:
        """The state, if the query wants it."""
        row = self._row(workflow)
        if not _wanted(row, query):
            return None
        state = self._states.read(workflow)  # it may have changed meanwhile, so it is asked again
        return state if _wanted(_row(row.version, state), query) else None

    def _row(self, workflow: str) -> _Row:
        version = self._states.version(workflow)
        row = self._rows.get(workflow)
        if row is None or row.version != version:
            row = self._rows[workflow] = _row(version, self._states.read(workflow))
        return row


def _row(version: Version, state: WorkflowState) -> _Row:
    source = state.source.path if state.source else None
    named = [state.params.get("recording"), state.params.get("recordings"), source]
    paths = [path for name in named for path in (name if isinstance(name, list) else [name])]
    # Somebody may have edited the file: params are whatever stands there.
    texts = [text for text in (state.id, state.template, *paths) if isinstance(text, str)]
    text = "\n".join(texts).casefold()
    return _Row(version, state.status, state.template, state.parent, text)


def _wanted(row: _Row, query: Query) -> bool:
    return (
        row.parent == query.parent
        and (not query.statuses or row.status in query.statuses)
        and (query.template is None or row.template == query.template)
        and query.text.casefold() in row.text
    )
