namespace Generation.EndToEnd.Tests.Clients;

/// <summary>A network that loses answers, and on which streams break off: the server has done what was asked all the same.</summary>
internal sealed class BreakingHandler : DelegatingHandler
{
    public BreakingHandler()
        : base(new HttpClientHandler()) { }

    /// <summary>So many of the next answers do not arrive.</summary>
    public int LostAnswers { get; set; }

    /// <summary>So many of the next streams of events break off behind their first events.</summary>
    public int BrokenStreams { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage answer = await base.SendAsync(request, cancellationToken);
        if (LostAnswers > 0)
        {
            LostAnswers--;
            await answer.Content.LoadIntoBufferAsync(cancellationToken);
            answer.Dispose();
            throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was lost.");
        }

        if (BrokenStreams > 0 && answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            BrokenStreams--;
            Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            var broken = new StreamContent(new BreakingStream(body));
            broken.Headers.ContentType = answer.Content.Headers.ContentType;
            answer.Content = broken;
        }

        return answer;
    }

    /// <summary>Ends with an error behind its second read: the first has the stream's own beginning.</summary>
    private sealed class BreakingStream(Stream inner) : Stream
    {
        private int _reads;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _reads++ < 2
                ? inner.ReadAsync(buffer, cancellationToken)
                : throw new HttpIOException(HttpRequestError.ResponseEnded, "The connection was lost.");

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
