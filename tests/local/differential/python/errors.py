"""Ways to fail."""

import threading
import time


class Custom(Exception):
    status_code = 418


def raises(error):
    raise error


def forever(event, context):
    while True:
        time.sleep(0.05)


def recursion(event, context):
    return recursion(event, context)


def in_a_thread(event, context):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return "joined"


fails = lambda e, c: raises(ValueError("secret-in-the-error"))
fails_by_key = lambda e, c: {}["secret"]
fails_of_own_class = lambda e, c: raises(Custom("secret-in-the-error"))
fails_by_exit = lambda e, c: raises(SystemExit(3))
fails_by_interrupt = lambda e, c: raises(KeyboardInterrupt())
fails_by_base_exception = lambda e, c: raises(BaseException("secret-in-the-error"))
fails_by_stop_iteration = lambda e, c: raises(StopIteration("secret-in-the-error"))
fails_by_assertion = lambda e, c: raises(AssertionError("secret-in-the-error"))
fails_by_timeout = lambda e, c: raises(TimeoutError("secret-in-the-error"))
fails_not_ascii = lambda e, c: raises(ValueError("größer"))
