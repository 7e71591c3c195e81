"""
The init container `fetch-source`: download.py, archive.py (reads tar), unpack.py (what of it is written), directory.py
(where), marker.py (whether it is there already).

The archive is other people's. All checks are linear in its size, and memory is bounded. runtimes/nodejs/lib/fetch has
the same rules; tests/local/test_fetch_source.py holds both to one table. The standard library only: the container runs
before the Function's dependencies are installed, in a pod with as little as 150 millicores and 256Mi.
"""
