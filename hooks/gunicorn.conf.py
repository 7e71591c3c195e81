"""
gunicorn's settings, each with its reason. `buildless serve` adds the address and the certificate.

gunicorn has no limit for bodies: app.py rejects those without a length or above MAX_BODY_BYTES.
"""

import gc
import os
from typing import Any

# One request at a time per process. The work is CPU-bound: threads would have the same throughput and two to three
# times the tail latency, and gunicorn's timeout could not end a stuck request.
worker_class = "hooks.worker.Worker"

# Two, so that a slow request never blocks the service. More are of use only with more cores, where another
# replica has the same effect and also survives the loss of a node.
workers = 2

# Seconds without a heartbeat before a worker is killed and replaced. A response takes about a millisecond, and
# Metacontroller's own timeout is 10 s.
timeout = 10

# Seconds for requests in flight at shutdown: longer than any response takes, and well below the 30 s after which
# Kubernetes kills a pod.
graceful_timeout = 10

# Workers are not replaced after a number of requests, since their memory does not grow.
max_requests = 0

# Load the app before the fork: workers share its memory (see when_ready), and a service that cannot start exits
# at once instead of restarting workers for ever.
preload_app = True

# Workers touch a file as their heartbeat. In memory it works with a read-only root file system, and a slow disk
# cannot delay it.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None

# No line per request: it costs an eighth of the throughput, and the app logs errors.
accesslog = None

# gunicorn's messages go to standard error, like the app's.
errorlog = "-"
loglevel = "info"

# Metacontroller's requests have a short path and a few headers.
limit_request_line = 512
limit_request_fields = 32
limit_request_field_size = 4096

# No control socket: signals are enough, and the root file system is read-only.
control_socket_disable = True

# Connections waiting to be accepted. After a restart Metacontroller syncs every Function in one burst.
backlog = 2048


def when_ready(_: Any) -> None:
    """Exclude the loaded app from garbage collection: a collection writes into objects, which unshares their memory."""
    gc.collect()
    gc.freeze()
