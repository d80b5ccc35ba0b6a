"""Lists of workflows: newest first, filtered, page by page, and counted.

What filters need of a workflow is kept in memory, see `catalog.py`; what is shown is read.
"""

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace

from bagmill.faults import Fault
from models.api import Unreadable, WorkflowInfo, WorkflowPage
from models.workflow import Status, WorkflowState
from services.catalog import Catalog, row_of
from services.catalog_file import Row
from services.errors import InvalidRequest, StateUnreadable, WorkflowNotFound
from services.ids import is_id
from services.problems import problem_of
from services.queue_service import Queue
from services.state_manager import StateManager


@dataclass(frozen=True, slots=True)
class Query:
    """What to list. `parent` None: no children of batches. `text` is looked for in id, template and paths."""

    statuses: frozenset[Status] = frozenset()
    template: str | None = None
    parent: str | None = None
    text: str = ""
    limit: int = 50
    cursor: str | None = None


class Listing:
    """Lists and counts the workflows of a state manager. Safe to use from many threads."""

    def __init__(self, states: StateManager, queue: Queue) -> None:
        self._states = states
        self._catalog = Catalog(states, queue)
        self._lock = threading.Lock()

    def page(self, query: Query) -> WorkflowPage:
        """The page that begins after the cursor. Raises InvalidRequest for a cursor that is none."""
        if query.cursor is not None and not is_id(query.cursor):
            fault = Fault("/cursor", "This is no cursor.", "Take it from `next` of the page before.")
            raise InvalidRequest(items=[fault])
        query = replace(query, text=query.text.casefold())
        page = WorkflowPage(items=[], next=None, unreadable=[])
        with self._lock:
            self._catalog.refresh()
            for workflow in self._catalog.newest(query.parent, query.cursor):
                if self._is_full(page, workflow, query):
                    break
        return page

    def _is_full(self, page: WorkflowPage, workflow: str, query: Query) -> bool:
        """Add a workflow to a page if the query wants it; True if there is no place for it."""
        try:
            found = self._matching(workflow, query)
        except WorkflowNotFound:  # deleted meanwhile
            return False
        except StateUnreadable as error:
            page.unreadable.append(Unreadable(id=workflow, problem=problem_of(error)))
            return False
        if found and len(page.items) == query.limit:
            page.next = last = page.items[-1].id
            page.unreadable = [one for one in page.unreadable if one.id > last]
            return True
        if found:
            page.items.append(WorkflowInfo.of(found))
        return False

    def finish(self) -> None:
        """Keep for the next start what was read; to be called when this object is needed no more."""
        with self._lock:
            self._catalog.save()

    def counts(self) -> Counter[tuple[str, Status]]:
        """How many workflows, children included, have which template and status."""
        counts: Counter[tuple[str, Status]] = Counter()
        with self._lock:
            self._catalog.refresh()
            for workflow in self._catalog.all():
                with suppress(WorkflowNotFound, StateUnreadable):
                    row = self._catalog.row(workflow)
                    counts[row.template, row.status] += 1
        return counts

    def _matching(self, workflow: str, query: Query) -> WorkflowState | None:
        """The state, if the query wants it."""
        row = self._catalog.row(workflow)
        if not _wanted(row, query):
            return None
        state = self._states.read(workflow)  # it may have changed meanwhile, so it is asked again
        return state if _wanted(row_of(row.version, state), query) else None


def _wanted(row: Row, query: Query) -> bool:
    return (
        row.parent == query.parent
        and (not query.statuses or row.status in query.statuses)
        and (query.template is None or row.template == query.template)
        and query.text in row.text
    )
