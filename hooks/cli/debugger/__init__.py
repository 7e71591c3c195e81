"""What `buildless run --debug` adds to a Python server: sitecustomize.py, and a lock of debugpy's packages."""
