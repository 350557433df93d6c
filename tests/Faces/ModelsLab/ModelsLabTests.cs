namespace Generation.Faces.Tests.ModelsLab;

/// <summary>Keys travel in bodies, and what takes long is fetched.</summary>
public abstract class ModelsLabTests : FaceTests
{
    private protected override HttpClient ClientOf(FaceUser user) => Api.Client();

    /// <summary>Sends a body, and fetches the answer until it is made.</summary>
    private protected async Task<FaceAnswer> DoneAsync(string path, object body)
    {
        FaceAnswer answer = await Client.SendAsync(path, body);
        CancellationToken limit = FaceStack.Limit();
        while (answer.Text("status") == "processing")
        {
            await Task.Delay(100, limit);
            string id = answer.Text("id");
            answer = await Client.SendAsync($"{path[..7]}/fetch/{id}", new { key = User.Key });
        }

        Assert.That(answer.Text("status"), Is.EqualTo("success"), answer.Json.ToString());
        return answer;
    }
}
