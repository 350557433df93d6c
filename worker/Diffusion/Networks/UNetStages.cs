using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Networks;

/// <summary>
/// Builds the stages of UNets for pictures and of ControlNets from a config, with motion modules after each step where there are some.
/// </summary>
internal sealed class UNetStages(UNetBodyConfig config, MotionModules? motion = null)
{
    /// <summary>Builds stage <paramref name="block"/> of the down path.</summary>
    public UNetDownStage Down(NetworkWeights w, int block)
    {
        int outChannels = config.BlockOutChannels[block];
        int inChannels = config.BlockOutChannels[Math.Max(block - 1, 0)];
        bool attends = config.DownBlockTypes[block] == DownBlockType.CrossAttnDownBlock2D;
        int layers = config.LayersPerBlock[block];
        MotionModule[]? motions = motion?.Down(block, outChannels, layers);
        return new UNetDownStage(
            [
                .. Enumerable
                    .Range(0, layers)
                    .Select(i =>
                        Step(
                            Resnet(w["resnets"][i], i == 0 ? inChannels : outChannels, outChannels),
                            attends
                                ? Transformer(
                                    w["attentions"][i],
                                    block,
                                    config.TransformerLayersPerBlock[block][i],
                                    config.OnlyCrossAttention[block]
                                )
                                : null,
                            motions?[i]
                        )
                    ),
            ],
            block < config.Blocks - 1 ? new Downsample2D(w["downsamplers"][0], outChannels, config.DownsamplePadding) : null
        );
    }

    /// <summary>
    /// Builds the middle block: a residual block and, where it attends to the prompt, a transformer and another residual block. Null for no
    /// middle block.
    /// </summary>
    public UNetLayer[]? Mid(NetworkWeights w)
    {
        if (config.MidBlockType is not MidBlockType kind)
        {
            return null;
        }
        int last = config.Blocks - 1;
        int channels = config.BlockOutChannels[last];
        UNetLayer first = Resnet(w["resnets"][0], channels, channels, config.MidBlockScaleFactor);
        if (kind == MidBlockType.UNetMidBlock2D)
        {
            return [first];
        }
        return
        [
            // The reference does not hand only_cross_attention to this transformer
            .. Step(
                first,
                Transformer(w["attentions"][0], last, config.TransformerLayersPerBlock[last][0], onlyCross: false),
                motion?.Mid(channels)
            ),
            Resnet(w["resnets"][1], channels, channels, config.MidBlockScaleFactor),
        ];
    }

    /// <summary>Builds stage <paramref name="block"/> of the up path, counted from the middle.</summary>
    public UNetUpStage Up(NetworkWeights w, UNetConfig unet, int block)
    {
        int mirrored = config.Blocks - 1 - block;
        int outChannels = config.BlockOutChannels[mirrored];
        int previous = config.BlockOutChannels[Math.Min(mirrored + 1, config.Blocks - 1)];
        int skipped = config.BlockOutChannels[Math.Max(mirrored - 1, 0)];
        bool attends = unet.UpBlockTypes[block] == UpBlockType.CrossAttnUpBlock2D;
        int layers = config.LayersPerBlock[mirrored] + 1;
        MotionModule[]? motions = motion?.Up(block, outChannels, layers);
        return new UNetUpStage(
            [
                .. Enumerable
                    .Range(0, layers)
                    .Select(i =>
                        Step(
                            Resnet(
                                w["resnets"][i],
                                (i == 0 ? previous : outChannels) + (i == layers - 1 ? skipped : outChannels),
                                outChannels
                            ),
                            attends
                                ? Transformer(
                                    w["attentions"][i],
                                    mirrored,
                                    unet.UpTransformerLayers(block)[i],
                                    config.OnlyCrossAttention[mirrored]
                                )
                                : null,
                            motions?[i]
                        )
                    ),
            ],
            block < config.Blocks - 1 ? new Upsample2D(w["upsamplers"][0], outChannels) : null
        );
    }

    private UNetLayer Resnet(NetworkWeights w, int inChannels, int outChannels, double outputScale = 1)
    {
        var block = new ResnetBlock2D(w, inChannels, outChannels, config.Resnets(outputScale));
        return (x, in call) => block.Forward(x, call.Time);
    }

    private Transformer2DModel Transformer(NetworkWeights w, int block, int layers, bool onlyCross) =>
        new(
            w,
            config.BlockOutChannels[block],
            config.Heads[block],
            layers,
            config.CrossAttentionDim[block],
            config.NormNumGroups,
            config.UseLinearProjection,
            onlyCross
        );

    private static UNetLayer[] Step(UNetLayer resnet, Transformer2DModel? transformer, MotionModule? motionModule)
    {
        List<UNetLayer> step = [resnet];
        if (transformer is not null)
        {
            step.Add((x, in call) => transformer.Forward(x, call.Context, call.ContextMask));
        }
        if (motionModule is not null)
        {
            step.Add((x, in call) => motionModule.Forward(x, call.Frames));
        }
        return [.. step];
    }
}
