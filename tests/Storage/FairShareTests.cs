using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>The order in which accounts' jobs go out.</summary>
public sealed class FairShareTests
{
    private StorageScope _storage = null!;
    private string _model = "";

    private Outbox Outbox => _storage.Get<Outbox>();

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [SetUp]
    public void NameModel() => _model = Guid.NewGuid().ToString("N");

    [Test]
    public async Task TakeAsync_HundredAccountsOneWithTenThousandJobs_SharesEvenly()
    {
        const int JobsOfTheOthers = 20;
        Guid heavy = await _storage.AccountAsync();
        await FillAsync(heavy, 10_000);
        Guid[] others = await Task.WhenAll(Enumerable.Range(0, 99).Select(_ => _storage.AccountAsync()));
        foreach (Guid other in others)
        {
            await FillAsync(other, JobsOfTheOthers);
        }

        Dictionary<Guid, int> served = await ServeAsync(100 * JobsOfTheOthers / 2, batch: 7);

        double sum = served.Values.Sum();
        double jain = sum * sum / (100 * served.Values.Sum(v => (double)v * v));
        Assert.That(jain, Is.GreaterThanOrEqualTo(0.98), $"heavy {served[heavy]}, least {served.Values.Min()}, most {served.Values.Max()}");
    }

    [Test]
    public async Task TakeAsync_LightAccountsBesideAHeavyOne_WaitAtMostTwiceAsLongAsWithoutIt()
    {
        int idle = await LightWaitAsync(heavyJobs: 0);
        NameModel();
        int busy = await LightWaitAsync(heavyJobs: 10_000);

        Assert.That(
            busy,
            Is.LessThanOrEqualTo(2 * idle),
            $"p99 of the light accounts' waits: {idle} turns alone, {busy} beside 10,000 jobs"
        );
    }

    [Test]
    public async Task TakeAsync_LightAccountComesLate_IsNextNotLast()
    {
        Guid heavy = await _storage.AccountAsync();
        await FillAsync(heavy, 500);
        await ServeAsync(300, batch: 10);
        Guid light = await _storage.AccountAsync();
        await FillAsync(light, 1);

        JobId[] next = await TakeAsync(2);

        Assert.That(await AccountsOfAsync(next), Does.Contain(light));
    }

    [Test]
    public async Task TakeAsync_AccountThatIdled_HasSavedUpNothing()
    {
        Guid idle = await _storage.AccountAsync();
        Guid busy = await _storage.AccountAsync();
        await FillAsync(busy, 400);
        await ServeAsync(200, batch: 10);
        await FillAsync(idle, 200);

        Dictionary<Guid, int> served = await ServeAsync(100, batch: 10);

        Assert.That(served[idle], Is.EqualTo(50).Within(2));
        Assert.That(served[busy], Is.EqualTo(50).Within(2));
    }

    [Test]
    public async Task TakeAsync_Weights_ShareInProportion()
    {
        Guid one = await _storage.AccountAsync();
        Guid three = await _storage.AccountAsync();
        await _storage.ExecuteAsync($"UPDATE accounts SET weight = 3 WHERE id = '{three}'");
        await FillAsync(one, 200);
        await FillAsync(three, 200);

        Dictionary<Guid, int> served = await ServeAsync(160, batch: 8);

        Assert.That(served[three], Is.EqualTo(120).Within(3));
    }

    [Test]
    public async Task TakeAsync_PriorityWithinAnAccount_GoesFirstAndHelpsNotAgainstOthers()
    {
        Guid mine = await _storage.AccountAsync();
        Guid other = await _storage.AccountAsync();
        await FillAsync(other, 10);
        await FillAsync(mine, 10);
        await FillAsync(mine, 1, priority: 100);

        JobId[] taken = [.. await TakeAsync(10), .. await TakeAsync(10)];

        Guid[] accounts = await AccountsOfAsync(taken);
        int[] priorities = await PrioritiesOfAsync(taken);
        Assert.That(priorities[Array.IndexOf(accounts, mine)], Is.EqualTo(100), "first of mine");
        Assert.That(accounts.Take(10).Count(a => a == other), Is.EqualTo(5).Within(1), "half of the first ten");
    }

    [Test]
    public async Task TakeAsync_RunningLimit_LeavesTheRestWaiting()
    {
        Guid limited = await _storage.AccountAsync();
        await _storage.ExecuteAsync($$"""UPDATE accounts SET limits = '{"running_jobs": 2}' WHERE id = '{{limited}}'""");
        await FillAsync(limited, 10);

        Assert.That(await TakeAsync(10), Has.Length.EqualTo(2));
        Assert.That(await TakeAsync(10), Is.Empty);
    }

    [Test]
    public async Task PositionAsync_EachWaitingJob_IsWhereItIsTaken()
    {
        Guid[] accounts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => _storage.AccountAsync()));
        await FillAsync(accounts[0], 9);
        await FillAsync(accounts[1], 3);
        await FillAsync(accounts[2], 6);
        JobId[] all = [.. (await QueryAsync($"SELECT job_id FROM outbox WHERE model = '{_model}'")).Select(id => new JobId((Guid)id))];
        var positions = new Dictionary<JobId, long>();
        foreach (JobId id in all)
        {
            positions[id] = (await _storage.Get<JobQueries>().PositionAsync(id, default))!.Position;
        }

        JobId[] order = await TakeAsync(18);

        for (int i = 0; i < order.Length; i++)
        {
            // Equal turns of different accounts share a place
            Assert.That(positions[order[i]], Is.EqualTo(i + 1).Within(2), $"job {i + 1}");
        }
    }

    /// <summary>
    /// 99 accounts that each submit now and then, at half of what the slots can do; p99 of the turns until their jobs are
    /// taken, where each turn's jobs end with it.
    /// </summary>
    private async Task<int> LightWaitAsync(int heavyJobs)
    {
        const int Slots = 4;
        var random = new Random(1);
        Guid heavy = await _storage.AccountAsync();
        await FillAsync(heavy, heavyJobs);
        Guid[] light = await Task.WhenAll(Enumerable.Range(0, 99).Select(_ => _storage.AccountAsync()));
        var begun = new Dictionary<Guid, Queue<int>>();
        var waits = new List<int>();
        for (int turn = 0; turn < 150; turn++)
        {
            int arrivals = random.Next(0, Slots + 1);
            for (int i = 0; i < arrivals; i++)
            {
                Guid account = light[random.Next(light.Length)];
                await FillAsync(account, 1);
                begun.TryAdd(account, []);
                begun[account].Enqueue(turn);
            }

            foreach ((Guid account, int taken) in await ServeAsync(Slots, Slots))
            {
                for (int i = 0; i < taken && account != heavy; i++)
                {
                    waits.Add(turn + 1 - begun[account].Dequeue());
                }
            }
        }

        return waits.Order().ElementAt(waits.Count * 99 / 100);
    }

    private async Task FillAsync(Guid account, int count, int priority = 0)
    {
        await _storage.ExecuteAsync(
            $$"""
            WITH j AS (
                INSERT INTO jobs (id, account_id, kind, model, state, request, priority, cost, created_at)
                SELECT gen_random_uuid(), '{{account}}', 0, '{{_model}}', 0, '{"kind": "text2img"}', {{priority}}, 0,
                now() + i * interval '1 microsecond'
                FROM generate_series(1, {{count}}) AS i RETURNING *)
            INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at)
            SELECT id, account_id, model, priority, created_at FROM j;
            UPDATE accounts SET open_jobs = open_jobs + {{count}} WHERE id = '{{account}}'
            """
        );
    }

    private async Task<JobId[]> TakeAsync(int limit) => [.. (await Outbox.TakeAsync(_model, limit, null, default)).Select(e => e.JobId)];

    /// <summary>Takes and at once ends so many jobs; how many of each account.</summary>
    private async Task<Dictionary<Guid, int>> ServeAsync(int count, int batch)
    {
        var served = new Dictionary<Guid, int>();
        while (count > 0)
        {
            JobId[] taken = await TakeAsync(Math.Min(batch, count));
            if (taken.Length == 0)
            {
                break;
            }

            foreach (Guid account in await AccountsOfAsync(taken))
            {
                served[account] = served.GetValueOrDefault(account) + 1;
            }

            await _storage.ExecuteAsync($"DELETE FROM outbox WHERE job_id IN ({string.Join(',', taken.Select(id => $"'{id}'"))})");
            count -= taken.Length;
        }

        return served;
    }

    private async Task<Guid[]> AccountsOfAsync(JobId[] ids) =>
        [
            .. (
                await QueryAsync(
                    $"SELECT j.account_id FROM unnest(ARRAY[{List(ids)}]::uuid[]) WITH ORDINALITY AS i (id, n) JOIN jobs j ON j.id = "
                        + "i.id ORDER BY i.n"
                )
            ).Cast<Guid>(),
        ];

    private async Task<int[]> PrioritiesOfAsync(JobId[] ids) =>
        [
            .. (
                await QueryAsync(
                    $"SELECT j.priority FROM unnest(ARRAY[{List(ids)}]::uuid[]) WITH ORDINALITY AS i (id, n) JOIN jobs j ON j.id = i.id "
                        + "ORDER BY i.n"
                )
            ).Cast<int>(),
        ];

    private static string List(JobId[] ids) => string.Join(',', ids.Select(id => $"'{id}'"));

    private async Task<List<object>> QueryAsync(string sql)
    {
        await using Npgsql.NpgsqlCommand command = _storage.Source.CreateCommand(sql);
        await using Npgsql.NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        var values = new List<object>();
        while (await reader.ReadAsync())
        {
            values.Add(reader.GetValue(0));
        }

        return values;
    }
}
