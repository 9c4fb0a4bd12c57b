# Cutaway in a container, for its own command line and for jobs of clusters; not as root.
#
#   docker build -t cutaway .                            # for processors
#   docker build -t cutaway --build-arg DEVICE=cu130 .   # for NVIDIA GPUs (docker run --gpus all)
#   docker run -v "$PWD:/work" cutaway train photographs/
#   docker run -v "$PWD:/work" -p 8000:8000 cutaway serve runs/NAME --host 0.0.0.0
#
# The folder that is /work has to be writable for user 1000, or give --user "$(id -u)".

ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
# cpu, or a CUDA version that PyTorch is built for.
ARG DEVICE=cpu
# What else is installed: an extra of pyproject.toml, or several with commas between.
ARG EXTRAS=all
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv /opt/cutaway \
    && /opt/cutaway/bin/pip install --no-cache-dir \
        --extra-index-url "https://download.pytorch.org/whl/${DEVICE}" ".[${EXTRAS}]"

FROM python:${PYTHON}-slim
RUN useradd --uid 1000 --create-home cutaway && install -d -o cutaway -g cutaway /work
COPY --from=build /opt/cutaway /opt/cutaway
# PyTorch asks for the user's name, which --user may have taken away.
ENV PATH=/opt/cutaway/bin:$PATH CUTAWAY_CACHE=/work/cache HOME=/work USER=cutaway
USER 1000:1000
WORKDIR /work
EXPOSE 8000 9464
ENTRYPOINT ["cutaway"]
CMD ["--help"]
