using Generation.Hosting;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace Generation.TestSupport;

/// <summary>
/// On tests whose subject is the private servers themselves: they are ignored, with a reason, where the servers are in containers.
/// </summary>
/// <param name="subject">What the tests are about.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class PrivateServersOnlyAttribute(string subject) : NUnitAttribute, IApplyToTest
{
    public string Subject => subject;

    public void ApplyToTest(Test test)
    {
        // Nothing may throw here: the test would vanish from the run
        if (
            test.RunState == RunState.Runnable
            && Environment.GetEnvironmentVariable(TestServersSetting.KindVariable) == TestServersSetting.Containers
        )
        {
            test.RunState = RunState.Ignored;
            test.Properties.Set(PropertyNames.SkipReason, $"This is about private servers ({Subject}), and the servers are in containers.");
        }
    }
}
