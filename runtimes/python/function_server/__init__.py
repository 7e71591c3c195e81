"""
The server of a Python Function: what a handler of Kyma's python312 finds, without its defects.

listener.py opens the port; serve.py starts, drains and stops; time_limit.py answers 408; app.py has the routes;
answer.py turns a result into a response; event.py is what a handler is given. metrics.py, tracing.py and
cloud_events.py load their libraries when they are first used: an XS pod has 150 millicores, so every import before the
first answer is waiting time.
"""
