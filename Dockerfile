# genre-edge for linux/arm64 and linux/amd64:
#
#   docker build -t genre-edge .
#   docker run --rm genre-edge demo
#   docker run -d --init --restart always --device /dev/snd --group-add audio -v genre-edge:/var/lib/genre-edge genre-edge
#
# --device gives the container the sound devices, --group-add the right to open them. The volume keeps the history.

# A release names the base by its digest: --build-arg BASE=debian@sha256:... (docker buildx imagetools inspect prints it).
ARG BASE=debian:trixie-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc npm python3-dev python3-venv portaudio19-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
# What comes from the package index must have the hash that is written down.
RUN python3 -m venv /opt/genre-edge \
    && /opt/genre-edge/bin/pip install --no-cache-dir --require-hashes --requirement /source/requirements-image.txt \
    && /opt/genre-edge/bin/pip install --no-cache-dir --no-deps /source

# hadolint ignore=DL3006
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg python3 libportaudio2 libasound2-plugins tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 990 --groups audio --home-dir /var/lib/genre-edge --create-home genre-edge
COPY --from=build /opt/genre-edge /opt/genre-edge
ENV PATH=/opt/genre-edge/bin:$PATH STATE_DIRECTORY=/var/lib/genre-edge RUNTIME_DIRECTORY=/dev/shm PYTHONUNBUFFERED=1
USER 990
VOLUME /var/lib/genre-edge
# Healthy while the service writes heartbeats (in memory): after each window, and while it waits for a microphone.
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s CMD ["genre-edge", "service", "alive"]
ENTRYPOINT ["tini", "--", "genre-edge"]
EXPOSE 8080
CMD ["service", "run"]
