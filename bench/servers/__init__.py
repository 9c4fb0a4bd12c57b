"""What `cutaway serve` is compared with: the same network behind other servers, each as its own
documentation has it. `python -m bench.servers.NAME MODEL.onnx PORT` runs one."""
