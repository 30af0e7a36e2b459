# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home watchkeeper && install -d -o watchkeeper /data
WORKDIR /app
COPY --from=build /venv /venv
COPY bot bot
COPY core core
COPY graphs graphs
COPY prompts prompts
COPY tools tools
COPY runbooks runbooks
COPY policy.yaml .
COPY deploy/services.example.yaml deploy/services.example.yaml
# Mount your catalogue and name it: -v ./services.yaml:/app/services.yaml:ro (or SERVICES_FILE=/another/path).
# WEB_PUBLIC_URL is the address people reach this container by; links in Slack begin with it.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data WEB_HOST=0.0.0.0
USER watchkeeper
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('WEB_PORT', '8080') + '/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
