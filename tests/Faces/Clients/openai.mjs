// OpenAI's library against the API of OPENAI_BASE_URL, with the pictures IMAGE and MASK; a job of 30 steps and more waits while the files HOLD are there; what it got goes out as one JSON object.
import fs from 'node:fs';
import { File } from 'node:buffer';

globalThis.File ??= File; // Node 18
const { default: OpenAI, APIError, toFile } = await import('openai');

const client = new OpenAI({ maxRetries: 1, timeout: 240_000 });
const seen = {};
const size = async (bytes) => ({ bytes: bytes.length, format: bytes.subarray(1, 4).toString('latin1') === 'PNG' ? 'png' : bytes[0] === 0xff ? 'jpeg' : 'other' });
const file = (path) => toFile(fs.createReadStream(path), 'picture.png', { type: 'image/png' });
const quick = { num_inference_steps: 4 };

seen.models = [];
for await (const model of client.models.list()) seen.models.push(model.id);

const plain = await client.images.generate({ model: 'dall-e-3', prompt: 'a red apple', size: '256x256', ...quick });
seen.url = await size(Buffer.from(await (await fetch(plain.data[0].url)).arrayBuffer()));
seen.revised_prompt = plain.data[0].revised_prompt;
seen.created = plain.created;

const base64 = await client.images.generate({
  model: 'gpt-image-1', prompt: 'a red apple', n: 2, size: '256x256', output_format: 'jpeg', quality: 'low', ...quick,
});
seen.base64 = await Promise.all(base64.data.map((d) => size(Buffer.from(d.b64_json, 'base64'))));
seen.echo = { size: base64.size, quality: base64.quality, output_format: base64.output_format, background: base64.background, tokens: base64.usage.total_tokens };

seen.events = [];
const stream = await client.images.generate({
  model: 'gpt-image-1', prompt: 'a red apple', stream: true, partial_images: 2, size: '512x512', num_inference_steps: 60,
});
for await (const event of stream) {
  // The job stands still for this event, or never has to
  for (const path of process.env.HOLD.split(':')) fs.rmSync(path, { force: true });
  seen.events.push({ type: event.type, index: event.partial_image_index ?? null, ...(await size(Buffer.from(event.b64_json, 'base64'))) });
}

const edited = await client.images.edit({
  model: 'gpt-image-1', image: [await file(process.env.IMAGE)], mask: await file(process.env.MASK), prompt: 'a green pear', size: '256x256', ...quick,
});
seen.edited = edited.data[0].b64_json;
const whole = await client.images.edit({ model: 'gpt-image-1', image: await file(process.env.IMAGE), prompt: 'a green pear', input_fidelity: 'high', num_inference_steps: 8 });
seen.whole = await size(Buffer.from(whole.data[0].b64_json, 'base64'));

const varied = await client.images.createVariation({ image: await file(process.env.IMAGE), n: 1, size: '256x256', response_format: 'b64_json' });
seen.varied = await size(Buffer.from(varied.data[0].b64_json, 'base64'));

const error = async (act) => {
  try {
    await act();
    return null;
  } catch (e) {
    if (!(e instanceof APIError)) throw e;
    return { name: e.constructor.name, status: e.status, code: e.code, param: e.param, type: e.type, message: e.message, id: e.requestID ?? null };
  }
};
seen.invalid = await error(() => client.images.generate({ prompt: 'a', n: 99 }));
seen.unknown = await error(() => client.images.generate({ prompt: 'a', model: 'dall-e-9' }));
seen.stranger = await error(() => new OpenAI({ apiKey: 'sk-nobody' }).images.generate({ prompt: 'a' }));
console.log(JSON.stringify(seen));
