# One worker. Build from the clone's root: docker build -f deploy/docker/worker.Dockerfile .
# --build-arg TORCH_DEVICE=cuda makes one for NVIDIA GPUs (docs/gpu.md).
FROM mcr.microsoft.com/dotnet/sdk:10.0.401-noble AS build
ARG TORCH_DEVICE=cpu
# g++ is for the kernels that .NET cannot write; without it they are left out
RUN apt-get update -q && apt-get install -y -q --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Directory.Build.props Directory.Build.targets Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY contracts contracts
COPY planning planning
COPY diagnostics diagnostics
COPY storage storage
COPY worker worker
# For one system: packages hold native libraries of others, too
RUN dotnet publish worker/Service -c Release -r linux-x64 --self-contained false -o /app -nologo -p:TorchDevice=$TORCH_DEVICE

FROM mcr.microsoft.com/dotnet/aspnet:10.0.12-noble
RUN apt-get update -q && apt-get install -y -q --no-install-recommends curl ffmpeg libseccomp2 && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && install -d -o app -g app -m 700 /var/lib/generation
COPY --from=build /app /app
COPY models /models
USER app
WORKDIR /var/lib/generation
ENV ASPNETCORE_URLS=http://0.0.0.0:8081 Models__Path=/models
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8081/readyz"]
ENTRYPOINT ["dotnet", "/app/Generation.Service.dll"]
