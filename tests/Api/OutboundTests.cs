using System.Net;
using Generation.Api.Outbound;

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

        OutboundException? error = await Assert.ThrowsAsync<OutboundException>(() =>
            outbound.GetAsync(new Uri(_site.Address + "/slow"), 1000, default)
        );

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
            async () => await outbound.GetAsync(new Uri($"http://{host}:{port}/picture"), 1000, default),
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

        Assert.That(
            await outbound.GetAsync(There("/redirect?times=1"), 1000, default),
            Is.EqualTo(PictureSite.Png),
            "a redirect that stays is followed"
        );
        Assert.That(
            async () => await outbound.GetAsync(There($"/away?to=http://127.0.0.1:{port}/picture"), 1000, default),
            Throws.InstanceOf<OutboundException>().With.Message.Contain("not public")
        );
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
}
