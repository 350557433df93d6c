using NUnit.Framework.Interfaces;

namespace Generation.TestSupport;

/// <summary>On an assembly: removes its servers after its last test.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class EndsTestServersAttribute : Attribute, ITestAction
{
    public ActionTargets Targets => ActionTargets.Suite;

    public void BeforeTest(ITest test) { }

    public void AfterTest(ITest test)
    {
        if (test.TestType == "Assembly")
        {
            TestServers.EndAsync().GetAwaiter().GetResult();
        }
    }
}
