"""The engine's exceptions, under the same root as the core's (`bagmill/errors.py`); those of the processes
that it starts are in `services/process_errors.py`.

BagmillError
├── RequestError                what the user asked can't be accepted
│   ├── UnknownTemplate
│   ├── InvalidRequest          carries `items`: a JSON pointer and a detail each
│   ├── IdempotencyConflict
│   ├── IllegalOperation        not in this status: deleting what runs, retrying what is finished
│   ├── ConfigExists
│   └── ConfigChanged           by somebody else, meanwhile
├── MissingError                there is no such thing
│   ├── WorkflowNotFound
│   ├── FileNotInWorkflow
│   ├── ConfigNotFound
│   └── RevisionNotFound
├── StateError                  the files on disk are not what they should be
│   ├── StateUnreadable
│   ├── ConfigUnreadable
│   ├── QueueUnreadable
│   ├── IllegalTransition       a bug: a move the transition table forbids
│   ├── LockTimeout
│   ├── StorageFailed           no space, no permission, an I/O error
│   ├── SyncFailed              the disk could not confirm what was written: this process can't go on
│   └── NetworkFileSystem       state folders on NFS, SMB and the like
└── InternalError               anything that nobody foresaw
"""

from bagmill.errors import BagmillError


class RequestError(BagmillError):
    """The request can't be accepted."""

    code = "request_error"
    default_hint = "See /docs for what is accepted."


class UnknownTemplate(RequestError):
    """There is no template of this name."""

    code = "unknown_template"
    default_hint = "GET /api/templates lists them."


class InvalidRequest(RequestError):
    """The request does not fit what is accepted."""

    code = "invalid_request"
    default_hint = "Correct what `errors` points at; GET /api/templates has the schema of the params."
    subject = "The request"


class IdempotencyConflict(RequestError):
    """This Idempotency-Key was used with another payload."""

    code = "idempotency_conflict"
    default_hint = "Use a new key for a new request; the same key is for sending the same request again."


class IllegalOperation(RequestError):
    """This can't be done to a workflow in its present status."""

    code = "illegal_operation"
    default_hint = "GET the workflow to see its status."


class ConfigExists(RequestError):
    """There is a config of this name already."""

    code = "config_exists"
    default_hint = "Choose another name (case does not matter), or PATCH the config that is there."


class ConfigChanged(RequestError):
    """The config was changed meanwhile."""

    code = "config_changed"
    default_hint = "GET it again, look at what is new (.../diff), and send the change on top of that."


class MissingError(BagmillError):
    """There is no such thing."""

    code = "not_found"
    default_hint = "Check the address."


class WorkflowNotFound(MissingError):
    """There is no workflow with this id."""

    code = "workflow_not_found"
    default_hint = "GET /api/workflows lists them; it may have been deleted."


class FileNotInWorkflow(MissingError):
    """The workflow has no such committed file."""

    code = "file_not_found"
    default_hint = "The step's `outputs` list its files; those of a running step are not readable yet."


class ConfigNotFound(MissingError):
    """There is no config of this name."""

    code = "config_not_found"
    default_hint = "GET /api/configs lists them; it may have been deleted."


class RevisionNotFound(MissingError):
    """The config has no such revision."""

    code = "revision_not_found"
    default_hint = "GET /api/configs/{name}/revisions lists them."


class StateError(BagmillError):
    """The files on disk are not what they should be."""

    code = "state_error"
    default_hint = "Read the server's log; the files are set aside, never overwritten."


class StateUnreadable(StateError):
    """The state.json of this workflow can't be read."""

    code = "state_unreadable"
    default_hint = "It was set aside beside itself; DELETE the workflow or restore the file."


class ConfigUnreadable(StateError):
    """This revision of the config can't be read."""

    code = "config_unreadable"
    default_hint = "Mend the file, POST .../restore an earlier revision, or PATCH a new spec."


class QueueUnreadable(StateError):
    """The queue file can't be read."""

    code = "queue_unreadable"
    default_hint = "It is set aside and rebuilt from the workflow folders when a worker starts."


class IllegalTransition(StateError):
    """A status can't move like this."""

    code = "illegal_transition"
    default_hint = "This is a bug in Bagmill: please report it with the workflow's events.jsonl."


class LockTimeout(StateError):
    """A lock was not given up in time."""

    code = "lock_timeout"
    default_hint = "Another process holds it for too long; look for one that is stopped (state T in `ps`)."


class StorageFailed(StateError):
    """Bagmill's own files can't be read or written."""

    code = "storage_failed"
    default_hint = "Check the free space, and the permissions of WORKFLOWS_DIR and of the queue's folder."


class SyncFailed(StateError):
    """The disk could not confirm what was written to the queue."""

    code = "sync_failed"
    default_hint = "Check the disk (dmesg), then start this process again: it must not go on."


class NetworkFileSystem(StateError):
    """The state folders are on a network file system, where locks and renames are not to be trusted."""

    code = "network_file_system"
    default_hint = (
        "Set WORKFLOWS_DIR, QUEUE_STATE_FILE and TRASH_DIR to a local disk (recordings may stay), or set "
        "ALLOW_NETWORK_FS=true if one machine alone uses them."
    )


class InternalError(BagmillError):
    """Something went wrong inside Bagmill."""

    code = "internal_error"
    default_hint = "The log has the traceback: please report it."
