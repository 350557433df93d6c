using Generation.Contracts;
using Generation.Storage.History;
using Generation.Storage.Jobs;
using Npgsql;

namespace Generation.Storage.Tests;

/// <summary>What charts show of the past: every end counts once, whoever records it and however late.</summary>
public sealed class LoadHistoryTests
{
    private static readonly TimeSpan Shortest = LoadHistory.Steps[0].Step;

    private StorageScope _storage = null!;
    private Guid _account;
    private LoadHistory _history = null!;

    /// <summary>The beginning of an hour, so that steps of all kinds begin there.</summary>
    private DateTimeOffset _begin;

    [SetUp]
    public async Task CreateStorage()
    {
        _storage = await StorageScope.CreateAsync();
        _account = await _storage.AccountAsync(1000);
        _history = new LoadHistory(_storage.Source);
        _begin = LoadHistory.Floor(DateTimeOffset.UtcNow, TimeSpan.FromHours(1));
    }

    [TearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task Record_WhatEndedInAStep_IsInItWithItsModelItsTimesAndItsErrors()
    {
        await EndAsync(_begin.AddSeconds(3), runSeconds: 2);
        await EndAsync(_begin.AddSeconds(9.9), runSeconds: 4);
        await EndAsync(_begin.AddSeconds(5), error: "out_of_memory");
        await EndAsync(_begin.AddSeconds(10), runSeconds: 2);

        await RecordAsync(_begin.AddSeconds(15), queued: 7);

        foreach (string model in new[] { "demo", "" })
        {
            LoadStep step = (await _history.ReadAsync(Shortest, _begin, model, default)).Single();
            Assert.That((step.At, step.Succeeded, step.Failed, step.Queued), Is.EqualTo((_begin, 2, 1, 7d)), model);
            Assert.That(step.Charged, Is.EqualTo(Credits.Of(2).Micros));
            Assert.That(step.Failures, Is.EqualTo(new Dictionary<string, long> { ["out_of_memory"] = 1 }));
            Assert.That(step.RunTimes.Percentile(0.5), Is.EqualTo(2).Within(10).Percent);
            Assert.That(step.RunTimes.Percentile(1), Is.EqualTo(4).Within(10).Percent);
        }
    }

    [Test]
    public async Task Record_AfterAPause_MakesUpForWhatEndedMeanwhile()
    {
        await RecordAsync(_begin.AddSeconds(15));
        await EndAsync(_begin.AddSeconds(12), runSeconds: 1);
        await EndAsync(_begin.AddSeconds(47), runSeconds: 1);

        await RecordAsync(_begin.AddSeconds(65), queued: 3);

        IReadOnlyList<LoadStep> steps = await _history.ReadAsync(Shortest, _begin, "", default);
        Assert.That(steps.Select(step => (step.At - _begin).TotalSeconds), Is.EqualTo([0, 10, 20, 30, 40, 50]));
        Assert.That(steps.Select(step => step.Succeeded), Is.EqualTo([0, 1, 0, 0, 1, 0]));
        Assert.That(steps.Select(step => step.Queued), Is.EqualTo(new double?[] { 0, null, null, null, null, 3 }), "nobody looked");
    }

    [Test]
    public async Task Record_WhenLongerStepsAreOver_PutsThemTogetherAndForgetsTheShortOnesInTime()
    {
        var random = new Random(5);
        double[] seconds = [.. Enumerable.Range(0, 12).Select(_ => 1 + (10 * random.NextDouble()))];
        for (int job = 0; job < seconds.Length; job++)
        {
            await EndAsync(_begin.AddMinutes(job * 5).AddSeconds(1), seconds[job]);
        }

        for (int second = 15; second < 4000; second += 200)
        {
            await RecordAsync(_begin.AddSeconds(second), queued: 4);
        }

        LoadStep[] minutes = [.. await _history.ReadAsync(LoadHistory.Steps[1].Step, _begin, "demo", default)];
        Assert.That(minutes.Select(step => step.Succeeded), Is.EqualTo(Enumerable.Repeat(1L, 12)));
        LoadStep hour = (await _history.ReadAsync(LoadHistory.Steps[2].Step, _begin, "demo", default)).Single();
        Assert.That((hour.At, hour.Succeeded, hour.Queued), Is.EqualTo((_begin, 12L, 4d)));
        Assert.That(hour.RunTimes.Percentile(0.5), Is.EqualTo(seconds.Order().ElementAt(5)).Within(10).Percent);

        await RecordAsync(_begin.AddHours(4));
        Assert.That(await _history.ReadAsync(Shortest, _begin, "", default), Has.All.Property("At").GreaterThan(_begin.AddHours(1.9)));
        minutes = [.. await _history.ReadAsync(LoadHistory.Steps[1].Step, _begin, "demo", default)];
        Assert.That(minutes.Sum(step => step.Succeeded), Is.EqualTo(12), "longer ones stay");
    }

    [Test]
    public async Task Record_ByManyAtOnce_CountsEachEndOnce()
    {
        await EndAsync(_begin.AddSeconds(3), runSeconds: 2);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RecordAsync(_begin.AddSeconds(15))));

        Assert.That((await _history.ReadAsync(Shortest, _begin, "", default)).Sum(step => step.Succeeded), Is.EqualTo(1));
    }

    [Test]
    public void Percentiles_OfManyTimes_AreAtMostATenthOff()
    {
        var random = new Random(7);
        double[] times = [.. Enumerable.Range(0, 5000).Select(_ => 0.02 * Math.Pow(10, 5 * random.NextDouble())).Order()];
        var histogram = new RunTimeHistogram();
        foreach (double time in times)
        {
            histogram.Add(RunTimeHistogram.ClassOf(time), 1);
        }

        foreach (double share in new[] { 0.01, 0.5, 0.9, 0.99, 1 })
        {
            double exact = times[(int)Math.Ceiling(share * times.Length) - 1];
            Assert.That(histogram.Percentile(share), Is.EqualTo(exact).Within(10).Percent, $"{share}");
        }

        Assert.That(new RunTimeHistogram().Percentile(0.5), Is.Null);
        Assert.That(new RunTimeHistogram(histogram.Counts).Total, Is.EqualTo(5000));
    }

    private Task<int> RecordAsync(DateTimeOffset now, long queued = 0) =>
        _history.RecordAsync(new SystemLoad([new ModelLoad("demo", queued, 1, 1, 1, 0, 0, null, null)], 1, 1, 0, now), default);

    /// <summary>A job that ended at a time: it succeeded after so many seconds, or failed.</summary>
    private async Task EndAsync(DateTimeOffset finished, double runSeconds = 1, string? error = null)
    {
        JobRow job = await _storage.SubmitAsync(_account);
        ClaimedJob claim = await _storage.ClaimAsync(job.Id);
        if (error is null)
        {
            await _storage.Jobs.CompleteAsync(job.Id, claim.LeaseEpoch, [], default);
        }
        else
        {
            await _storage.Jobs.FailAsync(job.Id, claim.LeaseEpoch, new JobError(error, "It failed."), default);
        }

        await using NpgsqlCommand command = _storage.Source.CreateCommand(
            "UPDATE jobs SET model = 'demo', finished_at = $2, started_at = $2 - $3 WHERE id = $1"
        );
        command.Parameters.AddWithValue(job.Id.Value);
        command.Parameters.AddWithValue(finished.UtcDateTime);
        command.Parameters.AddWithValue(TimeSpan.FromSeconds(runSeconds));
        await command.ExecuteNonQueryAsync();
    }
}
