"""The exceptions of processes that the engine starts, under the same root as all others.

BagmillError
├── JobError                    a job ended badly
│   ├── JobCrashed              its process died
│   ├── JobTimedOut
│   ├── JobStalled              it said nothing for too long
│   ├── OutOfMemory             it said so itself, or took more than its limit
│   ├── JobLost                 its worker died too often
│   ├── RecordingsFailed        a batch whose recordings did not all complete
│   ├── OutputRejected          its folder did not pass the check before the commit
│   └── StaleFence              another attempt has taken over
├── LookError                   a look at a recording (inspect, draft, preview) came to nothing
│   ├── LooksBusy
│   ├── LookTimedOut
│   ├── LookOutOfMemory
│   └── LookCrashed
└── LaunchError                 the processes did not come up (`make run`, `make demo`)
    ├── PortInUse
    └── ProcessDied
"""

from bagmill.errors import BagmillError


class JobError(BagmillError):
    """The job ended badly."""

    code = "job_error"
    default_hint = "Read worker.log in the workflow's folder."


class JobCrashed(JobError):
    """The process of the job died."""

    code = "job_crashed"
    default_hint = (
        "A signal 9 without a cancel is mostly the kernel's out-of-memory killer. See worker.log, then retry."
    )


class JobTimedOut(JobError):
    """The job took longer than it may."""

    code = "job_timed_out"
    default_hint = "Raise `timeout` in the options, or convert fewer topics at a time."


class JobStalled(JobError):
    """The job made no progress for too long."""

    code = "job_stalled"
    default_hint = "See whether the disk of the recording answers, then retry; STALL_TIMEOUT sets the limit."


class OutOfMemory(JobError):
    """The job ran out of memory."""

    code = "out_of_memory"
    default_hint = (
        "Run fewer jobs at a time (MAX_PARALLEL_NODES), raise JOB_MEMORY_LIMIT, or select fewer topics."
    )


class JobLost(JobError):
    """The worker died each time it ran this job."""

    code = "job_lost"
    default_hint = "Read worker.log, then POST .../retry."


class RecordingsFailed(JobError):
    """Not all recordings of the batch completed."""

    code = "recordings_failed"
    default_hint = (
        "GET /api/workflows?parent=ID lists them with their errors; POST .../retry runs them again."
    )


class OutputRejected(JobError):
    """The job's folder did not pass the check before the commit."""

    code = "output_rejected"
    default_hint = "The disk may be full or failing; retry, and report it if it comes back."


class StaleFence(JobError):
    """Another attempt has taken over this step."""

    code = "stale_fence"
    default_hint = "Nothing to do: the other attempt's result counts."


class LookError(BagmillError):
    """The look at the recording came to nothing."""

    code = "look_failed"
    default_hint = "Run it as a workflow: that has more time and memory."


class LooksBusy(LookError):
    """As many looks as can be done at a time are being done."""

    code = "looks_busy"
    default_hint = "Send it again in a moment."


class LookTimedOut(LookError):
    """The look at the recording took too long."""

    code = "look_timed_out"
    default_hint = "See whether the disk of the recording answers; LOOK_TIMEOUT sets the limit."


class LookOutOfMemory(LookError):
    """The look at the recording took too much memory."""

    code = "look_out_of_memory"
    default_hint = "Ask for fewer rows or topics; LOOK_MEMORY_LIMIT sets the limit."


class LookCrashed(LookError):
    """The process that looked at the recording died."""

    code = "look_crashed"
    default_hint = "The server's log may say why. Run `bagmill doctor` on the recording."


class LaunchError(BagmillError):
    """The API or the worker did not come up."""

    code = "launch_failed"
    default_hint = "Read what it said above."


class PortInUse(LaunchError):
    """Another program listens on this port."""

    code = "port_in_use"
    default_hint = "Stop it, or choose another port: make run PORT=8123"


class ProcessDied(LaunchError):
    """The API or the worker ended by itself."""

    code = "process_died"
    default_hint = "Read what it said above."
