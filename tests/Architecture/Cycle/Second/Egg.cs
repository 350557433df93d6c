using Generation.Architecture.Tests.Cycle.First;

namespace Generation.Architecture.Tests.Cycle.Second;

/// <summary>Knows <see cref="Hen"/>, which knows it: a cycle that the tests must find.</summary>
internal sealed record Egg(Hen? Hen);
