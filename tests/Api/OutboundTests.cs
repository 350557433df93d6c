using System.Net;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Microsoft.Extensions.Options;

namespace Generation.Api.Tests;

/// <summary>Calls to addresses that callers name: which of them are made, and how long they may take.</summary>
public sealed class OutboundTests
{
    private PictureSite _site = null!;

    [OneTimeSetUp]
    public async Task StartSite() => _site = await PictureSite.StartAsync();

    [OneTimeTearDown]
    public async Task StopSite() => await _site.DisposeAsync();

    [Test]
    public async Task GetAsync_NoAnswerInTime_SaysWhy()
    {
        using var outbound = new OutboundHttp(new OutboundOptions { AllowedNetworks = "127.0.0.0/8", TimeoutSeconds = 1 });

        OutboundException? error = await Assert.ThrowsAsync<OutboundException>(() => GetAsync(outbound, new Uri(_site.Address + "/slow")));

        Assert.That(error!.Message, Does.Contain("did not answer within 1 s"));
    }

    [TestCase("127.0.0.1")]
    [TestCase("localhost")]
    [TestCase("[::1]")]
    public async Task GetAsync_PrivateAddressNotAllowed_IsRefusedAtConnecting(string host)
    {
        using var outbound = new OutboundHttp(new OutboundOptions());
        int port = _site.Port;

        Assert.That(
            async () => await GetAsync(outbound, new Uri($"http://{host}:{port}/picture")),
            Throws.InstanceOf<OutboundException>().With.Message.Contain("not public")
        );
    }

    [Test]
    public async Task GetAsync_RedirectToAnotherPrivateAddress_IsRefusedAtConnecting()
    {
        // One address of this machine is allowed, and leads to another that is not
        using var outbound = new OutboundHttp(new OutboundOptions { AllowedNetworks = "127.0.0.2/32, 10.0.5.0/24" });
        int port = _site.Port;
        Uri There(string path) => new($"http://127.0.0.2:{port}{path}");

        Assert.That(await GetAsync(outbound, There("/redirect?times=1")), Is.EqualTo(PictureSite.Png), "a redirect that stays is followed");
        Assert.That(
            async () => await GetAsync(outbound, There($"/away?to=http://127.0.0.1:{port}/picture")),
            Throws.InstanceOf<OutboundException>().With.Message.Contain("not public")
        );
    }

    [TestCase("/large", 99_000)]
    [TestCase("/endless", 1 << 20)]
    public async Task GetAsync_BodyLargerThanTheBudgetHasLeft_IsRefusedAndGivenBack(string path, int left)
    {
        using var outbound = new OutboundHttp(new OutboundOptions { AllowedNetworks = "127.0.0.0/8" });
        var budget = new BodyBudget(Options.Create(new BodyOptions { MaxInFlightBytes = left }));
        var uri = new Uri(_site.Address + path);
        using (var share = new BodyShare(budget, "a"))
        {
            ProblemException? refused = await Assert.ThrowsAsync<ProblemException>(() =>
                outbound.GetAsync(uri, Guid.Empty, 100 << 20, share, default)
            );

            Assert.That(refused!.Problem.Code, Is.EqualTo("too_many_bodies"));
            Assert.That(budget.Taken, Is.GreaterThan(0).And.LessThanOrEqualTo(left));
        }

        Assert.That(budget.Taken, Is.Zero);
    }

    [Test]
    public async Task Resolve_NamesWhoseServersAreSilent_HoldUpTheirOwnAccountAlone()
    {
        using var release = new ManualResetEventSlim();
        int looking = 0;
        using var names = new NameResolver(host =>
        {
            if (host.StartsWith("silent", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref looking);
                release.Wait();
            }

            return [IPAddress.Loopback];
        });
        (Guid one, Guid other) = (Guid.NewGuid(), Guid.NewGuid());
        using var given = new CancellationTokenSource();
        Task<IPAddress[]>[] silent =
        [
            .. Enumerable.Range(0, 3 * NameResolver.OfAccount).Select(i => names.ResolveAsync($"silent{i}", one, given.Token)),
        ];
        Assert.That(() => Volatile.Read(ref looking), Is.EqualTo(NameResolver.OfAccount).After(60_000, 5));

        Assert.That(await names.ResolveAsync("well", other, default), Is.EqualTo(new[] { IPAddress.Loopback }), "another account's");
        await given.CancelAsync();
        await Task.WhenAll(silent.Cast<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        OutboundException[] refused = [.. silent.Select(task => task.Exception?.InnerException).OfType<OutboundException>()];
        Assert.That(refused, Has.Length.EqualTo(2 * NameResolver.OfAccount));
        Assert.That(refused.Select(e => e.IsOurs), Is.All.True);
        Assert.That(Volatile.Read(ref looking), Is.EqualTo(NameResolver.OfAccount), "who gives up starts no thread, and ends none");

        release.Set();
        Assert.That(await names.ResolveAsync("well", one, default), Is.EqualTo(new[] { IPAddress.Loopback }), "its turn comes");
    }

    [Test]
    public async Task Resolve_NamesOfManyAccounts_HaveSoManyThreadsAndNoMore()
    {
        using var release = new ManualResetEventSlim();
        int looking = 0;
        using var names = new NameResolver(_ =>
        {
            Interlocked.Increment(ref looking);
            release.Wait();
            return [IPAddress.Loopback];
        });
        Task<IPAddress[]>[] all =
        [
            .. Enumerable.Range(0, NameResolver.InAll + 20).Select(_ => names.ResolveAsync("silent", Guid.NewGuid(), default)),
        ];

        Assert.That(() => Volatile.Read(ref looking), Is.EqualTo(NameResolver.InAll).After(60_000, 5));
        Assert.That(all.Count(task => task.IsCompleted), Is.Zero);
        release.Set();
        await Task.WhenAll(all);
    }

    [Test]
    public void Start_SettingThatAllowedAllPrivateAddresses_NamesTheOneInItsPlace() =>
        Assert.That(
            async () => await ApiScope.CreateAsync(("Outbound:AllowPrivateAddresses", "true")),
            Throws.InstanceOf<Microsoft.Extensions.Options.OptionsValidationException>().With.Message.Contain("Outbound:AllowedNetworks")
        );

    [TestCase("8.8.8.8", true)]
    [TestCase("2606:4700::1111", true)]
    [TestCase("0.0.0.0", false)]
    [TestCase("10.1.2.3", false)]
    [TestCase("100.64.0.1", false)]
    [TestCase("127.9.9.9", false)]
    [TestCase("169.254.169.254", false)]
    [TestCase("172.16.0.1", false)]
    [TestCase("172.32.0.1", true)]
    [TestCase("192.168.1.1", false)]
    [TestCase("224.0.0.1", false)]
    [TestCase("255.255.255.255", false)]
    [TestCase("::", false)]
    [TestCase("::1", false)]
    [TestCase("::ffff:127.0.0.1", false)]
    [TestCase("::ffff:8.8.8.8", true)]
    [TestCase("64:ff9b::7f00:1", false)]
    [TestCase("2002:7f00:1::", false)]
    [TestCase("fd00::1", false)]
    [TestCase("fe80::1", false)]
    [TestCase("ff02::1", false)]
    [TestCase("2001:db8::1", false)]
    public void IsPublic_Address_IsAsRegistered(string address, bool expected) =>
        Assert.That(PublicAddresses.IsPublic(IPAddress.Parse(address)), Is.EqualTo(expected));

    private static async Task<byte[]> GetAsync(OutboundHttp outbound, Uri address)
    {
        using var share = new BodyShare(new BodyBudget(Options.Create(new BodyOptions())), "a");
        return await outbound.GetAsync(address, Guid.Empty, 1000, share, default);
    }
}
