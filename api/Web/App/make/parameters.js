// Reads out of a picture file how the picture was made: the text that AUTOMATIC1111's web UI, many other tools and this system write, and
// the graph of ComfyUI where it is a plain one.

/**
 * What fits the form. @typedef {{ prompt?: string, negative_prompt?: string, num_inference_steps?: number, guidance_scale?: number,
 *   seed?: number, width?: number, height?: number, clip_skip?: number }} Found
 */

/** Only so much of a file is looked at: what is sought stands at its beginning. */
const LOOK = 4 << 20;

/** @param {Blob} file @returns {Promise<Found | null>} */
export async function readParameters(file) {
  const bytes = new Uint8Array(await file.slice(0, LOOK).arrayBuffer());
  try {
    const texts = textsOf(bytes);
    return texts.parameters ? fromText(texts.parameters) : texts.prompt ? fromGraph(JSON.parse(texts.prompt)) : null;
  } catch {
    // Damaged, or another tool's own form: then there is nothing to take over
    return null;
  }
}

const LATIN = new TextDecoder('latin1');
const UTF8 = new TextDecoder();

/** @param {Uint8Array} bytes @returns {Record<string, string>} */
function textsOf(bytes) {
  const view = new DataView(bytes.buffer);
  if (LATIN.decode(bytes.subarray(1, 4)) === 'PNG') {
    return pngTexts(bytes, view);
  }

  const exif =
    LATIN.decode(bytes.subarray(8, 12)) === 'WEBP' ? webpExif(bytes, view) : view.getUint16(0) === 0xffd8 ? jpegExif(bytes, view) : null;
  const comment = exif && userComment(exif);
  return comment ? { parameters: comment } : {};
}

/** @param {Uint8Array} bytes @param {DataView} view */
function pngTexts(bytes, view) {
  /** @type {Record<string, string>} */
  const texts = {};
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = LATIN.decode(bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    const end = data.indexOf(0);
    const name = LATIN.decode(data.subarray(0, Math.max(0, end)));
    if (type === 'tEXt') {
      texts[name] = LATIN.decode(data.subarray(end + 1));
    } else if (type === 'iTXt' && data[end + 1] === 0) {
      // Not compressed; behind two flags come a language and a translated name
      const text = data.indexOf(0, data.indexOf(0, end + 3) + 1);
      texts[name] = UTF8.decode(data.subarray(text + 1));
    }

    at += 12 + length;
  }

  return texts;
}

/** @param {Uint8Array} bytes @param {DataView} view @returns {Uint8Array | null} */
function webpExif(bytes, view) {
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    if (LATIN.decode(bytes.subarray(at, at + 4)) === 'EXIF') {
      return bytes.slice(at + 8, at + 8 + length);
    }

    at += 8 + length + (length % 2);
  }

  return null;
}

/** @param {Uint8Array} bytes @param {DataView} view @returns {Uint8Array | null} */
function jpegExif(bytes, view) {
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda;) {
    const length = view.getUint16(at + 2);
    if (bytes[at + 1] === 0xe1 && LATIN.decode(bytes.subarray(at + 4, at + 8)) === 'Exif') {
      return bytes.slice(at + 10, at + 2 + length);
    }

    at += 2 + length;
  }

  return null;
}

/** @param {Uint8Array} tiff @returns {string | null} */
function userComment(tiff) {
  const start = LATIN.decode(tiff.subarray(0, 4)) === 'Exif' ? 6 : 0;
  const block = tiff.slice(start);
  const view = new DataView(block.buffer);
  const little = view.getUint16(0) === 0x4949;
  /** @param {number} directory @param {number} tag @returns {number} where the tag's entry is; -1 where there is none */
  const find = (directory, tag) => {
    for (let i = 0; i < view.getUint16(directory, little); i++) {
      if (view.getUint16(directory + 2 + 12 * i, little) === tag) {
        return directory + 2 + 12 * i;
      }
    }

    return -1;
  };
  const first = view.getUint32(4, little);
  const pointer = find(first, 0x8769);
  const entry = pointer < 0 ? find(first, 0x9286) : find(view.getUint32(pointer + 8, little), 0x9286);
  if (entry < 0) {
    return null;
  }

  const at = view.getUint32(entry + 8, little);
  const data = block.subarray(at, at + view.getUint32(entry + 4, little));
  if (LATIN.decode(data.subarray(0, 7)) !== 'UNICODE') {
    return UTF8.decode(data.subarray(8));
  }

  // The order of bytes is not said: that of which fewer zeroes come first is English's
  const text = data.subarray(8);
  return new TextDecoder(text[0] === 0 ? 'utf-16be' : 'utf-16le').decode(text);
}

/** @param {string} text @returns {Found | null} */
function fromText(text) {
  const settings = /(?:^|\n)(Steps: [\s\S]*)$/.exec(text);
  if (!settings) {
    return null;
  }

  const words = text.slice(0, settings.index);
  const [prompt, negative] = words.split(/(?:^|\n)Negative prompt: /);
  /** @param {string} name */
  const of = (name) => new RegExp(`(?:^|, )${name}: ("(?:[^"\\\\]|\\\\.)*"|[^,]*)`).exec(settings[1])?.[1].trim();
  const size = /^(\d+)x(\d+)$/.exec(of('Size') ?? '');
  return known({
    prompt: prompt.trim(),
    negative_prompt: negative?.trim() || undefined,
    num_inference_steps: Number(of('Steps')),
    guidance_scale: Number(of('CFG scale')),
    seed: Number(of('Seed')),
    clip_skip: of('Clip skip') ? Number(of('Clip skip')) - 1 : undefined,
    width: size ? Number(size[1]) : undefined,
    height: size ? Number(size[2]) : undefined,
  });
}

/** @param {Record<string, { class_type: string, inputs: Record<string, any> }>} graph @returns {Found | null} */
function fromGraph(graph) {
  const sampler = Object.values(graph).find(({ class_type: type }) => type.startsWith('KSampler'))?.inputs;
  if (!sampler) {
    return null;
  }

  /** @param {any} link @returns {any} the inputs of the node that a link leads to */
  const behind = (link) => (Array.isArray(link) ? graph[link[0]]?.inputs : undefined);
  const latent = behind(sampler.latent_image);
  const text = (/** @type {any} */ link) => (typeof behind(link)?.text === 'string' ? behind(link).text : undefined);
  return known({
    prompt: text(sampler.positive),
    negative_prompt: text(sampler.negative),
    num_inference_steps: sampler.steps,
    guidance_scale: sampler.cfg,
    seed: sampler.seed ?? sampler.noise_seed,
    width: latent?.width,
    height: latent?.height,
  });
}

/** Without what was not there. @param {Record<string, any>} found @returns {Found} */
const known = (found) => Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined && !Number.isNaN(value)));
