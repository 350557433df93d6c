using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>
/// The stack of all fixtures that leave it as they found it: one worker, with the model that travels with the project and the small ones
/// of <see cref="KindModels"/>. It is started when the first of them asks, and ends with the last test.
/// </summary>
[SetUpFixture]
public sealed class SharedStack
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(4);

    private static readonly Lazy<Task<TestStack>> Started = new(StartAsync);

    private static TestModels? s_models;

    /// <summary>The stack, once its worker has told all its models.</summary>
    public static Task<TestStack> GetAsync() => Started.Value;

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Started.IsValueCreated)
        {
            await (await Started.Value).DisposeAsync();
        }

        s_models?.Dispose();
    }

    private static async Task<TestStack> StartAsync()
    {
        s_models = new TestModels();
        KindModels.Write(s_models);
        TestStack stack = await TestStack.StartAsync(
            overrides: new Dictionary<string, string> { ["Models__Path"] = s_models.Folder },
            ownServers: false
        );
        using var limit = new CancellationTokenSource(StartLimit);
        while ((await stack.Api.GetAsync("/v1/models", limit.Token))!["data"]!.AsArray().Count < 8)
        {
            await Task.Delay(200, limit.Token);
        }

        return stack;
    }
}
