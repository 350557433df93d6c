// fal's library against the API of FAL_URL, with the picture IMAGE; a job of 30 steps stands still until the files HOLD are gone; what it got goes out as one JSON object.
import fs from 'node:fs';
import { ApiError, ValidationError, createFalClient } from '@fal-ai/client';

const clientOf = (credentials) => createFalClient({ credentials, proxyUrl: { url: process.env.FAL_URL, when: 'always' } });
const fal = clientOf(process.env.FAL_TEST_KEY);
const seen = {};
const model = 'fal-ai/flux/dev';
const small = { prompt: 'a paper fox', image_size: { width: 64, height: 64 }, num_inference_steps: 3 };
const shown = (result) => ({ images: result.data.images.length, type: result.data.images[0].content_type, hasId: result.requestId.length === 36 });

// By polling, with logs and progress
const states = new Set();
const logs = [];
const polled = await fal.subscribe(model, {
  input: { ...small, num_inference_steps: 30, num_images: 2 },
  logs: true,
  pollInterval: 100,
  onQueueUpdate: (update) => {
    states.add(update.status);
    const lines = (update.logs ?? []).map((log) => log.message);
    logs.push(...lines);
    if (lines.some((line) => /[|] \d+[/]\d+$/.test(line))) for (const path of process.env.HOLD.split(':')) fs.rmSync(path, { force: true });
  },
});
seen.polled = shown(polled);
seen.states = [...states];
seen.logs = logs.length > 0;

// By the stream of its status, and as one call
const streamed = await fal.subscribe(model, { input: small, mode: 'streaming', logs: true });
seen.streamed = shown(streamed);
seen.run = shown(await fal.run('fal-ai/fast-sdxl', { input: { ...small, sync_mode: true } }));

// A file as input, which the library uploads
const file = new Blob([fs.readFileSync(process.env.IMAGE)], { type: 'image/png' });
const enlarged = await fal.subscribe('fal-ai/esrgan', { input: { image_url: file, scale: 2 }, pollInterval: 100 });
seen.enlarged = enlarged.data.image.width;
seen.uploaded = (await (await fetch(await fal.storage.upload(file))).arrayBuffer()).byteLength === file.size;

// Step by step
const { request_id: requestId } = await fal.queue.submit(model, { input: { ...small, num_inference_steps: 50 }, priority: 'low' });
await fal.queue.cancel(model, { requestId });
await fal.queue.subscribeToStatus(model, { requestId, pollInterval: 100 });

const error = async (act) => {
  try {
    await act();
    return null;
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    return { name: e.name, status: e.status, fields: e instanceof ValidationError ? e.fieldErrors.map((f) => f.loc.join('.')) : [], hasId: e.requestId.length === 36 };
  }
};
seen.cancelled = await error(() => fal.queue.result(model, { requestId }));
seen.invalid = await error(() => fal.subscribe(model, { input: { num_images: 99 } }));
seen.unknown = await error(() => fal.run('fal-ai/nothing', { input: small }));
seen.stranger = await error(() => clientOf('nobody:nothing').run(model, { input: small }));
console.log(JSON.stringify(seen));
