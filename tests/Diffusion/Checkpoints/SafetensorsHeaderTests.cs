using System.Buffers.Binary;
using System.Text;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Tests.Checkpoints;

public sealed class SafetensorsHeaderTests
{
    private const string Good =
        """{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[],"data_offsets":[24,26]}}""";

    private string _folder = "";

    [SetUp]
    public void SetUp() => _folder = Directory.CreateTempSubdirectory("safetensors").FullName;

    [TearDown]
    public void TearDown() => Directory.Delete(_folder, recursive: true);

    [TestCase(Good, 26)]
    [TestCase("{}", 0)]
    [TestCase("""{"__metadata__":{"format":"pt"}}   """, 0)]
    [TestCase("""{"empty":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}""", 0)]
    [TestCase("""{"é\u0041":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1)]
    public void Open_WhatTheFormatAllows_IsRead(string json, int bytes)
    {
        using var file = SafetensorsFile.Open(Write(json, bytes));
        Assert.That(file.Names, Is.Not.Null);
    }

    [TestCase("", 0, "'{'")]
    [TestCase(" {}", 0, "'{'")]
    [TestCase("[]", 0, "'{'")]
    [TestCase("{} x", 0, "JSON")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""", 4, "JSON")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}""", 4, "JSON")]
    [TestCase("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "JSON")]
    [TestCase("""{"a":[]}""", 0, "'a' is not an object")]
    [TestCase("""{"a":{"dtype":"F12","shape":[1],"data_offsets":[0,4]}}""", 4, "'a' has the unknown dtype 'F12'")]
    [TestCase("""{"a":{"dtype":"11","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype '11'")]
    [TestCase("""{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype 'f32'")]
    [TestCase("""{"a":{"dtype":5,"shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [TestCase("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "'a' has a shape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "'a' has a shape")]
    [TestCase("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "'a' has a shape")]
    [TestCase("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "'a' has a shape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "data_offsets [0, 4, 8]")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "data_offsets [4, 0]")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "data_offsets")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "takes 8 bytes and its data_offsets give it 4")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", 4, "larger than memory")]
    [TestCase("""{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 4, "'a' ends at")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "lacks one of")]
    [TestCase("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "field 'dtype' twice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", 4, "unknown field 'more'")]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8,
        "'a' stands twice"
    )]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8,
        "'a' stands twice"
    )]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""",
        6,
        "'b' overlaps"
    )]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
        4,
        "overlaps"
    )]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[6,10]}}""",
        10,
        "2 bytes before 'b'"
    )]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, "2 bytes before 'a'")]
    [TestCase(Good, 25, "cut off")]
    [TestCase(Good, 27, "1 bytes at the end")]
    [TestCase("""{"__metadata__":{"a":1}}""", 0, "not a string")]
    [TestCase("""{"__metadata__":[]}""", 0, "not an object")]
    [TestCase("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "'a' of '__metadata__' stands twice")]
    [TestCase("""{"__metadata__":{},"__metadata__":{}}""", 0, "'__metadata__' stands twice")]
    public void Open_WhatBreaksARule_IsRefusedByNameAndKey(string json, int bytes, string message)
    {
        string path = Write(json, bytes);
        Assert.That(
            () => SafetensorsFile.Open(path),
            Throws.TypeOf<WeightsException>().With.Message.Contains(message).And.Message.Contains(path)
        );
    }

    [Test]
    public void Open_HeaderThatIsNotUtf8_IsRefused()
    {
        byte[] json = Encoding.Latin1.GetBytes("""{"é":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""");
        Assert.That(
            () => SafetensorsFile.Open(Write(json, json.Length, 1)),
            Throws.TypeOf<WeightsException>().With.Message.Contains("UTF-8")
        );
    }

    [TestCase(100_000_001UL, "100000001 bytes")]
    [TestCase(ulong.MaxValue, "18446744073709551615 bytes")]
    [TestCase(3UL, "cut off")]
    public void Open_HeaderLengthBeyondFileOrLimit_IsRefused(ulong length, string message)
    {
        string path = Path.Combine(_folder, "length.safetensors");
        byte[] bytes = [0, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}'];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(path, bytes);
        Assert.That(() => SafetensorsFile.Open(path), Throws.TypeOf<WeightsException>().With.Message.Contains(message));
    }

    [TestCase(new byte[] { 0x50, 0x4B, 3, 4, 0x14, 0, 0, 8, 8, 0 }, "pickled")]
    [TestCase(new byte[] { 0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9 }, "pickled")]
    [TestCase(new byte[] { 0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 0, 0 }, "GGUF")]
    [TestCase(new byte[] { }, "0 bytes")]
    [TestCase(new byte[] { 2, 0, 0 }, "3 bytes")]
    public void Open_OtherKindsOfFiles_SaysWhatTheyAre(byte[] bytes, string message)
    {
        string path = Path.Combine(_folder, "other.safetensors");
        File.WriteAllBytes(path, bytes);
        Assert.That(() => SafetensorsFile.Open(path), Throws.TypeOf<WeightsException>().With.Message.Contains(message));
    }

    [Test]
    public void Open_LfsPointer_SaysSo()
    {
        string path = Path.Combine(_folder, "pointer.safetensors");
        File.WriteAllText(path, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
        Assert.That(() => SafetensorsFile.Open(path), Throws.TypeOf<WeightsException>().With.Message.Contains("LFS"));
    }

    [Test]
    public void Open_HeaderOf640Bytes_IsNotTakenForAPickle()
    {
        using var file = SafetensorsFile.Open(Write("{}".PadRight(640), 0));
        Assert.That(file.Names, Is.Empty);
    }

    [Test]
    public void Open_NoSuchFile_NamesIt() =>
        Assert.That(
            () => SafetensorsFile.Open(Path.Combine(_folder, "none.safetensors")),
            Throws.TypeOf<WeightsException>().With.Message.Contains("none.safetensors")
        );

    private string Write(string json, int bytes)
    {
        byte[] header = Encoding.UTF8.GetBytes(json);
        return Write(header, header.Length, bytes);
    }

    private string Write(byte[] header, int length, int bytes)
    {
        string path = Path.Combine(_folder, "file.safetensors");
        byte[] prefix = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, length);
        File.WriteAllBytes(path, [.. prefix, .. header, .. new byte[bytes]]);
        return path;
    }
}
