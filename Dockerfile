# syntax=docker/dockerfile:1
FROM python:3.13-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
# With requirements-charts.lock it is the larger image, which draws charts and traces.
ARG LOCK=requirements.lock
COPY requirements.lock requirements-charts.lock /tmp/
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes --no-deps --only-binary=:all: -r "/tmp/${LOCK}" \
    && find /opt/venv -type d -name tests -prune -exec rm -r {} +

# The package is not built: a build backend would come in without a hash. A path entry, the command and the version do.
ARG VERSION=0.1.0
COPY app /srv/betrokken/app
RUN packages="$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && echo /srv/betrokken > "$packages/betrokken.pth" \
    && mkdir "$packages/betrokken-${VERSION}.dist-info" \
    && printf 'Metadata-Version: 2.1\nName: betrokken\nVersion: %s\n' "$VERSION" > "$packages/betrokken-${VERSION}.dist-info/METADATA" \
    && printf '#!/opt/venv/bin/python\nfrom app.cli import main\n\nmain()\n' > /opt/venv/bin/betrokken \
    && chmod 755 /opt/venv/bin/betrokken \
    && /opt/venv/bin/python -m compileall -q /srv/betrokken/app \
    && /opt/venv/bin/pip uninstall --yes pip


FROM python:3.13-slim-trixie

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="betrokken" \
      org.opencontainers.image.description="Satisfaction versus engagement of an organisation, as a REST service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BETROKKEN_DATA_DIR=/var/lib/betrokken \
    BETROKKEN_WORKER_LISTEN=0.0.0.0:8001

RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/betrokken
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/betrokken /srv/betrokken
WORKDIR /srv/betrokken
COPY LICENSE pyproject.toml ./
COPY alembic alembic
COPY openapi/openapi.yaml openapi/openapi.json openapi/

USER 10001:10001
EXPOSE 8000 8001
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-m", "app.core.alive"]

ENTRYPOINT ["betrokken"]
CMD ["serve", "--host", "0.0.0.0"]
