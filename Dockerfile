# The hook service: Python, its dependencies, and this package; no compiler, no pip, no development dependency, and not
# the packages that only `buildless diff` needs.

FROM python:3.12-slim-trixie@sha256:29113dcae7aad06daa8e95260fa09f27d62be33b9687ea3774f771d601a02256 AS build
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
RUN python -m venv --without-pip /opt/buildless
# hadolint ignore=DL3059
RUN pip --python /opt/buildless install --no-cache-dir --no-compile --require-hashes -r requirements.txt \
    && pip --python /opt/buildless uninstall --yes deepdiff cachebox orderly-set
# hadolint ignore=DL3059
RUN pip install --no-cache-dir --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY hooks ./hooks
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /src/wheels . \
    && pip --python /opt/buildless install --no-cache-dir --no-compile --no-deps --no-index /src/wheels/*.whl
# Layers keep no times and the root file system is read-only: bytecode that is never checked against its source.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/buildless/lib

FROM python:3.12-slim-trixie@sha256:29113dcae7aad06daa8e95260fa09f27d62be33b9687ea3774f771d601a02256
LABEL org.opencontainers.image.title="buildless-functions" \
      org.opencontainers.image.description="Functions on Kubernetes without an image build: the hook service" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/buildless /opt/buildless
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/opt/buildless/bin/buildless", "serve"]
