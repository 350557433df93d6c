using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The updates of DPM-Solver (arXiv 2206.00927), DPM-Solver++ (arXiv 2211.01095) and their stochastic forms, of order one to three. All go
/// from a start level over a step h in lambda. The multistep and the singlestep form differ in how the derivatives are estimated, which is
/// the caller's part.
/// </summary>
internal sealed class DpmSolverUpdate
{
    private readonly string _algorithm;
    private readonly bool _heun;

    private DpmSolverUpdate(string algorithm, bool heun)
    {
        _algorithm = algorithm;
        _heun = heun;
    }

    /// <summary>Whether the solver works on the predicted clean sample, and not on the predicted noise.</summary>
    public bool PredictsClean => _algorithm is "dpmsolver++" or "sde-dpmsolver++";

    /// <summary>Whether each step draws noise.</summary>
    public bool IsStochastic => _algorithm is "sde-dpmsolver" or "sde-dpmsolver++";

    /// <summary>
    /// Reads algorithm_type and solver_type. The names of related solvers stand for the nearest of these, as in diffusers.
    /// </summary>
    /// <param name="config">The config.</param>
    /// <param name="algorithms">The algorithms that the scheduler has.</param>
    public static DpmSolverUpdate Of(SchedulerConfig config, params string[] algorithms)
    {
        string algorithm = config.AlgorithmType is "deis" ? "dpmsolver++" : config.AlgorithmType;
        if (!algorithms.Contains(algorithm))
        {
            throw new SchedulerException($"algorithm_type is '{algorithm}'; {config.ClassName} knows {string.Join(", ", algorithms)}");
        }

        if (config.SolverType is not ("midpoint" or "heun" or "logrho" or "bh1" or "bh2"))
        {
            throw new SchedulerException($"solver_type is '{config.SolverType}'; it must be midpoint or heun");
        }

        if (config.SolverOrder > 3)
        {
            throw new SchedulerException($"solver_order is {config.SolverOrder}; it must be 1, 2 or 3");
        }

        var update = new DpmSolverUpdate(algorithm, config.SolverType is "heun");
        return update.PredictsClean || config.FinalSigmasType is not "zero"
            ? update
            : throw new SchedulerException($"final_sigmas_type is zero; algorithm_type {algorithm} needs sigma_min");
    }

    /// <summary>A step between two noise levels.</summary>
    public sealed record Span(float AlphaFrom, float SigmaFrom, float AlphaTo, float SigmaTo, float H);

    public Tensor First(Span s, Tensor sample, Tensor output, Tensor? noise) =>
        _algorithm switch
        {
            "dpmsolver++" => sample * (s.SigmaTo / s.SigmaFrom) - output * (s.AlphaTo * (Exp(-s.H) - 1)),
            "dpmsolver" => sample * (s.AlphaTo / s.AlphaFrom) - output * (s.SigmaTo * (Exp(s.H) - 1)),
            "sde-dpmsolver++" => sample * (s.SigmaTo / s.SigmaFrom * Exp(-s.H))
                + output * (s.AlphaTo * (1 - Exp(-2 * s.H)))
                + Added(s, noise!),
            _ => sample * (s.AlphaTo / s.AlphaFrom) - output * (2 * (s.SigmaTo * (Exp(s.H) - 1))) + Added(s, noise!),
        };

    /// <summary>The update of order two, with a first derivative.</summary>
    public Tensor Second(Span s, Tensor sample, Tensor d0, Tensor d1, Tensor? noise)
    {
        float h = s.H;
        switch (_algorithm)
        {
            case "dpmsolver++":
                Tensor plain = First(s, sample, d0, noise);
                return _heun ? plain + d1 * (s.AlphaTo * ((Exp(-h) - 1) / h + 1)) : plain - d1 * (0.5f * (s.AlphaTo * (Exp(-h) - 1)));
            case "dpmsolver":
                return First(s, sample, d0, noise) - d1 * (_heun ? s.SigmaTo * ((Exp(h) - 1) / h - 1) : 0.5f * (s.SigmaTo * (Exp(h) - 1)));
            case "sde-dpmsolver++":
                return sample * (s.SigmaTo / s.SigmaFrom * Exp(-h))
                    + d0 * (s.AlphaTo * (1 - Exp(-2 * h)))
                    + d1 * (_heun ? s.AlphaTo * ((1 - Exp(-2 * h)) / (-2 * h) + 1) : 0.5f * (s.AlphaTo * (1 - Exp(-2 * h))))
                    + Added(s, noise!);
            default:
                return sample * (s.AlphaTo / s.AlphaFrom)
                    - d0 * (2 * (s.SigmaTo * (Exp(h) - 1)))
                    - d1 * (_heun ? 2 * (s.SigmaTo * ((Exp(h) - 1) / h - 1)) : s.SigmaTo * (Exp(h) - 1))
                    + Added(s, noise!);
        }
    }

    /// <summary>The update of order three in the multistep form, with two derivatives.</summary>
    public Tensor Third(Span s, Tensor sample, Tensor d0, Tensor d1, Tensor d2, Tensor? noise)
    {
        float h = s.H;
        return _algorithm switch
        {
            "dpmsolver++" => First(s, sample, d0, noise)
                + d1 * (s.AlphaTo * ((Exp(-h) - 1) / h + 1))
                - d2 * (s.AlphaTo * ((Exp(-h) - 1 + h) / (h * h) - 0.5f)),
            "dpmsolver" => First(s, sample, d0, noise)
                - d1 * (s.SigmaTo * ((Exp(h) - 1) / h - 1))
                - d2 * (s.SigmaTo * ((Exp(h) - 1 - h) / (h * h) - 0.5f)),
            "sde-dpmsolver++" => sample * (s.SigmaTo / s.SigmaFrom * Exp(-h))
                + d0 * (s.AlphaTo * (1 - Exp(-2 * h)))
                + d1 * (s.AlphaTo * ((1 - Exp(-2 * h)) / (-2 * h) + 1))
                + d2 * (s.AlphaTo * ((1 - Exp(-2 * h) - 2 * h) / (2 * h * (2 * h)) - 0.5f))
                + Added(s, noise!),
            _ => throw new SchedulerException($"solver_order is 3; algorithm_type {_algorithm} has orders 1 and 2"),
        };
    }

    /// <summary>
    /// The update of order three in the singlestep form. The midpoint variant leaves out the second derivative and uses another first one.
    /// </summary>
    public Tensor ThirdSingle(Span s, Tensor sample, Tensor d0, Tensor d1, Tensor d1Late, Tensor d2, Tensor? noise)
    {
        if (_heun)
        {
            return Third(s, sample, d0, d1, d2, noise);
        }

        float h = s.H;
        return _algorithm switch
        {
            "dpmsolver++" => First(s, sample, d0, noise) + d1Late * (s.AlphaTo * ((Exp(-h) - 1) / h + 1)),
            "dpmsolver" => First(s, sample, d0, noise) - d1Late * (s.SigmaTo * ((Exp(h) - 1) / h - 1)),
            _ => sample * (s.SigmaTo / s.SigmaFrom * Exp(-h))
                + d0 * (s.AlphaTo * (1 - Exp(-2 * h)))
                + d1Late * (s.AlphaTo * ((1 - Exp(-2 * h)) / (-2 * h) + 1))
                + Added(s, noise!),
        };
    }

    private Tensor Added(Span s, Tensor noise) =>
        noise * (s.SigmaTo * (_algorithm is "sde-dpmsolver++" ? MathF.Sqrt(1 - Exp(-2 * s.H)) : MathF.Sqrt(Exp(2 * s.H) - 1)));

    private static float Exp(float value) => MathF.Exp(value);
}
