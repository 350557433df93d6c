using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Faces.ComfyUi;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Microsoft.Extensions.Configuration;

namespace Generation.Faces.Tests.ComfyUi;

/// <summary>Wirings of nodes as native requests, field by field.</summary>
public sealed class ComfyPlanTests
{
    private static readonly ComfyNodes Nodes = ComfyNodes.Load();

    private static readonly ComfyTable Table = FaceTable.Read<ComfyTable>("ComfyUi", new ConfigurationBuilder().Build());

    private static readonly ComfyCatalogue Catalogue = new(
        Table,
        new[]
        {
            Model("orchid", "sd15") with
            {
                Upscaler = new UpscalerEntry("x4", "x4", 4),
                ControlNets = [new ControlNetEntry("orchid-canny", "canny", "c")],
                Vaes = [new PartEntry("soft", "v")],
                Loras = [new AdapterEntry("ink", "sd15"), new AdapterEntry("dots", "sd15")],
            },
            Model("base", "sdxl"),
            Model("fine", "sdxl"),
            Model("petal", "flux"),
            Model("x4", "esrgan") with
            {
                Kinds = [JobKind.SuperResolution],
                Scale = 4,
            },
        }.ToDictionary(model => model.Name),
        [new SchedulerEntry("euler", ""), new SchedulerEntry("dpmpp_2m", ""), new SchedulerEntry("dpmpp_2m_karras", "")]
    );

    private static readonly Dictionary<string, ComfyPicture> Pictures = new()
    {
        ["a.png"] = new ComfyPicture(PictureSource.Of("upl_a"), 512, 256, PictureSource.Of("upl_a")),
        ["m.png"] = new ComfyPicture(PictureSource.Of("upl_a"), 512, 256, PictureSource.Of("upl_m")),
    };

    [Test]
    public void Loras_InAChain_AreTheRequestsWithTheirStrengths()
    {
        var body = (Text2ImgBody)
            Plan(
                    """
                    "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"orchid.safetensors"}},
                    "a":{"class_type":"LoraLoader","inputs":{"model":["4",0],"clip":["4",1],"lora_name":"ink.safetensors",
                      "strength_model":0.8,"strength_clip":0.5}},
                    "b":{"class_type":"LoraLoaderModelOnly","inputs":{"model":["a",0],"lora_name":"dots","strength_model":1.5}},
                    "c":{"class_type":"CLIPSetLastLayer","inputs":{"clip":["a",1],"stop_at_clip_layer":-2}},
                    "v":{"class_type":"VAELoader","inputs":{"vae_name":"soft.safetensors"}},
                    "6":{"class_type":"CLIPTextEncode","inputs":{"text":"a [red] embedding:neat.pt, (robot:1.2)","clip":["c",0]}},
                    "7":{"class_type":"ConditioningZeroOut","inputs":{"conditioning":["6",0]}},
                    "5":{"class_type":"EmptyLatentImage","inputs":{"width":256,"height":128,"batch_size":3}},
                    "3":{"class_type":"KSampler","inputs":{"model":["b",0],"seed":"5","steps":20.7,"cfg":"6.5","sampler_name":"dpmpp_2m",
                      "scheduler":"karras","positive":["6",0],"negative":["7",0],"latent_image":["5",0],"denoise":1}},
                    "8":{"class_type":"VAEDecodeTiled","inputs":{"samples":["3",0],"vae":["v",0],"tile_size":512}},
                    "9":{"class_type":"SaveImage","inputs":{"images":["8",0],"filename_prefix":"x"}}
                    """
                )
                .Single()
                .Body;

        Assert.That(body.Prompt, Is.EqualTo(@"a \[red\] neat, (robot:1.2)"));
        Assert.That(
            body.Loras!.Select(l => (l.Model, l.Scale, l.TextEncoderScale)),
            Is.EqualTo(new (string?, double?, double?)[] { ("ink", 0.8, 0.5), ("dots", 1.5, 0) })
        );
        Assert.That(
            (body.ClipSkip, body.Vae, body.NegativePrompt, body.Scheduler),
            Is.EqualTo((1, "soft", (string?)null, "dpmpp_2m_karras"))
        );
        Assert.That((body.Seed, body.NumInferenceSteps, body.GuidanceScale, body.NumImages), Is.EqualTo((5L, 20, 6.5, 3)));
    }

    [Test]
    public void ControlNet_Applied_IsAControlPicture()
    {
        var body = (ControlNetBody)
            Plan(
                    Basic("5", "p", "p", 1)
                        + """
                        ,"n":{"class_type":"ControlNetLoader","inputs":{"control_net_name":"control_v11p_sd15_canny.pth"}},
                        "i":{"class_type":"LoadImage","inputs":{"image":"a.png"}},
                        "p":{"class_type":"ControlNetApplyAdvanced","inputs":{"positive":["6",0],"negative":["7",0],"control_net":["n",0],
                          "image":["i",0],"strength":0.75,"start_percent":0.1,"end_percent":0.9}}
                        """
                )
                .Single()
                .Body;

        ControlBody control = body.Control!.Single();
        Assert.That((control.Image!.Text, control.Type, control.Scale), Is.EqualTo(("upl_a", "canny", 0.75)));
        Assert.That((control.Start, control.End, body.Prompt, body.NegativePrompt), Is.EqualTo((0.1, 0.9, "a cat", "a dog")));
    }

    [Test]
    public void Latents_OfPictures_AreImg2ImgInpaintAndOutpaint()
    {
        const string Load = """
            ,"i":{"class_type":"LoadImage","inputs":{"image":"m.png"}},
            """;
        PictureBody Of(string latent, double denoise) => (PictureBody)Plan(Basic("l", "6", "7", denoise) + Load + latent).Single().Body;

        var img2img = (Img2ImgBody)Of(
            """
            "l":{"class_type":"VAEEncode","inputs":{"pixels":["i",0],"vae":["4",2]}}
            """,
            0.6
        );
        var inpaint = (InpaintBody)Of(
            """
            "l":{"class_type":"VAEEncodeForInpaint","inputs":{"pixels":["i",0],"vae":["4",2],"mask":["i",1],"grow_mask_by":8}}
            """,
            1
        );
        var masked = (InpaintBody)Of(
            """
            "e":{"class_type":"VAEEncode","inputs":{"pixels":["i",0],"vae":["4",2]}},
            "k":{"class_type":"LoadImageMask","inputs":{"image":"a.png","channel":"red"}},
            "l":{"class_type":"SetLatentNoiseMask","inputs":{"samples":["e",0],"mask":["k",0]}}
            """,
            0.7
        );
        var outpaint = (OutpaintBody)Of(
            """
            "o":{"class_type":"ImagePadForOutpaint","inputs":{"image":["i",0],"left":64,"top":0,"right":32,"bottom":8,"feathering":40}},
            "l":{"class_type":"VAEEncodeForInpaint","inputs":{"pixels":["o",0],"vae":["4",2],"mask":["o",1],"grow_mask_by":6}}
            """,
            1
        );

        Assert.That((img2img.Image!.Text, img2img.Strength), Is.EqualTo(("upl_a", 0.6)));
        Assert.That((inpaint.Mask!.Text, inpaint.MaskMode, inpaint.MaskGrow), Is.EqualTo(("upl_m", "paint_transparent", 8)));
        Assert.That((masked.Mask!.Text, masked.MaskMode, masked.Strength), Is.EqualTo(("upl_a", "paint_white", 0.7)));
        Assert.That((outpaint.Left, outpaint.Right, outpaint.Bottom, outpaint.Overlap), Is.EqualTo((64, 32, 8, 40)));
    }

    [Test]
    public void SecondSampler_OfTheEnlargedLatent_IsHiresFix()
    {
        PlannedJob job = Plan(
                Basic("5", "6", "7", 1, save: "y")
                    + """
                    ,"u":{"class_type":"LatentUpscaleBy","inputs":{"samples":["3",0],"upscale_method":"bislerp","scale_by":1.5}},
                    "x":{"class_type":"KSampler","inputs":{"model":["4",0],"seed":9,"steps":14,"cfg":8,"sampler_name":"euler",
                      "scheduler":"normal","positive":["6",0],"negative":["7",0],"latent_image":["u",0],"denoise":0.5}},
                    "y":{"class_type":"VAEDecode","inputs":{"samples":["x",0],"vae":["4",2]}}
                    """
            )
            .Single();

        var body = (Text2ImgBody)job.Body;
        Assert.That((body.Width, body.Height), Is.EqualTo((384, 192)));
        Assert.That(
            (body.HiresFix!.Scale, body.HiresFix.Strength, body.HiresFix.Steps, body.HiresFix.Upscaler),
            Is.EqualTo((1.5, 0.5, 14, "lanczos"))
        );
        Assert.That((job.Worker, job.Outputs.Single()), Is.EqualTo(("x", "9")));
    }

    [Test]
    public void SecondSampler_WithAnotherPrompt_IsAJobOfItsOwnOverTheFirsts()
    {
        PlannedJob[] jobs = Plan(
            Basic("5", "6", "7", 1, save: "y")
                + """
                ,"6b":{"class_type":"CLIPTextEncode","inputs":{"text":"a lion","clip":["4",1]}},
                "x":{"class_type":"KSampler","inputs":{"model":["4",0],"seed":9,"steps":14,"cfg":8,"sampler_name":"euler",
                  "scheduler":"normal","positive":["6b",0],"negative":["7",0],"latent_image":["3",0],"denoise":0.5}},
                "y":{"class_type":"VAEDecode","inputs":{"samples":["x",0],"vae":["4",2]}}
                """
        );

        Assert.That(jobs.Select(job => job.Body.GetType()), Is.EqualTo(new[] { typeof(Text2ImgBody), typeof(Img2ImgBody) }));
        Assert.That((jobs[0].From, jobs[0].Outputs.Count, jobs[1].From), Is.EqualTo(((MadePicture?)null, 0, new MadePicture(0, 0))));
    }

    [Test]
    public void UpscaleModel_BehindASampler_IsAJobForEachPicture()
    {
        PlannedJob[] jobs = Plan(
            Basic("5", "6", "7", 1, save: "y", batch: 2)
                + """
                ,"m":{"class_type":"UpscaleModelLoader","inputs":{"model_name":"RealESRGAN_x4plus.pth"}},
                "u":{"class_type":"ImageUpscaleWithModel","inputs":{"upscale_model":["m",0],"image":["8",0]}},
                "y":{"class_type":"ImageScaleBy","inputs":{"image":["u",0],"upscale_method":"area","scale_by":0.5}}
                """
        );

        Assert.That(jobs.Skip(1).Select(job => job.From), Is.EqualTo(new[] { new MadePicture(0, 0), new MadePicture(0, 1) }));
        var enlarged = (SuperResolutionBody)jobs[1].Body;
        Assert.That((enlarged.Model, enlarged.Scale), Is.EqualTo(("x4", 2)));
    }

    [Test]
    public void Refiner_BehindLeftoverNoise_IsTheRequestsRefiner()
    {
        const string Sampling = """
            "noise_seed":3,"steps":25,"cfg":7,"sampler_name":"euler","scheduler":"normal"
            """;
        var body = (Text2ImgBody)
            Plan(
                    """
                    "b":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"base.safetensors"}},
                    "f":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"fine.safetensors"}},
                    "p":{"class_type":"CLIPTextEncode","inputs":{"text":"a cat","clip":["b",1]}},
                    "n":{"class_type":"CLIPTextEncode","inputs":{"text":"","clip":["b",1]}},
                    "q":{"class_type":"CLIPTextEncode","inputs":{"text":"a cat","clip":["f",1]}},
                    "o":{"class_type":"CLIPTextEncode","inputs":{"text":"","clip":["f",1]}},
                    "e":{"class_type":"EmptyLatentImage","inputs":{"width":1024,"height":1024,"batch_size":1}},
                    "1":{"class_type":"KSamplerAdvanced","inputs":{"model":["b",0],"add_noise":"enable",SAMPLING,"positive":["p",0],
                      "negative":["n",0],"latent_image":["e",0],"start_at_step":0,"end_at_step":20,"return_with_leftover_noise":"enable"}},
                    "2":{"class_type":"KSamplerAdvanced","inputs":{"model":["f",0],"add_noise":"disable",SAMPLING,"positive":["q",0],
                      "negative":["o",0],"latent_image":["1",0],"start_at_step":20,"end_at_step":10000,"return_with_leftover_noise":"disable"}},
                    "8":{"class_type":"VAEDecode","inputs":{"samples":["2",0],"vae":["f",2]}},
                    "9":{"class_type":"SaveImage","inputs":{"images":["8",0],"filename_prefix":"x"}}
                    """.Replace("SAMPLING", Sampling)
                )
                .Single()
                .Body;

        Assert.That((body.Model, body.Refiner!.Model, body.Refiner.SwitchAt), Is.EqualTo(("base", "fine", 0.8)));
        Assert.That((body.NumInferenceSteps, body.Seed, body.NegativePrompt), Is.EqualTo((25, 3L, (string?)null)));
    }

    [Test]
    public void Flux_OfItsParts_IsGuidedByFluxGuidance()
    {
        var body = (Text2ImgBody)
            Plan(
                    """
                    "u":{"class_type":"UNETLoader","inputs":{"unet_name":"petal.safetensors","weight_dtype":"default"}},
                    "c":{"class_type":"DualCLIPLoader","inputs":{"clip_name1":"t5xxl_fp16.safetensors","clip_name2":"clip_l.safetensors",
                      "type":"flux"}},
                    "v":{"class_type":"VAELoader","inputs":{"vae_name":"ae.safetensors"}},
                    "t":{"class_type":"CLIPTextEncode","inputs":{"text":"a [cat]","clip":["c",0]}},
                    "g":{"class_type":"FluxGuidance","inputs":{"conditioning":["t",0],"guidance":4.5}},
                    "s":{"class_type":"ModelSamplingFlux","inputs":{"model":["u",0],"max_shift":1.15,"base_shift":0.5,"width":64,"height":64}},
                    "b":{"class_type":"BasicGuider","inputs":{"model":["s",0],"conditioning":["g",0]}},
                    "k":{"class_type":"KSamplerSelect","inputs":{"sampler_name":"euler"}},
                    "d":{"class_type":"BasicScheduler","inputs":{"model":["s",0],"scheduler":"simple","steps":20,"denoise":1}},
                    "r":{"class_type":"RandomNoise","inputs":{"noise_seed":12}},
                    "e":{"class_type":"EmptySD3LatentImage","inputs":{"width":1024,"height":512,"batch_size":1}},
                    "3":{"class_type":"SamplerCustomAdvanced","inputs":{"noise":["r",0],"guider":["b",0],"sampler":["k",0],"sigmas":["d",0],
                      "latent_image":["e",0]}},
                    "8":{"class_type":"VAEDecode","inputs":{"samples":["3",0],"vae":["v",0]}},
                    "9":{"class_type":"SaveImage","inputs":{"images":["8",0],"filename_prefix":"x"}}
                    """
                )
                .Single()
                .Body;

        Assert.That((body.Model, body.GuidanceScale, body.NumInferenceSteps, body.Scheduler), Is.EqualTo(("petal", 4.5, 20, "euler")));
        Assert.That((body.Seed, body.Width, body.Height, body.Vae), Is.EqualTo((12L, 1024, 512, (string?)null)));
    }

    [TestCase("\"9\":{\"inputs\":{\"images\":[\"i\",0]}}", "i", "is not made again")]
    [TestCase("\"3\":{\"inputs\":{\"latent_image\":[\"e\",0],\"positive\":[\"p\",0],\"denoise\":0.5}}", "p", "go with an empty latent")]
    [TestCase("\"i\":{\"inputs\":{\"image\":\"gone.png\"}},\"9\":{\"inputs\":{\"images\":[\"i\",0]}}", "i", "Invalid image file")]
    public void Wiring_WithoutACounterpart_IsRefusedByItsNode(string change, string node, string says)
    {
        string graph =
            Basic("5", "6", "7", 1)
            + """
                ,"i":{"class_type":"LoadImage","inputs":{"image":"a.png"}},
                "e":{"class_type":"VAEEncode","inputs":{"pixels":["i",0],"vae":["4",2]}},
                "n":{"class_type":"ControlNetLoader","inputs":{"control_net_name":"orchid-canny"}},
                "p":{"class_type":"ControlNetApply","inputs":{"conditioning":["6",0],"control_net":["n",0],"image":["i",0],"strength":1}}
                """;
        JsonObject whole = JsonNode.Parse($"{{{graph}}}")!.AsObject();
        foreach ((string id, JsonNode? changed) in JsonNode.Parse($"{{{change}}}")!.AsObject())
        {
            foreach ((string input, JsonNode? value) in changed!["inputs"]!.AsObject())
            {
                whole[id]!["inputs"]![input] = value!.DeepClone();
            }
        }

        NodeException error = Assert.Throws<NodeException>(() => Plan(whole))!;
        Assert.That(error.Error.Node, Is.EqualTo(node));
        Assert.That(error.Error.Details, Does.Contain(says));
    }

    private static PlannedJob[] Plan(string nodes) => Plan(JsonNode.Parse($"{{{nodes}}}")!.AsObject());

    private static PlannedJob[] Plan(JsonObject json)
    {
        var graph = ComfyGraph.Read(JsonSerializer.SerializeToElement(json), Nodes, 100);
        var checks = new GraphChecks(graph, Catalogue.WhyNot);
        Assert.That(checks.Of("9"), Is.Empty);
        var planner = new JobPlanner(Catalogue, 10);
        planner.AddOutput("9", new GraphReader(graph, Catalogue, Pictures).Image(graph.Nodes["9"]));
        return [.. planner.Plan.Jobs];
    }

    /// <summary>The nodes of a simple graph, whose sampler has these inputs.</summary>
    private static string Basic(string latent, string positive, string negative, double denoise, string save = "8", int batch = 1) =>
        new JsonObject
        {
            ["4"] = Node("CheckpointLoaderSimple", """{"ckpt_name":"orchid.safetensors"}"""),
            ["5"] = Node("EmptyLatentImage", $$"""{"batch_size":{{batch}},"width":256,"height":128}"""),
            ["6"] = Node("CLIPTextEncode", """{"text":"a cat","clip":["4",1]}"""),
            ["7"] = Node("CLIPTextEncode", """{"text":"a dog","clip":["4",1]}"""),
            ["3"] = Node(
                "KSampler",
                $$"""
                {"model":["4",0],"seed":5,"steps":20,"cfg":8,"sampler_name":"euler","scheduler":"normal","positive":["{{positive}}",0],
                 "negative":["{{negative}}",{{(negative == positive ? 1 : 0)}}],"latent_image":["{{latent}}",0],
                 "denoise":{{JsonSerializer.Serialize(denoise)}},"unknown":1}
                """
            ),
            ["8"] = Node("VAEDecode", """{"samples":["3",0],"vae":["4",2]}"""),
            ["9"] = Node("SaveImage", $$"""{"images":["{{save}}",0],"filename_prefix":"x"}"""),
        }.ToJsonString()[1..^1];

    private static JsonObject Node(string name, string inputs) => new() { ["class_type"] = name, ["inputs"] = JsonNode.Parse(inputs) };

    private static ModelEntry Model(string name, string family) =>
        new()
        {
            Name = name,
            Family = family,
            Kinds = [JobKind.Text2Img, JobKind.Img2Img, JobKind.Inpaint],
            Path = name,
            MinSide = 8,
            MaxSide = 2048,
            MaxPixels = 1 << 22,
            MaxSteps = 50,
        };
}
