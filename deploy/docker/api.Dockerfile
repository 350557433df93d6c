# The API, dispatcher and rescuer. Build from the clone's root: docker build -f deploy/docker/api.Dockerfile .
FROM mcr.microsoft.com/dotnet/sdk:10.0.401-noble AS build
WORKDIR /src
COPY Directory.Build.props Directory.Build.targets Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY worker/Torch/Build worker/Torch/Build
COPY contracts contracts
COPY planning planning
COPY diagnostics diagnostics
COPY storage storage
COPY worker/Decoder worker/Decoder
COPY worker/Imaging worker/Imaging
COPY worker/Prompts worker/Prompts
COPY worker/Schedules worker/Schedules
COPY worker/Tokenizers worker/Tokenizers
COPY api api
RUN dotnet publish api -c Release -o /app -nologo

FROM mcr.microsoft.com/dotnet/aspnet:10.0.12-noble
RUN apt-get update -q && apt-get install -y -q --no-install-recommends curl && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && install -d -o app -g app -m 700 /var/lib/generation
COPY --from=build /app /app
USER app
WORKDIR /var/lib/generation
ENV ASPNETCORE_URLS=http://0.0.0.0:8080 Keys__SecretFile=/var/lib/generation/key-secret
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["dotnet", "/app/Generation.Api.dll"]
