"""Writes settings.json.gz: short runs of diffusers 0.35.2's schedulers over many settings, for SchedulerSettingsTests.

All inputs are formulas, so that the test can make them again: with j counting the elements of a (1, 2, 2, 3) sample,
the latent is sin(1.7 j + 0.3), the stand-in network gives 0.5 x + 0.3 cos(0.9 j + 1.3 i) at call i, and the k-th noise
drawn in steps is sin(2.1 j + 0.7 k + 0.5). A setting under which the last bit of a noise level moves the result by more than
a fifth of the tolerance is left out: single precision cannot decide it.
"""

import gzip
import json
import sys

import numpy as np
import torch
import diffusers.schedulers as schedulers
import diffusers.utils.torch_utils

SHAPE = (1, 2, 2, 3)
J = torch.arange(12, dtype=torch.float64).reshape(SHAPE)
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
TOLERANCE = 1e-4
SPACINGS = ["linspace", "leading", "trailing"]
PREDICTIONS = ["epsilon", "v_prediction", "sample"]
SHAPES = [{}, {"use_karras_sigmas": True}, {"use_exponential_sigmas": True}, {"use_beta_sigmas": True}]
FLOW = {"use_flow_sigmas": True, "flow_shift": 3.0, "prediction_type": "flow_prediction"}
AYS = [999, 845, 730, 587, 443, 310, 193, 116, 53, 13]

drawn = 0


def noise(shape, generator=None, device=None, dtype=None, layout=None):
    global drawn
    drawn += 1
    return torch.sin(2.1 * J + 0.7 * (drawn - 1) + 0.5).to(dtype)


def run(name, config, steps, set_timesteps, step, nudge):
    """Timesteps and the latent after each call; nudge moves each noise level by up to its last bit."""
    global drawn
    drawn = 0
    scheduler = getattr(schedulers, name)(**config)
    own = "timesteps" in set_timesteps or (name == "EulerDiscreteScheduler" and "sigmas" in set_timesteps)
    scheduler.set_timesteps(**set_timesteps) if own else scheduler.set_timesteps(steps, **set_timesteps)
    if nudge and hasattr(scheduler, "sigmas"):
        levels = scheduler.sigmas
        scheduler.sigmas = levels * (1 + 6e-8 * torch.sin(torch.arange(len(levels)) * 2.9 + nudge))
    sample = torch.sin(1.7 * J + 0.3).float() * float(getattr(scheduler, "init_noise_sigma", 1))
    latents = []
    for i, t in enumerate(scheduler.timesteps):
        scaled = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
        output = 0.5 * scaled + 0.3 * torch.cos(0.9 * J + 1.3 * i).float()
        sample = scheduler.step(output, t, sample, return_dict=False, **step)[0].float()
        latents.append(sample)
    return scheduler.timesteps.double(), torch.stack(latents), drawn


cases = []
left_out = 0


def add(name, config, steps, set_timesteps=None, step=None, base=BETAS):
    global left_out
    config, set_timesteps, step = {**base, **config}, set_timesteps or {}, step or {}
    timesteps, latents, noises = run(name, config, steps, set_timesteps, step, 0)
    spread = max(((run(name, config, steps, set_timesteps, step, k)[1] - latents).abs() / latents.abs().clamp(min=1)).max() for k in (1, 2, 3))
    if not spread < TOLERANCE / 5:
        left_out += 1
        return
    call = {"config": config, "steps": steps, "set_timesteps": set_timesteps, "step": step}
    cases.append({
        "class": name,
        "call": {k: v for k, v in call.items() if v},
        "noises": noises,
        "timesteps": [round(t, 5) for t in timesteps.tolist()],
        "latents": [float(f"{v:.7g}") for v in latents.flatten().tolist()],
    })


def ancestral_and_deterministic():
    for spacing in SPACINGS:
        for prediction in PREDICTIONS:
            same = {"timestep_spacing": spacing, "prediction_type": prediction}
            for n in (1, 6):
                add("DDIMScheduler", {**same, "steps_offset": 1}, n, step={"eta": 0.5 if n == 6 else 0.0, "use_clipped_model_output": n == 6})
                add("DDPMScheduler", same, n)
                if prediction != "sample":
                    add("PNDMScheduler", {**same, "skip_prk_steps": True}, n)
            if prediction != "sample":
                add("PNDMScheduler", {**same, "skip_prk_steps": False}, 6)
                add("EulerAncestralDiscreteScheduler", same, 7)
    for variance in ("fixed_small", "fixed_small_log", "fixed_large"):
        add("DDPMScheduler", {"variance_type": variance}, 5)
    add("DDPMScheduler", {"beta_schedule": "sigmoid"}, 5)
    add("DDPMScheduler", {}, None, {"timesteps": [900, 700, 300, 20, 3]})
    add("DDIMScheduler", {"clip_sample_range": 0.7}, 5, step={"eta": 0.3, "use_clipped_model_output": True})
    add("DDIMScheduler", {"num_train_timesteps": 500}, 5)
    add("DDIMScheduler", {"num_train_timesteps": 5, "trained_betas": [0.01, 0.05, 0.1, 0.2, 0.3]}, 5)


def betas():
    for spacing in SPACINGS:
        for name in ("DDIM", "DDPM", "EulerDiscrete", "EulerAncestralDiscrete", "DPMSolverMultistep", "UniPCMultistep"):
            add(f"{name}Scheduler", {"rescale_betas_zero_snr": True, "timestep_spacing": spacing, "prediction_type": "v_prediction"}, 6)
    for schedule in ("linear", "squaredcos_cap_v2"):
        for name in ("DDIM", "DDPM", "PNDM", "LMSDiscrete", "EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete", "KDPM2Discrete", "DPMSolverMultistep",
                     "DPMSolverSinglestep", "DEISMultistep", "UniPCMultistep", "SASolver", "LCM", "TCD"):
            add(f"{name}Scheduler", {"beta_schedule": schedule, "beta_start": 0.0001, "beta_end": 0.02}, 6, base={})
    add("HeunDiscreteScheduler", {"beta_schedule": "exp"}, 6)


def thresholding():
    same = {"thresholding": True, "dynamic_thresholding_ratio": 0.8, "sample_max_value": 1.7}
    for name in ("DDIM", "DDPM", "LCM", "DPMSolverMultistep", "DPMSolverSinglestep", "DEISMultistep", "UniPCMultistep", "SASolver"):
        add(f"{name}Scheduler", same, 6)
    add("DPMSolverMultistepScheduler", {**same, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}, 6)


def noise_levels():
    for shape in SHAPES:
        for spacing in SPACINGS:
            for n in (1, 4, 9):
                for name in ("EulerDiscrete", "HeunDiscrete", "LMSDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete"):
                    add(f"{name}Scheduler", {**shape, "timestep_spacing": spacing, "steps_offset": n % 2, "prediction_type": PREDICTIONS[n % 4 == 0]}, n)
        add("EulerDiscreteScheduler", {**shape, "final_sigmas_type": "sigma_min"}, 6)
        add("EulerDiscreteScheduler", {**shape, "sigma_min": 0.05, "sigma_max": 10.0}, 6)
        add("EulerDiscreteScheduler", {**shape, "interpolation_type": "log_linear"}, 6)
        add("EulerDiscreteScheduler", {**shape, "timestep_type": "continuous", "prediction_type": "v_prediction"}, 6)
    for name in ("EulerDiscrete", "HeunDiscrete", "LMSDiscrete"):
        add(f"{name}Scheduler", {"prediction_type": "sample"}, 6)
    add("HeunDiscreteScheduler", {"clip_sample": True, "clip_sample_range": 0.8}, 6)
    for order in (1, 2, 3, 6):
        add("LMSDiscreteScheduler", {}, 9, step={"order": order})
    for churn in (0.3, 2.0, 9.0):
        add("EulerDiscreteScheduler", {}, 6, step={"s_churn": churn, "s_tmin": 0.1, "s_tmax": 9.0, "s_noise": 1.01})
    add("EulerDiscreteScheduler", {}, None, {"sigmas": [14.6, 5.0, 2.0, 1.1, 0.3, 0.0]})
    for name in ("EulerDiscrete", "HeunDiscrete", "DPMSolverMultistep", "DPMSolverSinglestep"):
        add(f"{name}Scheduler", {}, None, {"timesteps": AYS})


def solvers():
    for algorithm in ("dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"):
        for kind in ("midpoint", "heun"):
            for order in (1, 2, 3):
                for n in (1, 3, 7, 16):
                    same = {"algorithm_type": algorithm, "solver_type": kind, "solver_order": order,
                            "final_sigmas_type": "zero" if "++" in algorithm and n != 7 else "sigma_min"}
                    if algorithm != "sde-dpmsolver" or order < 3:
                        add("DPMSolverMultistepScheduler", {**same, "timestep_spacing": SPACINGS[n % 3], "steps_offset": n % 2}, n)
                    if algorithm != "sde-dpmsolver":
                        add("DPMSolverSinglestepScheduler", {**same, "lower_order_final": n % 2 == 0}, n)
    for shape in SHAPES + [{"use_lu_lambdas": True}, FLOW]:
        for n in (3, 8):
            for euler in (False, True):
                add("DPMSolverMultistepScheduler", {**shape, "euler_at_final": euler, "final_sigmas_type": "sigma_min" if euler else "zero"}, n)
            add("DPMSolverMultistepScheduler", {**shape, "algorithm_type": "sde-dpmsolver++"}, n)
            if "use_lu_lambdas" in shape:
                continue
            for final in ("zero", "sigma_min"):
                add("DPMSolverSinglestepScheduler", {**shape, "final_sigmas_type": final}, n)
                for order in (1, 2, 3):
                    add("UniPCMultistepScheduler", {**shape, "final_sigmas_type": final, "solver_order": order}, n)
            for order in (1, 2, 3):
                add("DEISMultistepScheduler", {**shape, "solver_order": order}, n)
                add("UniPCMultistepScheduler", {**shape, "final_sigmas_type": "sigma_min", "solver_type": "bh1", "solver_order": order}, n)
            for predictor in (1, 2, 3):
                for corrector in (1, 2, 3):
                    add("SASolverScheduler", {**shape, "predictor_order": predictor, "corrector_order": corrector}, n)
    for spacing in SPACINGS:
        for prediction in PREDICTIONS:
            for name in ("DEISMultistep", "UniPCMultistep", "SASolver", "DPMSolverMultistep"):
                add(f"{name}Scheduler", {"timestep_spacing": spacing, "prediction_type": prediction, "steps_offset": 1}, 6)
    for prediction in PREDICTIONS:
        same = {"prediction_type": prediction}
        for name in ("DPMSolverMultistep", "DPMSolverSinglestep"):
            add(f"{name}Scheduler", {**same, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}, 6)
        add("UniPCMultistepScheduler", {**same, "predict_x0": False, "final_sigmas_type": "sigma_min"}, 6)
        add("SASolverScheduler", {**same, "algorithm_type": "noise_prediction"}, 6)
    for spacing in SPACINGS:
        add("DPMSolverMultistepScheduler", {"lambda_min_clipped": -2.0, "timestep_spacing": spacing}, 6)
    add("DPMSolverSinglestepScheduler", {"lambda_min_clipped": -2.0}, 6)
    for name in ("DPMSolverMultistep", "DEISMultistep", "UniPCMultistep"):
        add(f"{name}Scheduler", {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "use_dynamic_shifting": True}, 6, {"mu": 0.8})
    add("UniPCMultistepScheduler", {"disable_corrector": [0, 1, 4]}, 7)


def distilled_and_flows():
    for n in (1, 4):
        for prediction in PREDICTIONS:
            add("LCMScheduler", {"prediction_type": prediction}, n)
            add("TCDScheduler", {"prediction_type": prediction}, n, step={"eta": 0.0 if n == 1 else 0.4})
    for name in ("LCMScheduler", "TCDScheduler"):
        add(name, {"original_inference_steps": 100}, 6)
        add(name, {}, 6, {"original_inference_steps": 25})
        add(name, {}, 6, {"strength": 0.6})
        add(name, {}, None, {"timesteps": [999, 779, 499, 259]})
    add("LCMScheduler", {"timestep_scaling": 5.0, "set_alpha_to_one": False, "clip_sample": True}, 4)
    flow = "FlowMatchEulerDiscreteScheduler"
    for n in (1, 3, 12):
        for shape in SHAPES:
            for shift in (1.0, 2.5):
                add(flow, {**shape, "shift": shift}, n, base={})
        add(flow, {"invert_sigmas": True}, n, base={})
        for kind in ("exponential", "linear"):
            add(flow, {"use_dynamic_shifting": True, "time_shift_type": kind, "shift": 3.0}, n, {"mu": 1.1}, base={})
        add("FlowMatchHeunDiscreteScheduler", {"shift": 2.0}, n, base={})
    add(flow, {"shift_terminal": 0.1, "shift": 2.0}, 6, base={})
    add(flow, {"shift": 2.0}, 5, {"timesteps": [1000.0, 800.0, 500.0, 200.0, 50.0], "sigmas": [1.0, 0.8, 0.5, 0.2, 0.05]}, base={})
    add("FlowMatchHeunDiscreteScheduler", {"shift": 2.0}, 6, step={"s_churn": 1.0, "s_noise": 1.01}, base={})


for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith("diffusers.schedulers") and hasattr(module, "randn_tensor"):
        module.randn_tensor = noise

ancestral_and_deterministic()
betas()
thresholding()
noise_levels()
solvers()
distilled_and_flows()
with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as file:
    file.write(json.dumps({"versions": {"diffusers": "0.35.2", "torch": torch.__version__, "numpy": np.__version__}, "tolerance": TOLERANCE, "cases": cases}).encode())
print(len(cases), "cases,", left_out, "left out")
