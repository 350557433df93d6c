using System.Net.Http.Json;
using Generation.Contracts;

namespace Generation.Faces.Tests.Shared;

public sealed class FaceStackTests
{
    [Test]
    public async Task Stack_NativeRequest_MakesAPicture()
    {
        FaceStack stack = await FaceStack.GetAsync();
        FaceUser user = await stack.Api.NewUserAsync();
        using HttpClient client = stack.Api.Client(user);
        client.DefaultRequestHeaders.Add("Prefer", "wait=60");

        using HttpResponseMessage answer = await client.PostAsJsonAsync(
            "/v1/text2img",
            new
            {
                prompt = "a red apple",
                num_inference_steps = 4,
                width = 64,
                height = 64,
            },
            FaceStack.Limit()
        );

        JobDocument job = (await answer.Content.ReadFromJsonAsync<JobDocument>(WireJson.Options))!;
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), await answer.Content.ReadAsStringAsync());
        Assert.That((await stack.Api.JobsAsync(user)).Single().Id, Is.EqualTo(job.Id));
    }
}
