"""OpenVINO as an engine of `./generation bench diffusion`, which starts it: times Stable Diffusion's networks, with random weights.

usage: python3 openvino_engine.py step|vae f32|bf16 --threads N      (GENERATION_OPENVINO_ANCHOR: see unet)

It computes once to warm up and writes "ready" and the type that it computes in; then, for each line "run" that it reads, it computes once and writes the seconds.
It needs OpenVINO's and numpy's packages.
"""
import lzma
import os
import re
import sys
import tempfile
import time

import numpy as np
import openvino as ov
from openvino import opset13 as op

random = np.random.default_rng(1)


def unet(folder):
    """Stable Diffusion 1.5's UNet for batch 2, read from its exported graph.

    The folder that GENERATION_OPENVINO_ANCHOR names holds unet_sd15.xml.xz, the graph, and small.bin.xz, its constants of up to 4 KiB
    one after the other in the order of their places. The larger constants, the weights, become small random float16 numbers.
    """
    anchor = os.environ.get("GENERATION_OPENVINO_ANCHOR")
    if anchor is None:
        sys.exit("set GENERATION_OPENVINO_ANCHOR to a folder with its graph, unet_sd15.xml.xz and small.bin.xz")
    with lzma.open(os.path.join(anchor, "unet_sd15.xml.xz")) as file:
        xml = file.read()
    with lzma.open(os.path.join(anchor, "small.bin.xz")) as file:
        small = file.read()
    path = os.path.join(folder, "unet.xml")
    with open(path, "wb") as file:
        file.write(xml)
    weights = (random.standard_normal(1 << 22, dtype=np.float32) * 0.02).astype(np.float16).tobytes()
    taken = 0
    with open(os.path.join(folder, "unet.bin"), "wb") as file:
        for at, size in sorted({(int(a), int(n)) for a, n in re.findall(r'offset="(\d+)" size="(\d+)"', xml.decode())}):
            file.seek(at)
            if size <= 4096:
                file.write(small[taken:taken + size])
                taken += size
            else:
                while size > 0:
                    size -= file.write(weights[:size])
    return path


def constant(*shape, scale=0.02, middle=0.0):
    return op.constant((random.standard_normal(shape, dtype=np.float32) * scale + middle).astype(np.float32))


def convolution(x, channels, kernel=3):
    """A convolution that keeps height and width, with a bias."""
    features = x.output(0).get_partial_shape()[1].get_length()
    pad = (kernel - 1) // 2
    weight = constant(channels, features, kernel, kernel, scale=0.7 / np.sqrt(features * kernel * kernel))
    return op.add(op.convolution(x, weight, [1, 1], [pad, pad], [pad, pad], [1, 1]), constant(1, channels, 1, 1))


def group_norm(x):
    channels = x.output(0).get_partial_shape()[1].get_length()
    return op.group_normalization(x, constant(channels, middle=1.0), constant(channels), 32, 1e-6)


def resnet(x, channels):
    h = convolution(op.swish(group_norm(x)), channels)
    h = convolution(op.swish(group_norm(h)), channels)
    if x.output(0).get_partial_shape()[1].get_length() != channels:
        x = convolution(x, channels, kernel=1)
    return op.add(x, h)


def linear(x, features):
    weight = constant(features, features, scale=0.7 / np.sqrt(features))
    return op.add(op.matmul(x, weight, False, True), constant(1, 1, features))


def attention(x):
    """One head over all places of the map (1, channels, height, width), added to its input."""
    shape = [d.get_length() for d in x.output(0).get_partial_shape()]
    channels = shape[1]
    sequence = op.transpose(op.reshape(group_norm(x), [1, channels, shape[2] * shape[3]], False), [0, 2, 1])
    heads = [op.unsqueeze(linear(sequence, channels), 1) for _ in range(3)]
    attended = op.squeeze(op.scaled_dot_product_attention(*heads), [1])
    back = op.reshape(op.transpose(linear(attended, channels), [0, 2, 1]), shape, False)
    return op.add(x, back)


def doubled(x):
    """Height and width doubled by repeating values, then a convolution."""
    channels = x.output(0).get_partial_shape()[1].get_length()
    larger = op.interpolate(x, op.constant([2.0, 2.0], dtype=np.float32), "nearest", "scales", axes=op.constant([2, 3], dtype=np.int64),
                            coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    return convolution(larger, channels)


def vae():
    """The decoder of Stable Diffusion's autoencoder, AutoencoderKL of (128, 256, 512, 512) channels, from (1, 4, 64, 64) latents."""
    latents = op.parameter([1, 4, 64, 64], np.float32)
    h = convolution(convolution(latents, 4, kernel=1), 512)
    h = resnet(attention(resnet(h, 512)), 512)
    for channels in (512, 512, 256, 128):
        for _ in range(3):
            h = resnet(h, channels)
        if channels != 128:
            h = doubled(h)
    return ov.Model([convolution(op.swish(group_norm(h)), 3)], [latents])


def main():
    workload, precision, _, threads = sys.argv[1:5]
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": int(threads), "PERFORMANCE_HINT": "LATENCY"}
    with tempfile.TemporaryDirectory() as folder:
        model = ov.Core().compile_model(unet(folder) if workload == "step" else vae(), "CPU", settings)

        def values(*shape):
            return random.standard_normal(shape, dtype=np.float32)

        inputs = [values(2, 4, 64, 64), np.array(500, dtype=np.int64), values(2, 77, 768)] if workload == "step" else [values(1, 4, 64, 64)]
        result = model(inputs)[0]
        expected = (2, 4, 64, 64) if workload == "step" else (1, 3, 512, 512)
        if result.shape != expected or not np.isfinite(result).all():
            sys.exit(f"the result has shape {result.shape} in place of {expected}, or is not finite")
        print("ready", model.get_property("INFERENCE_PRECISION_HINT").to_string(), flush=True)
        for line in sys.stdin:
            if line.strip() != "run":
                break
            start = time.perf_counter()
            model(inputs)
            print(time.perf_counter() - start, flush=True)


main()
