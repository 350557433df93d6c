using System.Runtime.ExceptionServices;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Service.Jobs;
using Generation.Service.Models;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;
using static TorchSharp.torch;

namespace Generation.Service.Rendering;

/// <summary>A picture that is computed but not yet stored.</summary>
/// <param name="IsFinished">Whether it already has the request's size.</param>
/// <param name="Nsfw">What the safety checker found; null where it did not look.</param>
internal sealed record DrawnPicture(Picture Picture, bool IsFinished, bool? Nsfw);

/// <summary>
/// Makes the pictures of a job one after the other. Each is computed as it would be alone, so that its bytes do not depend on the others or
/// on where an earlier worker stopped.
/// </summary>
/// <remarks>
/// Jobs overlap at their ends: a job that is nearly done lets the next one in, which loads its model and encodes its prompt meanwhile; and
/// a finished picture is encoded and stored while the next one, of this job or another, is computed. Where a second model refines, all
/// pictures go through the first model before any goes through the second, so that no job holds one model while it waits for room for
/// another.
/// </remarks>
internal sealed class PictureLoop(
    ModelCache models,
    ComputeThreads compute,
    ModelAdapters adapters,
    PictureFinisher finisher,
    HotState hotState,
    WorkerMetrics metrics,
    IOptions<WorkerOptions> options,
    TimeProvider time
)
{
    /// <summary>
    /// Makes, stores and describes all pictures of a request. One among several whose values are no numbers is left out, and the job says
    /// so.
    /// </summary>
    /// <exception cref="OperationCanceledException">The job was stopped.</exception>
    /// <exception cref="NotFiniteException">No picture has values that are numbers.</exception>
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job, PictureRecipe recipe)
    {
        PictureStage[] stages = PictureStage.Of(recipe);
        int pictures = recipe.Plan.Outputs;
        job.Progress = new JobProgress(job.Snapshot.Step, pictures * recipe.Plan.Steps);
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress);

        var results = new StageResult?[pictures];
        var outputs = new Task<JobOutput>[pictures];
        var unmade = new NotFiniteException?[pictures];
        var clock = new StepClock(time, options.Value);
        try
        {
            for (int s = 0; s < stages.Length; s++)
            {
                await RunStageAsync(new StageWork(job, recipe, stages, s, results, outputs, unmade, clock));
            }
        }
        finally
        {
            foreach (StageResult? result in results)
            {
                result?.Dispose();
            }
        }

        job.Slot.Dispose();
        int[] made = [.. Enumerable.Range(0, pictures).Where(picture => unmade[picture] is null)];
        if (made.Length == 0)
        {
            ExceptionDispatchInfo.Throw(unmade[0]!);
        }

        if (made.Length < pictures)
        {
            IEnumerable<int> missing = Enumerable.Range(0, pictures).Except(made);
            job.Part = new PartMade(
                (decimal)made.Length / pictures,
                [.. missing.Select(picture => Missing(recipe.Request, picture, pictures, unmade[picture]!))]
            );
        }

        return await Task.WhenAll(made.Select(picture => outputs[picture]));
    }

    private static string Missing(PictureRequest request, int picture, int pictures, NotFiniteException e) =>
        $"Picture {picture + 1} of {pictures}, of seed {unchecked(request.Seed + picture)}, could not be made and was not charged: "
        + e.Message;

    private async Task RunStageAsync(StageWork work)
    {
        CancellationToken stop = work.Job.Stop.Token;
        using ModelLease lease = await models.AcquireAsync(work.Stage.Pass.Model, stop);
        LoadedModel model = lease.Model;
        bool isChanged = ModelAdapters.AreAskedFor(work.Recipe.Request) && work.Stage.Pass.Model == work.Recipe.Request.Model;
        int[] todo = [.. Enumerable.Range(0, work.Results.Length).Where(work.IsToBeDone)];
        DenoisingRun? next =
            work.Stage.NeedsTextEncodersOnly && !isChanged && todo.Length > 0
                ? await compute.PrepareAsync(() => work.Encode(model, todo[0]), model.EncodeTurn, stop)
                : null;
        try
        {
            await model.LoopTurn.WaitAsync(stop);
            try
            {
                using ComputeTurn turn = await compute.RentAsync(stop);
                using IDisposable? changes = isChanged ? await ChangeAsync(model, work.Recipe.Request, turn, stop) : null;
                foreach (int picture in todo)
                {
                    DenoisingRun? encoded = next;
                    next = null;
                    DrawnPicture? drawn;
                    try
                    {
                        drawn = await turn.RunAsync(() =>
                        {
                            using DenoisingRun run = encoded
                                ?? (isChanged ? work.Encode(model, picture) : EncodeInTurn(model, work, picture));
                            return Draw(work, model, run, picture);
                        });
                    }
                    catch (NotFiniteException e)
                    {
                        // The others are made as they would be alone
                        work.Unmade[picture] = e;
                        continue;
                    }

                    if (drawn is not null)
                    {
                        work.Outputs[picture] = Task.Run(
                            () => finisher.FinishAsync(work.Job, work.Recipe, drawn, picture),
                            CancellationToken.None
                        );
                    }
                }
            }
            finally
            {
                model.LoopTurn.Release();
            }
        }
        finally
        {
            next?.Dispose();
        }
    }

    /// <summary>Applies the job's LoRAs and autoencoder, and keeps other jobs from the model until the result is disposed.</summary>
    private async Task<IDisposable> ChangeAsync(LoadedModel model, PictureRequest request, ComputeTurn turn, CancellationToken stop)
    {
        await model.EncodeTurn.WaitAsync(stop);
        try
        {
            return new Turn(model.EncodeTurn, await turn.RunAsync(() => adapters.Apply(model, request)));
        }
        catch
        {
            model.EncodeTurn.Release();
            throw;
        }
    }

    private static DenoisingRun EncodeInTurn(LoadedModel model, StageWork work, int picture)
    {
        model.EncodeTurn.Wait(work.Job.Stop.Token);
        try
        {
            return work.Encode(model, picture);
        }
        finally
        {
            model.EncodeTurn.Release();
        }
    }

    /// <summary>
    /// Runs one stage of a picture, on a compute thread. The last stage returns the picture, at the size that the plan says for it before
    /// it is brought to the request's.
    /// </summary>
    private DrawnPicture? Draw(StageWork work, LoadedModel model, DenoisingRun run, int picture)
    {
        CancellationToken stop = work.Job.Stop.Token;
        work.Job.Snapshot.TryUse(work.KeyOf(picture), run.Restore);
        work.Clock.Begin();
        run.Loop(report => OnStep(work, report, picture), stop);
        stop.ThrowIfCancellationRequested();

        work.Results[picture]?.Dispose();
        work.Results[picture] = null;
        if (work.Stage.HandsOnLatents)
        {
            work.Results[picture] = new StageResult(run.Latents.clone().DetachFromDisposeScope(), null);
            return null;
        }

        using PictureBatch batch = run.Decode(stop);
        if (!work.IsLast)
        {
            work.Results[picture] = new StageResult(null, batch.ToPictures()[0]);
            return null;
        }

        Picture drawn = work.Recipe.Plan.Render!.Upscaler is null ? batch.ToPictures()[0] : Enlarge(model, batch, stop);
        SafetyPolicy safety = work.Recipe.Request.Safety;
        if (safety == SafetyPolicy.Off)
        {
            // Bringing it to its size needs no compute thread
            return new DrawnPicture(drawn, IsFinished: false, Nsfw: null);
        }

        (Picture passed, bool? nsfw) = SafetyGate.Pass(model, safety, work.Recipe.Finish(drawn));
        return new DrawnPicture(passed, IsFinished: true, nsfw);
    }

    private static Picture Enlarge(LoadedModel model, PictureBatch batch, CancellationToken stop)
    {
        using Tensor larger = model.Upscaler!.Upscale(batch.Images, stop);
        return PictureTensors.ToPictures(larger)[0];
    }

    private void OnStep(StageWork work, StepReport report, int picture)
    {
        RunningJob job = work.Job;
        (int done, int steps) = work.Progress(picture, report.Step);
        job.Snapshot.Update(work.KeyOf(picture), report.SaveState(), done);
        job.Progress = new JobProgress(done, steps);
        byte[]? preview = work.Clock.IsPreviewDue() && report.Step < report.Steps ? StepPreview.Make(report) : null;
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress, preview);
        metrics.StepDone(job.Claim.Model);
        // Before the next job is let in: one that stands still keeps its slot, however fast the machine
        HoldPoint.Pass(HoldPoint.Step, job.Claim.Id, done, job.Stop.Token);
        HoldPoint.Pass(HoldPoint.Computation, job.Claim.Id, done, CancellationToken.None);
        if (work.Clock.IsNearlyDone(steps - done))
        {
            job.Slot.Dispose();
        }
    }

    /// <summary>One stage of a job's pictures.</summary>
    private sealed record StageWork(
        RunningJob Job,
        PictureRecipe Recipe,
        PictureStage[] Stages,
        int Index,
        StageResult?[] Results,
        Task<JobOutput>[] Outputs,
        NotFiniteException?[] Unmade,
        StepClock Clock
    )
    {
        public PictureStage Stage => Stages[Index];

        public bool IsLast => Index == Stages.Length - 1;

        /// <summary>The key of the picture's state in the job's snapshot.</summary>
        public int KeyOf(int picture) => KeyOf(picture, Index);

        /// <summary>Whether the picture goes through this stage.</summary>
        public bool IsToBeDone(int picture) => Unmade[picture] is null && !IsBeyond(picture);

        /// <summary>Whether an earlier worker has begun a later stage of the picture.</summary>
        private bool IsBeyond(int picture) =>
            Enumerable.Range(Index + 1, Stages.Length - Index - 1).Any(later => Job.Snapshot.TryUse(KeyOf(picture, later), _ => { }));

        public DenoisingRun Encode(LoadedModel model, int picture)
        {
            Job.Stop.Token.ThrowIfCancellationRequested();
            return Stage.Encode(model, picture, Results[picture]);
        }

        /// <summary>The number of steps done, over all pictures and stages, and the number of steps in all.</summary>
        public (int Done, int Steps) Progress(int picture, int step) =>
            (
                (Results.Length * Stages.Take(Index).Sum(stage => stage.Pass.Steps)) + (picture * Stage.Pass.Steps) + step,
                Results.Length * Recipe.Plan.Steps
            );

        private int KeyOf(int picture, int stage) => (picture * Stages.Length) + stage;
    }

    private sealed class Turn(SemaphoreSlim turn, IDisposable changes) : IDisposable
    {
        public void Dispose()
        {
            changes.Dispose();
            turn.Release();
        }
    }
}
