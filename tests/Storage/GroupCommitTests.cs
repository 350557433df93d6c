using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>What many ask for at once is written together, and each is answered as if alone.</summary>
public sealed class GroupCommitTests
{
    private StorageScope _storage = null!;

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [TearDown]
    public async Task BooksAreRight() =>
        Assert.That(await _storage.Ledger.CheckAsync(default), Is.EqualTo(new LedgerCheck(Credits.Zero, 0, 0, 0)));

    [Test]
    public async Task SubmitAsync_ManyAtOnceThatTogetherAreTooDear_SpendTheBalanceToTheLast()
    {
        Guid poor = await _storage.AccountAsync(10);
        Guid rich = await _storage.AccountAsync(1000);

        SubmitResult[] results = await TogetherAsync(100, i =>
            _storage.Jobs.SubmitAsync(StorageScope.NewJob(i % 2 == 0 ? poor : rich, cost: 1), default)
        );

        SubmitOutcome[] ofPoor = [.. results.Where((_, i) => i % 2 == 0).Select(r => r.Outcome)];
        Assert.That(ofPoor.Count(o => o == SubmitOutcome.Queued), Is.EqualTo(10));
        Assert.That(ofPoor.Count(o => o == SubmitOutcome.InsufficientCredits), Is.EqualTo(40));
        Assert.That(results.Where((_, i) => i % 2 == 1).Select(r => r.Outcome), Is.All.EqualTo(SubmitOutcome.Queued));
        Assert.That(await _storage.ScalarAsync<long>($"SELECT balance FROM accounts WHERE id = '{poor}'"), Is.Zero);
        await LinesFollowEachOtherAsync(rich);
    }

    [Test]
    public async Task SubmitAsync_DearAndCheapAtOnce_OneThatDoesNotFitTakesNoOthersPlace()
    {
        Guid account = await _storage.AccountAsync(10);

        SubmitResult[] results = await TogetherAsync(40, i =>
            _storage.Jobs.SubmitAsync(StorageScope.NewJob(account, cost: i % 4 == 0 ? 50 : 0.25m), default)
        );

        Assert.That(results.Where((_, i) => i % 4 == 0).Select(r => r.Outcome), Is.All.EqualTo(SubmitOutcome.InsufficientCredits));
        Assert.That(results.Where((_, i) => i % 4 != 0).Select(r => r.Outcome), Is.All.EqualTo(SubmitOutcome.Queued));
    }

    [Test]
    public async Task SubmitAsync_ManyAtOnceOverTheLimit_QueuesAsManyAsTheLimit()
    {
        Guid account = await _storage.AccountAsync(1000);

        SubmitResult[] results = await TogetherAsync(60, _ =>
            _storage.Jobs.SubmitAsync(StorageScope.NewJob(account) with { MaxQueued = 7 }, default)
        );

        Assert.That(results.Count(r => r.Outcome == SubmitOutcome.Queued), Is.EqualTo(7));
        Assert.That(results.Count(r => r.Outcome == SubmitOutcome.TooManyQueued), Is.EqualTo(53));
    }

    [Test]
    public async Task SubmitClaimAndComplete_ConnectionsEndedWhileTheyRested_AreDone()
    {
        Guid account = await _storage.AccountAsync();
        await LifeAsync();
        for (int i = 0; i < 3; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(0.5));
            await _storage.ScalarAsync<long>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                    + "pg_backend_pid()"
            );
            await LifeAsync();
        }

        _storage.Source.Clear();

        async Task LifeAsync()
        {
            SubmitResult submitted = await _storage.Jobs.SubmitAsync(StorageScope.NewJob(account), default);
            ClaimedJob? claimed = await _storage.Jobs.ClaimAsync(submitted.Job!.Id, "w1", StorageScope.Lease, default);
            Assert.That(
                await _storage.Jobs.CompleteAsync(submitted.Job.Id, claimed!.LeaseEpoch, [], default),
                Is.EqualTo(FencedOutcome.Done)
            );
        }
    }

    [Test]
    public async Task SubmitAsync_RefusedWithAKeyAndAWebhook_LeavesTheKeyFreeAndTellsNobody()
    {
        Guid account = await _storage.AccountAsync(1);
        NewJob dear = StorageScope.NewJob(account, cost: 2) with
        {
            Idempotency = new IdempotencyClaim("key", [1], TimeSpan.FromMinutes(1)),
            WebhookUrl = "http://example.org/",
            WebhookEvents = ["queued"],
        };
        NewJob cheap = dear with { Id = JobId.New(TimeProvider.System), Cost = Credits.Of(1) };

        Assert.That((await _storage.Jobs.SubmitAsync(dear, default)).Outcome, Is.EqualTo(SubmitOutcome.InsufficientCredits));
        Assert.That(await KeysAndMessagesAsync(), Is.EqualTo("0 0"));
        Assert.That((await _storage.Jobs.SubmitAsync(cheap, default)).Outcome, Is.EqualTo(SubmitOutcome.Queued));
        Assert.That(await KeysAndMessagesAsync(), Is.EqualTo("1 1"));
        Assert.That(
            (await _storage.Jobs.SubmitAsync(cheap with { Id = JobId.New(TimeProvider.System), Cost = Credits.Zero }, default)).Outcome,
            Is.EqualTo(SubmitOutcome.IdempotencyKeyUsed)
        );
        Assert.That(await KeysAndMessagesAsync(), Is.EqualTo("1 1"));

        Task<string> KeysAndMessagesAsync() =>
            _storage.ScalarAsync<string>(
                $"""
                SELECT (SELECT count(*) FROM idempotency_keys WHERE account_id = '{account}') || ' '
                    || (SELECT count(*) FROM webhook_deliveries WHERE account_id = '{account}' AND event = 'job.queued')
                """
            );
    }

    [Test]
    public async Task SubmitAsync_KeyOfAnAccountThatIsNotThere_CanSpendNothing()
    {
        NewJob job = StorageScope.NewJob(Guid.NewGuid()) with { Idempotency = new IdempotencyClaim("key", [1], TimeSpan.FromMinutes(1)) };

        Assert.That((await _storage.Jobs.SubmitAsync(job, default)).Outcome, Is.EqualTo(SubmitOutcome.InsufficientCredits));
    }

    [Test]
    public async Task SubmitAsync_SameIdempotencyKeysAtOnce_MakeOneJobEach()
    {
        Guid account = await _storage.AccountAsync(1000);

        SubmitResult[] results = await TogetherAsync(60, i =>
            _storage.Jobs.SubmitAsync(
                StorageScope.NewJob(account) with
                {
                    Idempotency = new IdempotencyClaim($"key {i % 5}", [1], TimeSpan.FromMinutes(1)),
                },
                default
            )
        );

        Assert.That(results.Count(r => r.Outcome == SubmitOutcome.Queued), Is.EqualTo(5));
        Assert.That(results.Count(r => r.Outcome == SubmitOutcome.IdempotencyKeyUsed), Is.EqualTo(55));
        Assert.That(
            await _storage.ScalarAsync<long>($"SELECT count(DISTINCT job_id) FROM idempotency_keys WHERE account_id = '{account}'"),
            Is.EqualTo(5)
        );
    }

    [Test]
    public async Task SubmitAsync_OneThatCannotBeWrittenAmongMany_FailsAlone()
    {
        Guid account = await _storage.AccountAsync(1000);
        JobRow there = await _storage.SubmitAsync(account);

        string[] ends = await TogetherAsync(30, async i =>
        {
            try
            {
                NewJob job = StorageScope.NewJob(account);
                return (await _storage.Jobs.SubmitAsync(i == 17 ? job with { Id = there.Id } : job, default)).Outcome.ToString();
            }
            catch (Npgsql.PostgresException e)
            {
                return e.SqlState;
            }
        });

        Assert.That(ends.Where((_, i) => i != 17), Is.All.EqualTo(nameof(SubmitOutcome.Queued)));
        Assert.That(ends[17], Is.EqualTo(Npgsql.PostgresErrorCodes.UniqueViolation));
    }

    [Test]
    public async Task ClaimAndComplete_ManyAtOnce_EachJobOnceWithItsOwnOutputs()
    {
        Guid[] accounts = [await _storage.AccountAsync(1000), await _storage.AccountAsync(1000)];
        JobRow[] jobs = await TogetherAsync(50, async i =>
            (await _storage.Jobs.SubmitAsync(StorageScope.NewJob(accounts[i % 2]), default)).Job!
        );

        // Each message twice
        ClaimedJob?[] claims = await TogetherAsync(100, i => _storage.Jobs.ClaimAsync(jobs[i / 2].Id, "w1", StorageScope.Lease, default));
        ClaimedJob[] own = [.. claims.OfType<ClaimedJob>()];
        FencedOutcome[] ends = await TogetherAsync(100, i =>
            _storage.Jobs.CompleteAsync(
                own[i / 2].Id,
                i % 2 == 0 ? own[i / 2].LeaseEpoch : 99,
                [StorageScope.Output() with { Seed = i / 2 }],
                default
            )
        );

        Assert.That(own.Select(c => c.Id), Is.EquivalentTo(jobs.Select(j => j.Id)));
        Assert.That(ends.Where((_, i) => i % 2 == 0), Is.All.EqualTo(FencedOutcome.Done));
        Assert.That(ends.Where((_, i) => i % 2 == 1), Is.All.EqualTo(FencedOutcome.Lost));
        for (int i = 0; i < own.Length; i++)
        {
            JobRow row = await _storage.FindAsync(own[i].Id);
            Assert.That((row.State, row.Charged, row.Outputs.Single().Seed), Is.EqualTo((JobState.Succeeded, row.Cost, (long?)i)));
        }

        await LinesFollowEachOtherAsync(accounts[0]);
        await LinesFollowEachOtherAsync(accounts[1]);
    }

    [Test]
    public async Task ForgetAsync_KeysOfMoreThanADay_AreForgottenAndYoungerStay()
    {
        Guid account = await _storage.AccountAsync();
        await _storage.ExecuteAsync(
            $"""
            INSERT INTO idempotency_keys (account_id, key, fingerprint, job_id, created_at, in_flight_until) VALUES
                ('{account}', 'young', '', gen_random_uuid(), now() - interval '23 hours 59 minutes', now()),
                ('{account}', 'old', '', gen_random_uuid(), now() - interval '24 hours 1 minute', now())
            """
        );
        var keys = new IdempotencyStore(_storage.Source);

        Assert.That(await keys.ForgetAsync(TimeSpan.FromHours(24), default), Is.EqualTo(1));

        Assert.That(await keys.FindAsync(account, "young", default), Is.Not.Null);
        Assert.That(await keys.FindAsync(account, "old", default), Is.Null);
    }

    [Test]
    public async Task Transitions_OfTwoProcessesOverTheSameAccounts_DoNotBlockEachOther()
    {
        // Two stores commit apart from each other, as two processes do
        await using DedicatedPools pools = _storage.NewPools();
        var second = new JobStore(_storage.Source, pools, _storage.Get<HotState>(), _storage.Get<DispatchSignal>());
        JobStore[] stores = [_storage.Jobs, second];
        Guid[] accounts = [await _storage.AccountAsync(1000), await _storage.AccountAsync(1000), await _storage.AccountAsync(1000)];

        JobState[] ends = await TogetherAsync(90, async i =>
        {
            JobStore store = stores[i % 2];
            JobRow row = (await store.SubmitAsync(StorageScope.NewJob(accounts[i * 7 % 3]), default)).Job!;
            if (await stores[i / 2 % 2].ClaimAsync(row.Id, "w1", StorageScope.Lease, default) is { } claim)
            {
                if (i % 5 == 0)
                {
                    await stores[i / 3 % 2].CancelAsync(row.Id, null, default);
                    await store.ConfirmCancelAsync(row.Id, claim.LeaseEpoch, 0.5, default);
                }
                else
                {
                    await store.CompleteAsync(row.Id, claim.LeaseEpoch, [], default);
                }
            }

            return (await _storage.FindAsync(row.Id)).State;
        });

        Assert.That(ends.Count(s => s == JobState.Cancelled), Is.EqualTo(18));
        Assert.That(ends.Count(s => s == JobState.Succeeded), Is.EqualTo(72));
    }

    [Test]
    public async Task ExpireAsync_ManyOfSeveralAccounts_GivesEachItsCreditsBack()
    {
        Guid[] accounts = [await _storage.AccountAsync(100), await _storage.AccountAsync(100)];
        await TogetherAsync(20, i =>
            _storage.Jobs.SubmitAsync(StorageScope.NewJob(accounts[i % 2]) with { ExpiresIn = TimeSpan.FromMilliseconds(-1) }, default)
        );

        int expired = await _storage.Jobs.ExpireAsync(default);

        Assert.That(expired, Is.EqualTo(20));
        Assert.That(
            await _storage.ScalarAsync<long>(
                $"SELECT count(*) FROM accounts WHERE id IN ('{accounts[0]}', '{accounts[1]}') AND balance = 100000000 AND held = 0"
            ),
            Is.EqualTo(2)
        );
        await LinesFollowEachOtherAsync(accounts[1]);
    }

    /// <summary>Each line of an account's books tells the figures that the one before led to.</summary>
    private async Task LinesFollowEachOtherAsync(Guid account) =>
        Assert.That(
            await _storage.ScalarAsync<long>(
                $"""
                WITH movements AS (
                    SELECT movement, min(id) AS id, min(balance) AS balance, min(held) AS held,
                        coalesce(sum(amount) FILTER (WHERE book = {(int)
                    LedgerBook.Available}), 0) AS available, coalesce(sum(amount) FILTER (WHERE book = {(int)
                    LedgerBook.Held}), 0) AS set_aside
                    FROM ledger_lines WHERE account_id = '{account}' GROUP BY movement),
                walked AS (
                    SELECT balance, held, sum(available) OVER w AS balance_now,
                    sum(set_aside) OVER w AS held_now FROM movements WINDOW w AS (ORDER BY movement))
                SELECT count(*) FROM walked WHERE balance <> balance_now OR held <> held_now
                """
            ),
            Is.Zero
        );

    private static async Task<T[]> TogetherAsync<T>(int count, Func<int, Task<T>> act) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => Task.Run(() => act(i))));
}
