"""
The server of a Python Function, compatible with handlers for Kyma's python312.

listener.py opens the port; serve.py starts, drains and stops; leader.py decides which thread reads; time_limit.py
responds with 408; app.py has the routes; answer.py turns a result into a response; event.py has the first argument of a
handler. metrics.py, tracing.py and cloud_events.py load their libraries at the first use: an XS pod has 150 millicores,
so each import delays the first response.
"""
