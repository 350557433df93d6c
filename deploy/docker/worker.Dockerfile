# One worker, on the libtorch of Debian 12. Build from the clone's root: docker build -f deploy/docker/worker.Dockerfile .
# There are no Debian images of .NET 10, so the SDK and the runtime are taken out of Ubuntu's: they are the same portable build.
FROM debian:12.12 AS build
RUN apt-get update -q && apt-get install -y -q --no-install-recommends \
    ca-certificates cmake g++ libdnnl-dev libopenblas0 libtorch-dev make && rm -rf /var/lib/apt/lists/*
COPY --from=mcr.microsoft.com/dotnet/sdk:10.0.401-noble /usr/share/dotnet /usr/share/dotnet
ENV PATH=$PATH:/usr/share/dotnet DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
WORKDIR /src
COPY Directory.Build.props Directory.Packages.props .editorconfig ./
COPY contracts contracts
COPY storage storage
COPY worker worker
RUN dotnet publish worker/Service -c Release -o /app -nologo

FROM debian:12.12-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends \
    ca-certificates curl ffmpeg libdnnl2 libopenblas0 libpng16-16 libtorch1.13 libturbojpeg0 libwebp7 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/generation --uid 1654 app
COPY --from=mcr.microsoft.com/dotnet/aspnet:10.0.12-noble /usr/share/dotnet /usr/share/dotnet
COPY --from=build /app /app
COPY models /models
USER app
WORKDIR /var/lib/generation
ENV PATH=$PATH:/usr/share/dotnet ASPNETCORE_URLS=http://0.0.0.0:8081 Models__Path=/models
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8081/readyz"]
ENTRYPOINT ["dotnet", "/app/Generation.Worker.dll"]
