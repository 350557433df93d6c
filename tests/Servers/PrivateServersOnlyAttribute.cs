using Generation.Cli.Running;
using Generation.Cli.Servers;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace Generation.Tests;

/// <summary>The subject of these tests are private servers themselves: where servers are in containers they are ignored, and say so.</summary>
/// <param name="subject">What they are about.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class PrivateServersOnlyAttribute(string subject) : NUnitAttribute, IApplyToTest
{
    public string Subject => subject;

    public void ApplyToTest(Test test)
    {
        TestServersKind kind;
        try
        {
            kind = TestServersSetting.Kind;
        }
        catch (ServerException e)
        {
            // Whoever throws while tests are looked for makes them vanish
            test.MakeInvalid(e.Message);
            return;
        }

        if (test.RunState != RunState.NotRunnable && kind != TestServersKind.Private)
        {
            test.RunState = RunState.Ignored;
            test.Properties.Set(PropertyNames.SkipReason, $"Servers are in containers, and this is about private ones: {Subject}.");
        }
    }
}
