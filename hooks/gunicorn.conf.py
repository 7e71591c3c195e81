"""
How gunicorn serves the hook: each setting with its reason. `buildless serve` adds the address to listen on.

A body is bounded elsewhere, since gunicorn has no limit for it: the app refuses large and unframed ones.
"""

import gc
import os
from typing import Any

# One request at a time per process: as fast as threads for work that is all CPU, its slowest answers are
# two to three times faster, and its timeout really ends a stuck request. It has deadlines for clients.
worker_class = "hooks.worker.Worker"

# Two, so that one long answer never stops the service. More help only where there are more cores,
# and there another replica helps as much and survives the loss of a node.
workers = 2

# Seconds without a sign of life before a worker is killed and replaced. An answer takes about a
# millisecond, and Metacontroller gives up after 10 s, so nobody is waiting any more by then.
timeout = 10

# Seconds for the requests in flight when the service is asked to stop: longer than any answer takes, well
# within the 30 s after which Kubernetes kills a pod.
graceful_timeout = 10

# Workers are not replaced after a number of requests: their memory does not grow.
max_requests = 0

# Load the app once, before the fork: workers share its memory, and a service that cannot start ends at once
# rather than in a loop of dying workers. See when_ready() for the other half.
preload_app = True

# A worker shows that it lives by touching a file: keep that in memory, where no slow disk makes a healthy
# worker look dead and a read-only root file system does no harm.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None

# No line per request: it costs an eighth of the throughput, and the app logs what matters.
accesslog = None

# gunicorn's own messages go to standard error, beside the app's.
errorlog = "-"
loglevel = "info"

# A request is one POST of a short path with a handful of headers: refuse more before reading it.
limit_request_line = 512
limit_request_fields = 32
limit_request_field_size = 4096

# No socket through which the running service could be steered: signals are enough, and a read-only root
# file system has no room for it.
control_socket_disable = True

# Connections that may wait to be accepted: when Metacontroller restarts, every Function is synced in one
# burst.
backlog = 2048


def when_ready(_: Any) -> None:
    """Before the first fork: keep the loaded app out of collections."""
    # A collection writes into each object that it visits, which would copy the shared memory page by page.
    gc.collect()
    gc.freeze()
