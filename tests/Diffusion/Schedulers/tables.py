"""Writes tables.json.gz: timesteps and noise levels of diffusers 0.35.2's schedulers, to the bit, for SchedulerTablesTests.

Run it with NumPy 2 and torch 2.6 or newer, without MKL: NumPy 1 compares a level with the table of its logarithms in single
precision (where NumPy 2 does in double), older torch fills linspace in vectors with another rounding, and MKL's square root is rounded
correctly on some processors only.
"""

import gzip
import inspect
import json
import random
import sys

import numpy as np
import torch
import diffusers.schedulers as schedulers

BETAS = [(0.00085, 0.012), (0.0001, 0.02), (0.001, 0.015), (0.0015, 0.0195), (0.00116, 0.0153)]
SHAPES = [None, "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"]
NAMES = ["DDIM", "DDPM", "PNDM", "LMSDiscrete", "EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete",
         "DPMSolverMultistep", "DPMSolverSinglestep", "DEISMultistep", "UniPCMultistep", "SASolver", "LCM", "TCD", "FlowMatchEulerDiscrete",
         "FlowMatchHeunDiscrete"]
choose = random.Random(5)


def setting(takes, run_takes):
    """A config, a number of steps and arguments of set_timesteps, by chance."""
    config, arguments = {"num_train_timesteps": choose.choice([1000, 1000, 500, 2000, 400])}, {}
    steps = choose.randint(1, 9 if "original_inference_steps" in run_takes else 24)

    def maybe(name, share, *values):
        if name in takes and choose.random() < share:
            config[name] = choose.choice(values)

    maybe("beta_schedule", 1, "linear", "scaled_linear", "scaled_linear", "squaredcos_cap_v2")
    if "beta_start" in takes:
        config["beta_start"], config["beta_end"] = choose.choice(BETAS)
    shape = choose.choice(SHAPES)
    if shape in takes:
        config[shape] = True
        if choose.random() < 0.2 and "sigma_min" in takes:
            config |= {"sigma_min": 0.03, "sigma_max": 12.5}
    elif choose.random() < 0.2 and "use_flow_sigmas" in takes:
        config |= {"use_flow_sigmas": True, "flow_shift": choose.choice([1.0, 2.2]), "prediction_type": "flow_prediction"}
    if "original_inference_steps" not in run_takes:
        maybe("timestep_spacing", 1, "linspace", "leading", "trailing")
    maybe("steps_offset", 0.3, 1)
    maybe("rescale_betas_zero_snr", 0.25, True)
    maybe("interpolation_type", 0.1, "log_linear")
    maybe("final_sigmas_type", 0.3, "sigma_min")
    maybe("lambda_min_clipped", 0.15, -2.5)
    maybe("shift", 1, 1.0, 3.0, 1.15)
    maybe("invert_sigmas", 0.1, True)
    maybe("shift_terminal", 0.1, 0.1)
    maybe("skip_prk_steps", 1, True)
    if "mu" in run_takes and choose.random() < 0.3:
        config |= {"use_dynamic_shifting": True, "time_shift_type": "exponential"}
        arguments["mu"] = choose.choice([0.63, 1.15])
    if "shift" in takes and "sigmas" in run_takes and choose.random() < 0.4:
        arguments["sigmas"] = np.linspace(1.0, 1 / steps, steps).tolist()
    return config, steps, arguments


def singles(values):
    return [float(str(np.float32(v))) for v in values]


cases = []
for name in NAMES:
    scheduler_class = getattr(schedulers, f"{name}Scheduler")
    takes = inspect.signature(scheduler_class.__init__).parameters
    run_takes = inspect.signature(scheduler_class.set_timesteps).parameters
    for _ in range(28):
        config, steps, arguments = setting(takes, run_takes)
        if len(np.arange(config["num_train_timesteps"], 0, -config["num_train_timesteps"] / steps)) != steps:
            continue  # here trailing spacing has a timestep -1 too many
        scheduler = scheduler_class(**config)
        scheduler.set_timesteps(steps, **arguments)
        case = {"class": f"{name}Scheduler", "call": {"config": config, "steps": steps, "set_timesteps": arguments},
                "timesteps": singles(scheduler.timesteps)}
        if hasattr(scheduler, "sigmas"):
            case["sigmas"] = singles(scheduler.sigmas)
        # torch's exponential in single precision, which differs from build to build
        case["rounded"] = "KDPM2" in name or "interpolation_type" in config
        cases.append(case)
with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as file:
    file.write(json.dumps({"versions": {"diffusers": "0.35.2", "torch": torch.__version__, "numpy": np.__version__}, "cases": cases}).encode())
print(len(cases), "cases")
