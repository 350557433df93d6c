using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Hosting;

namespace Generation.Storage.Tests.S3;

/// <summary>deploy/s3/policy.json allows each call that the store makes, and none besides.</summary>
public sealed partial class S3PolicyTests
{
    /// <summary>What S3 asks a policy for, by the call; null: for a call that programs never make.</summary>
    private static readonly Dictionary<string, string?> s_actions = new()
    {
        ["GetObject"] = "s3:GetObject",
        ["GetObjectMetadata"] = "s3:GetObject",
        ["PutObject"] = "s3:PutObject",
        ["InitiateMultipartUpload"] = "s3:PutObject",
        ["UploadPart"] = "s3:PutObject",
        ["CompleteMultipartUpload"] = "s3:PutObject",
        ["AbortMultipartUpload"] = "s3:AbortMultipartUpload",
        ["DeleteObject"] = "s3:DeleteObject",
        ["ListObjectsV2"] = "s3:ListBucket",
        ["ListMultipartUploads"] = "s3:ListBucketMultipartUploads",
        // Of EnsureBucketAsync, for tests
        ["PutBucket"] = null,
    };

    [Test]
    public void Policy_HasTheActionsOfAllCallsOfTheStore()
    {
        string[] calls =
        [
            .. Directory
                .GetFiles(Path.Combine(Clone.Current.Root, "storage", "Results"), "S3*.cs")
                .SelectMany(file => Call().Matches(File.ReadAllText(file)).Select(match => match.Groups["call"].Value))
                .Distinct(),
        ];
        Assert.That(calls, Has.Length.GreaterThan(8));
        Assert.That(calls, Is.SubsetOf(s_actions.Keys), "a new call, whose action the policy and this list need");

        using var policy = JsonDocument.Parse(File.ReadAllText(Path.Combine(Clone.Current.Root, "deploy", "s3", "policy.json")));
        string[] allowed =
        [
            .. policy
                .RootElement.GetProperty("Statement")
                .EnumerateArray()
                .SelectMany(statement => statement.GetProperty("Action").EnumerateArray())
                .Select(action => action.GetString()!),
        ];
        Assert.That(allowed, Is.EquivalentTo(calls.Select(call => s_actions[call]).OfType<string>().Distinct()));
    }

    [GeneratedRegex(@"_client\s*\.(?<call>\w+)Async\(", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Call();
}
