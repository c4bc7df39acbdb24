# GA² Studio in a container, for a processor or a CUDA GPU: docs/guides/docker.md.
#   docker build -t ga2-studio .
#   docker build -t ga2-studio:cuda --build-arg BASE=nvidia/cuda:13.0.1-base-ubuntu24.04 \
#     --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}

# A base that has no Python, as those of CUDA, gets that of its system, in the version that the tag of the base fixes.
# The wheels of PyAV and decord bring FFmpeg.
# hadolint ignore=DL3008
RUN if ! python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))'; then \
      apt-get update \
      && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 python3-venv \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
    && python3 -m venv /opt/venv \
    && useradd --uid 10001 --create-home ga2 \
    && install --directory --owner=ga2 --group=ga2 /data
ENV PATH=/opt/venv/bin:$PATH

# Packages come first, so that a change of the program downloads nothing. torch is not in the lock file: its build
# depends on the machine, and its version stands in requirements.txt.
WORKDIR /app
COPY requirements.txt requirements.lock ./
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --requirement requirements.lock \
    && pip install --index-url "${TORCH_INDEX}" "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)"

COPY app.py pyproject.toml LICENSE ./
COPY assets/sketch-clip assets/sketch-clip
COPY assets/sketch-hard-prompt assets/sketch-hard-prompt
COPY prompts_db prompts_db
COPY benchmarks/base2novel benchmarks/base2novel
COPY ga2app ga2app
RUN python -m compileall -q app.py ga2app benchmarks

# Everything that is made lies in /data: runs, clips, bundles, and the CLIPs that were fetched from the Hub.
ENV GA2_HOME=/data/ga2 \
    HF_HOME=/data/huggingface \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONUNBUFFERED=1
USER 10001
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/favicon.ico', timeout=4)"]
CMD ["python", "app.py"]
