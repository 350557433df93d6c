// Replicate's library against the API of REPLICATE_URL, with the picture IMAGE; jobs of 30 steps stand still until the files HOLD are gone; what it got goes out as one JSON object.
import fs from 'node:fs';
import { webcrypto } from 'node:crypto';
import http from 'node:http';
import Replicate, { validateWebhook, parseProgressFromLogs } from 'replicate';

const replicate = new Replicate({ auth: process.env.REPLICATE_KEY, baseUrl: process.env.REPLICATE_URL });
const seen = {};
const model = 'stability-ai/sdxl';
const small = { prompt: 'a red apple', width: 64, height: 64, num_inference_steps: 3 };
const sizeOf = async (output) => {
  const bytes = Buffer.from(await (await output.blob()).arrayBuffer());
  return bytes.subarray(1, 4).toString('latin1') === 'PNG' ? 'png' : 'other';
};

// Blocking, by the model's name and by a version's id
const outputs = await replicate.run(model, { input: { ...small, num_outputs: 2 } });
seen.run = await Promise.all(outputs.map(sizeOf));
const versioned = await replicate.run(`${model}:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b`, { input: small });
seen.versioned = await sizeOf(versioned[0]);

// A file as input, which the library uploads
const image = fs.readFileSync(process.env.IMAGE);
const drawn = await replicate.run(model, { input: { prompt: 'a green pear', image, prompt_strength: 0.5, num_inference_steps: 4 } });
seen.drawn = await sizeOf(drawn[0]);

// Polled, with progress
const states = new Set();
const progress = [];
await replicate.run(model, { input: { ...small, num_inference_steps: 30 }, wait: { mode: 'poll', interval: 100 } }, (prediction) => {
  states.add(prediction.status);
  const at = parseProgressFromLogs(prediction);
  if (at) {
    progress.push(at.total);
    for (const path of process.env.HOLD.split(':')) fs.rmSync(path, { force: true });
  }
});
seen.states = [...states];
seen.progress = progress;

// Streamed
seen.events = [];
for await (const event of replicate.stream(model, { input: small })) seen.events.push(event.event);

// Cancelled
const prediction = await replicate.predictions.create({ model, input: { ...small, num_inference_steps: 150 } });
const cancelled = await replicate.predictions.cancel(prediction.id);
seen.cancelled = (await replicate.wait(cancelled, { interval: 100 })).status;

// A webhook, validated by the library
const told = new Promise((resolve) => {
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      response.end();
      server.close();
      resolve({ headers: request.headers, body });
    });
  });
  server.listen(0, '127.0.0.1', async () => {
    const webhook = `http://127.0.0.1:${server.address().port}/`;
    await replicate.predictions.create({ model, input: small, webhook, webhook_events_filter: ['completed'] });
  });
});
const { key } = await replicate.webhooks.default.secret.get();
const message = await told;
seen.webhook = { valid: await validateWebhook(message, key, webcrypto), status: JSON.parse(message.body).status };

// Files and lists
const file = await replicate.files.create(image, { purpose: 'test' });
seen.file = { type: file.content_type, purpose: (await replicate.files.get(file.id)).metadata.purpose, deleted: await replicate.files.delete(file.id) };
seen.files = (await replicate.files.list()).results.length;
seen.predictions = 0;
for await (const page of replicate.paginate(replicate.predictions.list)) seen.predictions += page.length;
seen.account = (await replicate.accounts.current()).type;
seen.hardware = (await replicate.hardware.list()).length;
seen.collections = (await replicate.collections.list()).results.map((c) => c.slug);
seen.collection = (await replicate.collections.get('text-to-image')).models.length;
seen.found = (await replicate.models.search('flux schnell')).results.map((m) => `${m.owner}/${m.name}`);
seen.model = (await replicate.models.get('generation', 'demo')).latest_version.id.length;
seen.versions = (await replicate.models.versions.list('stability-ai', 'sdxl')).results?.length;
seen.deployed = (await replicate.deployments.predictions.create('stability-ai', 'sdxl', { input: small, wait: 60 })).status;

const error = async (act) => {
  try {
    await act();
    return null;
  } catch (e) {
    return { status: e.response?.status ?? null, message: e.message };
  }
};
seen.invalid = await error(() => replicate.run(model, { input: { ...small, num_outputs: 99 } }));
seen.unknown = await error(() => replicate.run('nobody/nothing', { input: small }));
seen.stranger = await error(() => new Replicate({ auth: 'r8_nobody', baseUrl: process.env.REPLICATE_URL }).accounts.current());
console.log(JSON.stringify(seen));
