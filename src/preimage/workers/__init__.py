"""Worker processes that share tasks, one thread each."""

from preimage.workers.pool import Pool, share
from preimage.workers.process import (
    Died,
    Done,
    Failed,
    Report,
    Reporter,
    WorkerError,
    count_cores,
    start_method,
)

__all__ = [
    "Died",
    "Done",
    "Failed",
    "Pool",
    "Report",
    "Reporter",
    "WorkerError",
    "count_cores",
    "share",
    "start_method",
]
