# The operator's image: `make image`. Any Debian does as base, with Python >= 3.11 or without.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS base
RUN command -v python3 >/dev/null || { apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*; }

FROM base AS build
# An index of your own: --build-arg PIP_INDEX_URL=… (it does not get into the final image).
ARG PIP_INDEX_URL=
WORKDIR /source
COPY hack/install.py hack/install.py
COPY requirements/pip.txt requirements/runtime.txt requirements/build.txt requirements/
RUN python3 hack/install.py --runtime /opt/operator
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN python3 hack/install.py --runtime /opt/operator --project

FROM base
# The program that backups are written with.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates restic \
    && rm -rf /var/lib/apt/lists/*
LABEL org.opencontainers.image.title="jitsi-tenant-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/operator /opt/operator
ENV PATH=/opt/operator/bin:$PATH PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["jitsi-tenant-operator"]
CMD ["run"]
