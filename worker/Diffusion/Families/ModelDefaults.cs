namespace Generation.Diffusion.Families;

/// <summary>What a request is made with that names no steps, no guidance or no scheduler, where the model's owner says nothing else.</summary>
/// <param name="Steps">Calls of the scheduler.</param>
/// <param name="GuidanceScale">Scale of the guidance, as the family's authors recommend it.</param>
/// <param name="Scheduler">Short name of a scheduler, or auto for the model's own.</param>
/// <param name="RelativeCost">What a step of the model's own size costs, in steps of Stable Diffusion 1.5.</param>
public sealed record ModelDefaults(int Steps, double GuidanceScale, string Scheduler, decimal RelativeCost = 1);
