using Generation.Api.Pricing;
using Generation.Api.Status;
using Generation.Contracts;
using Generation.Storage.Prices;
using Generation.Storage.Workers;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>The posted estimates, against what a steady system would come to.</summary>
public sealed class EtaTests
{
    private const int Slots = 2;

    // Long jobs, so that the seconds in which this test runs do not count
    private const double FixedSeconds = 40;
    private const double SecondsPerWork = 900;

    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        await _api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("steady", [ApiScope.Demo], Slots, null), default);
        await HistoryAsync();
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Submit_SteadyLoadOfMixedJobs_NineOfTenEstimatesAreWithinAFifth()
    {
        var random = new Random(5);
        double[] free = new double[Slots];
        for (int slot = 0; slot < Slots; slot++)
        {
            // Running since a while, and with so much to go
            free[slot] = SecondsOf(0.1) * (slot + 1) / 3;
            await RunningAsync(SecondsOf(0.1), SecondsOf(0.1) - free[slot]);
        }

        var posted = new List<(double Posted, double Real)>();
        for (int i = 0; i < 40; i++)
        {
            int steps = random.Next(5, 60);
            int pictures = random.Next(1, 4);
            // Estimates go by the workers that report
            await _api.Get<WorkerRegistry>().HeartbeatAsync("steady", [], default);
            JobDocument job = await _api.SubmitAsync(
                new
                {
                    prompt = "a",
                    num_inference_steps = steps,
                    num_images = pictures,
                }
            );
            int slot = Array.IndexOf(free, free.Min());
            free[slot] += SecondsOf(64 * 64 / 1e6 * steps * pictures);
            posted.Add((job.EtaSeconds ?? double.NaN, free[slot]));
        }

        int right = posted.Count(p => Math.Abs(p.Posted - p.Real) <= 0.2 * p.Real);
        Assert.That(right, Is.GreaterThanOrEqualTo(36), string.Join(", ", posted.Select(p => $"{p.Posted:0}/{p.Real:0}")));
    }

    [Test]
    public async Task ExpectedAsync_WorkNeverSeen_FollowsTheLine()
    {
        double? expected = await _api.Get<RunTimeCache>().ExpectedAsync("demo", JobKind.Text2Img, 3, default);

        Assert.That(expected, Is.EqualTo(SecondsOf(3)).Within(3).Percent);
    }

    [Test]
    public async Task ExpectedAsync_KindNeverRun_GoesByTheModelsOthers()
    {
        double? expected = await _api.Get<RunTimeCache>().ExpectedAsync("demo", JobKind.Video, 1, default);

        Assert.That(expected, Is.EqualTo(SecondsOf(1)).Within(3).Percent);
        Assert.That(await _api.Get<RunTimeCache>().ExpectedAsync("unheard-of", JobKind.Text2Img, 1, default), Is.Null);
    }

    [Test]
    public async Task KeepAsync_EnoughFinishedJobs_DerivesPricesThatStay()
    {
        PriceUpdater keeper = _api.Get<PriceUpdater>();
        JobPlan small = PricesTests.Plan(100, 100, 10, 1);
        Prices prices = _api.Get<Prices>();
        Assert.That(await _api.Get<MeasuredPriceCache>().OfAsync("demo", JobKind.Text2Img, default), Is.Null);
        // Clips took three times as long for the same work
        await HistoryAsync(JobKind.Video, times: 3);

        MeasuredPrice[] derived = [.. await keeper.KeepAsync(default)];

        MeasuredPrice pictures = derived.Single(p => p.Kind == JobKind.Text2Img);
        MeasuredPrice clips = derived.Single(p => p.Kind == JobKind.Video);
        Assert.That(clips.Of(1) / pictures.Of(1), Is.EqualTo(3m).Within(0.15m));
        // The usual job costs as before, a small one by its seconds
        const decimal Usual = 0.26m;
        Assert.That((double)pictures.Of(Usual), Is.EqualTo(0.15 * (double)Usual).Within(10).Percent);
        Assert.That(
            (double)prices.Of(JobKind.Text2Img, small, ApiScope.Demo, pictures).Value,
            Is.EqualTo((double)pictures.Of(0.1m)).Within(1).Percent
        );
        ModelEntry own = ApiScope.Demo with
        {
            Prices = new Dictionary<string, KindPrice> { ["text2img"] = new() { PerMegapixelStep = 1 } },
        };
        Assert.That(
            prices.Of(JobKind.Text2Img, small, own, pictures),
            Is.EqualTo(prices.Of(JobKind.Text2Img, small, own)),
            "a model's own price goes first"
        );
        Assert.That(await keeper.KeepAsync(default), Is.Empty, "and they stay");
        Assert.That(await _api.Get<MeasuredPriceStore>().ReadAsync(default), Is.EquivalentTo(derived));
        await ExecuteAsync($"DELETE FROM jobs WHERE kind = {(int)JobKind.Video}");
        await ExecuteAsync($"DELETE FROM measured_prices");
    }

    private static double SecondsOf(double work) => FixedSeconds + (SecondsPerWork * work);

    /// <summary>Jobs of different sizes that have ended, each a little off the line.</summary>
    private Task HistoryAsync(JobKind kind = JobKind.Text2Img, double times = 1) =>
        ExecuteAsync(
            $$"""
            INSERT INTO jobs (id, account_id, kind, model, state, request, cost, attempt, worker_id, work, started_at, finished_at,
            outputs_deleted_at)
            SELECT gen_random_uuid(), '{{_api.Account}}', {{(int)kind}}, 'demo', 2, '{"kind": "text2img"}', 0, 1, 'steady', w.work,
                now() - i * interval '1 second' - {{times}} * ({{FixedSeconds}} + {{SecondsPerWork}} * w.work) * (1 + 0.03 * sin(i)) *
                interval '1 second',
                now() - i * interval '1 second', now()
            FROM generate_series(1, 120) AS i, LATERAL (SELECT 0.02 + (i % 17) * 0.03 AS work) AS w
            """
        );

    private Task RunningAsync(double seconds, double elapsed) =>
        ExecuteAsync(
            $$"""
            INSERT INTO jobs (id, account_id, kind, model, state, request, cost, attempt, worker_id, seconds, started_at, lease_until)
            VALUES (gen_random_uuid(), '{{_api.Account}}', 0, 'demo', 1, '{"kind": "text2img"}', 0, 1, 'steady', {{seconds}},
                now() - {{elapsed}} * interval '1 second', now() + interval '1 hour')
            """
        );

    private async Task ExecuteAsync(FormattableString sql)
    {
        await using NpgsqlCommand command = _api.Get<NpgsqlDataSource>().CreateCommand(FormattableString.Invariant(sql));
        await command.ExecuteNonQueryAsync();
    }
}
