using System.Buffers.Binary;
using System.Text;
using Generation.Api.Faces.A1111;
using Generation.Api.Faces.ComfyUi;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Prompts;
using Generation.Tokenizers;

namespace Generation.Fuzzing;

/// <summary>Every reader of strangers' bytes: what callers send, and what the files of models hold.</summary>
public sealed class Parsers : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("generation-fuzzing-").FullName;
    private readonly ThreadLocal<string> _folderOfThread;

    public Parsers()
    {
        _folderOfThread = new ThreadLocal<string>(() =>
            Directory.CreateDirectory(Path.Combine(_folder, Guid.NewGuid().ToString("N"))).FullName
        );
        All =
        [
            new("safetensors", [Safetensors()], ReadSafetensors, typeof(WeightsException)),
            new("headers of pictures", Pictures(), bytes => PictureHeader.Read(bytes)),
            new("pictures", Pictures(), bytes => PictureCodec.Check(bytes), typeof(PictureException)),
            new("texts of pictures", Pictures(), bytes => PictureTexts.Read(bytes)),
            new("how a picture was made", [Bytes(Infotexts)], bytes => Infotext.Parse(Encoding.UTF8.GetString(bytes))),
            .. KindTable.All.Select(kind => new Parser(
                $"body of {kind.Name}",
                [Bytes(kind.Example)],
                json => ReadBody(kind, json),
                typeof(ProblemException)
            )),
            new("bodies of faces", FaceBodies(), ReadFaceBody, typeof(ProblemException)),
            new("graphs", Graphs(), ReadGraph, typeof(ComfyException)),
            new("multipart forms", [Parts()], ReadParts, typeof(ProblemException)),
            new(
                "base64",
                Base64(),
                text => Base64Pictures.Decode(text, isEscaped: false, 1 << 20),
                typeof(FormatException),
                typeof(InputException)
            ),
            new(
                "base64 in JSON",
                [Bytes("iVBO\\/\\u0041w0KGgo\\n"), Bytes("data:image\\/png;base64,iVBO\\/Rw0KGgo")],
                text => Base64Pictures.Decode(text, isEscaped: true, 1 << 20),
                typeof(FormatException),
                typeof(InputException)
            ),
            new("prompts", Prompts(), bytes => PromptParser.Parse(Encoding.UTF8.GetString(bytes)), typeof(PromptException)),
            new(
                "tokenizer.json",
                [Bytes(TokenizerJson)],
                bytes => T5Tokenizer.LoadTokenizerJson(TokenizerOf(bytes, "tokenizer.json")),
                typeof(TokenizerException)
            ),
            new(
                "spiece.model",
                [SentencePiece()],
                bytes => T5Tokenizer.LoadSentencePiece(TokenizerOf(bytes, "spiece.model")),
                typeof(TokenizerException)
            ),
            new("vocab.json and merges.txt", [Bytes(ClipJson)], ReadClip, typeof(TokenizerException)),
        ];
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<Parser> All { get; }

    public void Dispose()
    {
        _folderOfThread.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private const string Infotexts =
        "a tin robot, (shiny:1.2)\non a table\nNegative prompt: rust\nSteps: 24, Sampler: DPM++ 2M, CFG scale: 7.5, Seed: 101, "
        + "Size: 512x768, Lora hashes: \"a: 01, b: 23\", Version: v1.10.1";

    private const string TokenizerJson = """
        {"version":"1.0","added_tokens":[{"id":0,"content":"<pad>","special":true},{"id":1,"content":"</s>","special":true}],
         "normalizer":{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},
         "pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":true},
         "post_processor":{"type":"TemplateProcessing",
          "single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],
          "special_tokens":{"</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}},
         "model":{"type":"Unigram","unk_id":2,
          "vocab":[["<pad>",0.0],["</s>",0.0],["<unk>",0.0],["▁a",-2.5],["b",-3.5]],"byte_fallback":false}}
        """;

    private const string ClipJson = """
        {"added_tokens":[],"model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,
         "<|startoftext|>":5,"<|endoftext|>":6},"merges":["a b</w>",["a","b</w>"]]}}
        """;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Safetensors()
    {
        byte[] json = Bytes(
            """
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
             "b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}
            """
        );
        byte[] file = new byte[8 + json.Length + 12];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    private static void ReadSafetensors(byte[] file)
    {
        int length = SafetensorsHeader.CheckLength("file", file.AsSpan(0, Math.Min(file.Length, 64)), file.Length);
        SafetensorsHeader.Parse("file", file.AsSpan(8, length), file.Length);
    }

    private static byte[][] Pictures()
    {
        Picture picture = PictureCodec.Decode(Seeds.Picture);
        return
        [
            .. Enum.GetValues<PictureFormat>().Select(format => PictureCodec.Encode(picture, format, parameters: "a cat\nSteps: 1")),
            Seeds.Picture,
        ];
    }

    private static void ReadBody(KindDefinition kind, byte[] json)
    {
        var errors = new FieldErrors();
        StrictReader.ReadInto(kind.NewBody(), json, errors);
        errors.ThrowIfAny();
    }

    private static byte[][] FaceBodies() =>
        [
            .. RequestSeeds
                .OfFaces()
                .Select(seed => seed.Body)
                .OfType<System.Text.Json.Nodes.JsonObject>()
                .Select(body => Bytes(body.ToJsonString())),
            Bytes("prompt=a%20cat&width=256&image%5B%5D=iVBORw0KGgo%3D&seed="),
            Parts(),
        ];

    private static byte[] Parts() =>
        Bytes(
            "--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na cat\r\n--x\r\n"
                + "Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\niVBO\r\n--x--\r\n"
        );

    private static void ReadFaceBody(byte[] bytes)
    {
        var body = new FaceBody();
        Wait(FaceBodyReader.ReadAsync(body, null, bytes, CancellationToken.None));
        foreach (string name in body.Names)
        {
            body.Text(name);
            body.Integer(name);
            body.Number(name);
            body.Flag(name);
            body.Picture(name);
            body.Texts(name);
        }
    }

    private static byte[][] Graphs() =>
        [
            .. RequestSeeds
                .OfFaces()
                .Select(seed => seed.Body?["prompt"])
                .OfType<System.Text.Json.Nodes.JsonObject>()
                .Select(graph => Bytes(graph.ToJsonString())),
        ];

    private static void ReadGraph(byte[] bytes)
    {
        try
        {
            using var json = System.Text.Json.JsonDocument.Parse(bytes);
            var graph = ComfyGraph.Read(json.RootElement, Nodes, 100);
            var checks = new GraphChecks(graph, (_, _) => null);
            var catalogue = new ComfyCatalogue(new ComfyTable(), new Dictionary<string, Contracts.ModelEntry>(), []);
            foreach (GraphNode output in graph.Nodes.Values.Where(node => node.Class.IsOutput && checks.Of(node.Id).Count == 0))
            {
                var reader = new GraphReader(graph, catalogue, new Dictionary<string, ComfyPicture>());
                new JobPlanner(catalogue, 10).AddOutput(output.Id, reader.Image(output));
            }
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new ComfyException("invalid_prompt", "The graph cannot be read", e.Message);
        }
        catch (NodeException)
        {
            // Refused by its node, and read
        }
    }

    private static readonly ComfyNodes Nodes = ComfyNodes.Load();

    private static void ReadParts(byte[] bytes) =>
        Wait(FormParts.ReadMultipartAsync("multipart/form-data; boundary=x", bytes, CancellationToken.None));

    private static byte[][] Base64() =>
        [
            Bytes("iVBORw0KGgo="),
            Bytes("data:image/png;charset=x;base64,iVBO%52w0KGgo%3D"),
            Bytes("DATA: image/png ; base64 ,iVBO\r\nRw0K-_8"),
        ];

    private static byte[][] Prompts() =>
        [
            Bytes("a (cat:1.2) and [a dog] (((very))) {{\\(escaped\\)}} BREAK <lora:x:0.8> AND [a:b:0.5] [a|b]"),
            Bytes("masterpiece, (best quality:1.3), ((detailed)), [blurry:0.5], \\\\, 🍎"),
        ];

    /// <summary>Two pieces, in the protocol buffers of SentencePiece.</summary>
    private static byte[] SentencePiece()
    {
        byte[] file = [];
        foreach ((string text, byte kind) in new[] { ("<pad>", (byte)3), ("</s>", (byte)3), ("<unk>", (byte)2), ("▁a", (byte)1) })
        {
            byte[] name = Bytes(text);
            byte[] piece = [0x0A, (byte)name.Length, .. name, 0x15, 0x00, 0x00, 0x20, 0xC0, 0x18, kind];
            file = [.. file, 0x0A, (byte)piece.Length, .. piece];
        }

        // The trainer's settings: a unigram model
        return [.. file, 0x12, 0x02, 0x18, 0x01];
    }

    private void ReadClip(byte[] bytes) => ClipTokenizer.Load(TokenizerOf(bytes, "tokenizer.json")).Encode("a b ab");

    private TokenizerFiles TokenizerOf(byte[] bytes, string name) => TokenizerFiles.Read(Path.GetDirectoryName(FileOf(bytes, name))!);

    private string FileOf(byte[] bytes, string name)
    {
        string path = Path.Combine(_folderOfThread.Value!, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>All of it is in memory: nothing is waited for.</summary>
    private static void Wait(Task task) => task.GetAwaiter().GetResult();
}
