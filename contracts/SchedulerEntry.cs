namespace Generation.Contracts;

/// <summary>A way from noise to picture that requests may name.</summary>
/// <param name="Name">As in a request's scheduler: ddim, euler_a, dpmpp_2m_karras, ...</param>
/// <param name="Description">What it is, for people.</param>
public sealed record SchedulerEntry(string Name, string Description);
