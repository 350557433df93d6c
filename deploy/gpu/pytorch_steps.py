"""One step of networks of the published sizes in PyTorch, eager and compiled, with random weights: what `bench gpu` is held against.

Called as: python3 pytorch_steps.py bf16|f32 NAME..., with names of sd15, sdxl, flux. Needs torch 2 with CUDA, and diffusers.
Prints a JSON line for each: {"name", "way", "seconds"}, or {"name", "way", "why"} where it could not be run.
"""
import gc
import json
import sys
import time

SDXL = dict(
    addition_embed_type="text_time", addition_time_embed_dim=256, attention_head_dim=(5, 10, 20), block_out_channels=(320, 640, 1280),
    cross_attention_dim=2048, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), projection_class_embeddings_input_dim=2816,
    sample_size=128, transformer_layers_per_block=(1, 2, 10), use_linear_projection=True)


def tell(name, way, **rest):
    print(json.dumps({"name": name, "way": way, **rest}), flush=True)


def make(name, dtype):
    """The network and a function that calls it once."""
    import torch
    import diffusers

    def draw(*shape):
        return torch.randn(*shape, device="cuda", dtype=dtype)

    with torch.device("cuda"):
        if name == "flux":
            previous = torch.get_default_dtype()
            torch.set_default_dtype(dtype)
            network = diffusers.FluxTransformer2DModel(guidance_embeds=True).to(dtype)
            torch.set_default_dtype(previous)
            inputs = dict(
                hidden_states=draw(1, 4096, 64), timestep=torch.tensor([0.5]).to(dtype), encoder_hidden_states=draw(1, 512, 4096),
                pooled_projections=draw(1, 768), txt_ids=torch.zeros(512, 3), img_ids=torch.zeros(4096, 3), guidance=torch.tensor([3.5]).to(dtype))
        elif name == "sdxl":
            network = diffusers.UNet2DConditionModel(**SDXL).to(dtype)
            inputs = dict(
                sample=draw(2, 4, 128, 128), timestep=500, encoder_hidden_states=draw(2, 77, 2048),
                added_cond_kwargs=dict(text_embeds=draw(2, 1280), time_ids=torch.ones(2, 6)))
        else:
            network = diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8).to(dtype)
            inputs = dict(sample=draw(2, 4, 64, 64), timestep=500, encoder_hidden_states=draw(2, 77, 768))
    return network.eval().requires_grad_(False), inputs


def best(call, seconds=5.0):
    import torch

    def once():
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    once()
    fastest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        fastest = min(fastest, once())
    return fastest


def measure(name, dtype):
    import torch

    network, inputs = make(name, dtype)
    with torch.inference_mode():
        tell(name, "eager", seconds=best(lambda: network(**inputs, return_dict=False)))
        network.to(memory_format=torch.channels_last)
        compiled = torch.compile(network, mode="max-autotune-no-cudagraphs")
        tell(name, "compiled", seconds=best(lambda: compiled(**inputs, return_dict=False)))


def main():
    names = sys.argv[2:]
    try:
        import torch
        import diffusers  # noqa: F401
    except ImportError as error:
        for name in names:
            tell(name, "eager", why=f"{error}; pip install torch diffusers transformers")
        return
    # As the library runs: full float32, no reduced products
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    dtype = {"bf16": torch.bfloat16, "f32": torch.float32}[sys.argv[1]]
    for name in names:
        try:
            measure(name, dtype)
        except Exception as error:  # one network too large, or not compiled here, must not hide the others
            tell(name, "measured", why=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        gc.collect()
        torch.cuda.empty_cache()


main()
